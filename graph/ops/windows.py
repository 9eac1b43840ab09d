"""What convolutions share: windows that slide over an image, maps made, an offset a channel."""

from __future__ import annotations

from graph.op import Op, Port, SettingError, setting
from graph.ops.borders import PADDING_MODES, bordered
from graph.ops.dense import constant_setting, init_setting, limit_setting
from graph.primitives import channel_shape, conv2d, reshape
from graph.program import TensorType
from graph.tensor import Tensor

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]  # top, bottom, left, right


def pair(value: int | Pair) -> Pair:
    """The same number for rows and columns, unless two are given."""
    return value if isinstance(value, tuple) else (value, value)


def border(padding: int | Pair | str, kernel: Pair, dilation: Pair) -> Sides:
    """Rows and columns that a padding adds at the top, bottom, left and right.

    "same" adds what windows of `kernel` taps, `dilation` apart, take off; the odd one goes to the
    bottom and right, as in PyTorch. "valid" adds none, a number or two so many a side.
    """
    if padding == "same":
        rows, columns = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
        return (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    rows, columns = (0, 0) if isinstance(padding, str) else pair(padding)
    return (rows, rows, columns, columns)


def need_stride_of_one(padding: int | Pair | str, stride: int | Pair) -> None:
    """Raises SettingError when the size is to stay the same and windows are left out."""
    if padding == "same" and pair(stride) != (1, 1):
        remedy = "a stride of 1; with a larger one give the padding as a number"
        raise SettingError("padding", f"'same' with a stride of {stride}", remedy)


def offset(y: Tensor, bias: Tensor | None) -> Tensor:
    """y with one number added to each channel."""
    return y if bias is None else y + reshape(bias, channel_shape(y))


class Maps(Op, register=False):
    """Base of nodes that make so many maps. Its place among the bases is that of the setting."""

    filters: int | None = setting(
        32,
        "Number of maps made; free: as many as the input has channels",
        min=1,
        max=65_536,
        label="output channels",
    )

    def maps(self, x: TensorType) -> int:
        """How many maps are made of images N×C×H×W."""
        return self.filters or x.shape[1]

    def module_template(self, *operands: TensorType) -> str:
        return self.torch.replace("{filters}", str(self.maps(operands[0])))


class Windows(Op, register=False):
    """Base of convolutions: windows of one size slide over an image and have weights."""

    category, icon, family = "Convolution", "conv", "conv"
    inputs = (Port("x", "image"),)
    outputs = (Port("y", "image"),)
    kernel: int | tuple[int, int] = setting(
        3, "Size of a window", min=1, max=1024, unit="px", label="kernel size"
    )
    stride: int | tuple[int, int] = setting(
        1, "Pixels from one window to the next", min=1, max=1024, unit="px"
    )
    padding: int | tuple[int, int] | str = setting(
        "same",
        "Border around the image: `same` keeps its size, `valid` adds none, or so many a side",
        min=0,
        max=1024,
        choices=("same", "valid"),
    )
    padding_mode: str = setting(
        "zeros", "What the border is made of", choices=PADDING_MODES, advanced=True
    )
    dilation: int | tuple[int, int] = setting(
        1, "Pixels between the taps of a window", min=1, max=1024, unit="px", advanced=True
    )
    bias: bool = setting(True, "Add a trained offset to each channel")
    init: str = init_setting()
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting()

    def check(self) -> None:
        need_stride_of_one(self.padding, self.stride)

    def sides(self) -> Sides:
        """Rows and columns added at the top, bottom, left and right."""
        return border(self.padding, pair(self.kernel), pair(self.dilation))

    def framed(self, x: Tensor) -> Tensor:
        """x with its border, but for zeros: those come with the sliding, see `zeros`."""
        if self.padding_mode == "zeros":
            return x
        top, bottom, left, right = self.sides()
        higher = bordered(x, 2, top, bottom, self.padding_mode)
        return bordered(higher, 3, left, right, self.padding_mode)

    def zeros(self) -> Sides:
        """Rows and columns of zeros at the top, bottom, left and right of what is framed."""
        return self.sides() if self.padding_mode == "zeros" else (0, 0, 0, 0)

    def slide(self, framed: Tensor, weight: Tensor) -> Tensor:
        """Each window F×C×kh×kw over framed images N×C×H×W: maps N×F×H'×W'."""
        return conv2d(framed, weight, pair(self.stride), self.zeros(), pair(self.dilation))
