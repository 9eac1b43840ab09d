"""The product of one row against the general one: the same bits, however it is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import run

from compute.cpu.kernels.panels import DEPTH
from compute.cpu.loader import Library
from tests.kernels.test_gemm_kernel import operands
from tests.kernels.test_gemm_kernel import words as gemm_words

CUTS = [(9, 512), (1, 128), (2, 48), (1, 7), (1, 512)]  # runs and columns of a chunk


def product(
    library: Library, a: Any, b: Any, cut: tuple[int, int], bias: Any, epilogue: int
) -> tuple[Any, Any]:
    """C in one order of the chunks, and the counts afterwards."""
    n, k = b.shape[1], b.shape[0]
    runs, size = cut[0], min(cut[1], n)
    c = np.full(n, np.nan, a.dtype)
    sums = np.full((max(1, -(-k // DEPTH)), n), np.nan, a.dtype)
    counts = np.zeros((-(-n // size), 8), np.int64)
    run(
        library, "row_product", shuffle=runs + size,
        a=a.ctypes.data, a_col=a.strides[1], b=b.ctypes.data, b_row=b.strides[0], c=c.ctypes.data,
        n=n, k=k, bias=0 if bias is None else bias.ctypes.data, epilogue=epilogue,
        sums=sums.ctypes.data, counts=counts.ctypes.data, runs=runs, size=size,
    )  # fmt: skip
    return c, counts


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize(
    "size", [(1, 300, 410), (1, 130, 193), (1, 5, 410), (1, 10, 200), (1, 1, 2)], ids=str
)
def test_the_bits_of_the_general_product(
    library: Library, real: Any, rng: np.random.Generator, size: Any, cut: tuple[int, int]
) -> None:
    a, b, c = operands(rng, *size, real)
    bias = rng.standard_normal(size[1]).astype(real)
    for given in (None, bias):
        for epilogue in (0, 1):
            general = gemm_words(a, b, c, epilogue=epilogue)
            if given is not None:
                general |= {"init": 2, "bias": given.ctypes.data}
            run(library, "gemm", **general)
            found, counts = product(library, a, b, cut, given, epilogue)
            assert (found == c[0]).all()
            assert not counts.any()  # as it was found


def test_a_of_any_stride(library: Library, real: Any, rng: np.random.Generator) -> None:
    a, b, c = operands(rng, 1, 200, 390, real)
    apart = np.zeros((390, 3), real)
    apart[:, 1] = a
    run(library, "gemm", **gemm_words(a, b, c))
    assert (product(library, apart[:, 1:2].T, b, (1, 128), None, 0)[0] == c[0]).all()
