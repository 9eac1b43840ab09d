"""Pooling that is told the size of its result, not that of its windows."""

from __future__ import annotations

from graph.op import Op, Port, bad, labels, sample, setting
from graph.ops.expect import need_image
from graph.ops.windows import Pair, pair
from graph.primitives import avg_pool2d
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class AdaptiveAvgPool2d(Op):
    """Means over equal tiles of an image, as many as asked for, whatever the size of the image.

    x N×C×H×W → y N×C×size; a size of 1 is the global average (Lin, Chen & Yan 2014). Refuses an
    image whose sides are no multiples of the size: its tiles would overlap.
    """

    category, icon, family = "Convolution", "pool_average", "conv"
    keywords = ("global average pooling", "gap", "mean", "downsample", "resize")
    inputs = (Port("x", "image"),)
    outputs = (Port("y", "image"),)
    summary = ("size",)
    size: int | tuple[int, int] = setting(
        1, "Height and width of the result", min=1, max=65_536, unit="px"
    )
    torch = "nn.AdaptiveAvgPool2d({size})"
    samples = (
        sample(x=(2, 3, 4, 5)),
        sample(x=(1, 2, 6, 4), settings={"size": 2}),
        sample(x=(2, 1, 4, 3), settings={"size": (2, 3)}),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
        bad("multiples of 3×3", x=(2, 1, 4, 6), settings={"size": 3}),
    )

    def build(self, x: Tensor) -> Tensor:
        tile = self.tile(x.type)
        return avg_pool2d(x, tile, tile, (0, 0, 0, 0))

    def tile(self, x: TensorType) -> Pair:
        """Height and width of a tile; raises ShapeError when the tiles would overlap."""
        need_image(x)
        (height, width), (rows, columns) = x.shape[2:], pair(self.size)
        if height % rows or width % columns:
            expected = f"sides that are multiples of {rows}×{columns}"
            remedy = "choose a size that divides them"
            raise ShapeError(f"an image of {height}×{width}", expected, remedy)
        return height // rows, width // columns
