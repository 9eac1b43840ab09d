"""Pictures and arrays as new images for a model."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from compute.data import DataError
from compute.data.images import read_images

SHAPE = (1, 8, 8)
GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


def test_a_picture_of_the_right_size_is_taken_as_it_is(tmp_path: Path) -> None:
    """Grey values become 0 … 1; colour is made grey; a bigger one is averaged down."""
    PIL.Image.fromarray(GREY).save(tmp_path / "a.png")
    expected = GREY[None, None] / 255
    assert np.array_equal(read_images(tmp_path / "a.png", SHAPE), expected)
    PIL.Image.fromarray(np.stack([GREY] * 3, -1)).save(tmp_path / "rgb.png")
    assert np.array_equal(read_images(tmp_path / "rgb.png", SHAPE), expected)
    PIL.Image.fromarray(GREY.repeat(3, 0).repeat(3, 1)).save(tmp_path / "big.png")
    assert np.array_equal(read_images(tmp_path / "big.png", SHAPE), expected)
    colour = read_images(tmp_path / "rgb.png", (3, 8, 8))
    assert np.array_equal(colour, np.stack([GREY] * 3)[None] / 255)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (5, 8, 8), (5, 1, 8, 8)])
def test_arrays_of_one_or_many_images(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Real numbers as they are, whole ones from 0 to 255."""
    values = np.random.default_rng(0).random(shape)
    np.save(tmp_path / "a.npy", values)
    count = shape[0] if shape[0] == 5 else 1
    found = read_images(tmp_path / "a.npy", SHAPE)
    assert np.array_equal(found, values.reshape(count, *SHAPE))
    np.save(tmp_path / "b.npy", (values * 255).astype(np.uint8))
    assert np.abs(read_images(tmp_path / "b.npy", SHAPE) - found).max() < 1 / 255


@pytest.mark.parametrize("case", ["cut", "text", "ending", "shape", "kind", "pickle", "cut array"])
def test_damaged_images_are_one_line(tmp_path: Path, case: str) -> None:
    """Found, expected and remedy; nothing in a file is run."""
    file = tmp_path / ("a.png" if case in ("cut", "text") else "a.npy")
    if case == "cut":
        PIL.Image.fromarray(GREY).save(file)
        file.write_bytes(file.read_bytes()[:60])
    elif case == "text":
        file.write_text("no picture")
    elif case == "ending":
        file = tmp_path / "a.doc"
        file.write_text("")
    elif case == "pickle":
        np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    else:
        values = np.zeros((2, 9, 9)) if case == "shape" else np.zeros((8, 8))
        np.save(file, values.astype(str) if case == "kind" else values)
        if case == "cut array":
            file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError) as error:
        read_images(file, SHAPE)
    assert "\n" not in str(error.value)
    assert "expected" in str(error.value)
