"""Images from files as the model takes them: N×C×H×W, values from 0 to 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

from compute.backend import Array
from compute.data.source import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
MAX_PIXELS = 64 * 1024**2


def read_images(file: Path, shape: tuple[int, ...]) -> Array:
    """The image of a picture file, or the images of an `.npy` file, each of `shape` C×H×W.

    Pictures are resized and made grey where C is 1; arrays must have the shape, 0 … 1, or 0 … 255
    when they hold whole numbers. Raises DataError for anything else.
    """
    if file.suffix.lower() == ".npy":
        return _from_array(file, shape)
    if file.suffix.lower() not in ENDINGS:
        expected = "a .png picture or an .npy array"
        raise DataError(str(file), f"ending {file.suffix!r}", expected, "convert it")
    return _from_picture(file, shape)


def _from_picture(file: Path, shape: tuple[int, ...]) -> Array:
    channels, height, width = shape
    try:
        with PIL.Image.open(file) as picture:
            picture.verify()  # checksums, where the format has them; a verified picture is used up
        with PIL.Image.open(file) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                found = f"{picture.width}×{picture.height} pixels"
                raise DataError(str(file), found, f"at most {MAX_PIXELS:,}", "shrink it")
            mode = {1: "L", 3: "RGB", 4: "RGBA"}.get(channels)
            if mode is None:
                raise DataError(str(file), "a picture", f"{channels} channels", "use .npy")
            # a palette or transparency becomes plain colour first
            plain = picture.convert("RGB" if mode != "RGBA" else "RGBA").convert(mode)
            if plain.size != (width, height):
                plain = plain.resize((width, height), PIL.Image.Resampling.BOX)
            pixels = np.asarray(plain, np.float64) / 255
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        found = f"a picture that cannot be read ({type(error).__name__})"
        raise DataError(str(file), found, "a whole picture", "save it anew") from None
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)[None]


def _from_array(file: Path, shape: tuple[int, ...]) -> Array:
    try:
        values = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        found = str(error).splitlines()[0] if str(error) else "a damaged file"
        raise DataError(str(file), found[:80], "an .npy array", "save it anew") from None
    wanted = "N×" + "×".join(map(str, shape))
    if values.dtype.kind not in "fiub":
        raise DataError(str(file), f"values of kind {values.dtype}", "numbers", "convert it")
    given = values.shape
    whole = values.dtype.kind in "iu" and values.size and values.max() > 1
    if given in (shape, shape[1:]) or given[1:] in (shape, shape[1:]):
        images = values.astype(np.float64).reshape(-1, *shape)
        return np.asarray(images / 255 if whole else images)
    found = "an array " + "×".join(map(str, given))
    raise DataError(str(file), found, wanted, "reshape it")
