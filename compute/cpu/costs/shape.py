"""What counts depend on besides the step: the vectors of a variant, and its tile."""

from __future__ import annotations

from dataclasses import dataclass

from compute.cpu.variants import Variant

Counts = dict[str, float]


@dataclass(frozen=True)
class Shape:
    """Reals of a vector and their bytes, rows and vectors of a tile of a product."""

    lanes: int
    item: int
    rows: int
    vectors: int

    @staticmethod
    def of(variant: Variant) -> Shape:
        """That of a variant; the tile is `simd.tile_shape`'s, which loads the compiler."""
        rows, vectors = 8, 3
        if variant.bytes == 32:
            rows, vectors = 6, 2
        elif variant.bytes < 32 and variant.cpu == "x86-64-v2":
            rows, vectors = 4, 2
        return Shape(variant.lanes, variant.item, rows, vectors)

    def over(self, count: int) -> int:
        """Vectors that hold so many reals."""
        return -(-count // self.lanes)
