"""Images as steps see them: channels last, perhaps with a zero border around."""

from __future__ import annotations

from compute.cpu.planner.steps import Word, address
from compute.cpu.planner.views import Sides, View, image_axes


def image_words(name: str, view: View) -> dict[str, Word]:
    """The four words of an image operand."""
    strides = [view.stride(axis) or 0 for axis in range(4)]
    return {
        name: address(view),
        f"{name}_img": strides[0],
        f"{name}_row": strides[2],
        f"{name}_pix": strides[3],
    }


def whole_buffer(view: View) -> View:
    """Everything in the buffer of an image, border included, cut along the images as `view`."""
    buffer = view.buffer
    if buffer.border is None:
        return view
    count = view.shape[0]
    image = buffer.size // count
    return View(buffer, 0, (((count, image),), ((image // view.item, view.item),)), view.item)


def interior_of(view: View, border: Sides) -> View | None:
    """The image that a buffer with at least this border was made for, all its strides known."""
    buffer = view.buffer
    if buffer.border is None or any(b < n for b, n in zip(buffer.border, border, strict=True)):
        return None
    axes, offset, _ = image_axes(buffer.geometry[:4], buffer.border, view.item)
    return View(buffer, offset, axes, view.item)
