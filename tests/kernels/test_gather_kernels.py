"""Batches from data sets, embeddings, their gradients, one-hot codes; indices out of range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import image, image_words, padded, run, untouched_gaps

from compute.cpu.loader import Library


@pytest.mark.parametrize("shape", [(1, 8, 9), (3, 5, 4), (17, 2, 3), (97, 1, 1), (1, 1, 33)])
@pytest.mark.parametrize("kind", ["real", "int"])
def test_batch(library: Library, real: Any, rng: Any, shape: Any, kind: str) -> None:
    c, height, width = shape
    dtype = real if kind == "real" else np.int64
    data = rng.integers(-99, 99, (20, *shape)).astype(dtype)
    index = rng.permutation(20)[:15].astype(np.int64)
    out = image((5, height, width, c), dtype, (1, 1, 2, 1))
    for step in range(3):
        run(
            library, "gather_batch", step=step, data=data.ctypes.data,
            data_sample=data.strides[0], samples=20, index=index.ctypes.data, steps=3,
            **image_words("out", out), batch=5, c=c, height=height, width=width,
            kind=int(kind == "int"), size=2,
        )  # fmt: skip
        picked = data[index[5 * step : 5 * step + 5]]
        assert (out == picked.transpose(0, 2, 3, 1)).all()
        base = out.base.copy()
        base[:, 1 : 1 + height, 2 : 2 + width] = 0
        assert not base.any()


@pytest.mark.parametrize("bad", [-1, 20, 2**62])
def test_sample_out_of_range(library: Library, real: Any, rng: Any, bad: int) -> None:
    data = rng.standard_normal((20, 7)).astype(real)
    numbers = np.arange(20)
    index = np.array([3, bad, 5])
    out, labels = np.zeros((3, 1, 1, 7), real), np.zeros((3, 1, 1, 1), np.int64)
    shared = {
        "samples": 20, "index": index.ctypes.data, "steps": 1, "batch": 3, "height": 1,
        "width": 1, "size": 3,
    }  # fmt: skip
    name = "gather_batch"
    run(
        library, name, data=data.ctypes.data, data_sample=data.strides[0], c=7, kind=0,
        **image_words("out", out), **shared,
    )  # fmt: skip
    run(
        library, name, data=numbers.ctypes.data, data_sample=8, c=1, kind=1,
        **image_words("out", labels), **shared,
    )  # fmt: skip
    assert np.isnan(out[1]).all()
    assert (out[[0, 2], 0, 0] == data[[3, 5]]).all()
    assert labels.ravel().tolist() == [3, -1, 5]


@pytest.mark.parametrize("n", [1, 16, 33])
def test_rows_and_their_gradient(library: Library, real: Any, rng: Any, n: int) -> None:
    table, out = padded((11, n), real), padded((23, n), real)
    table[...] = rng.standard_normal((11, n))
    index = rng.integers(0, 11, 23)
    index[5] = 11
    run(
        library, "gather_rows", table=table.ctypes.data, table_row=table.strides[0], rows=11,
        index=index.ctypes.data, out=out.ctypes.data, out_row=out.strides[0], m=23, n=n,
        per=23, size=4,
    )  # fmt: skip
    good = np.delete(np.arange(23), 5)
    assert (out[good] == table[index[good]]).all()
    assert np.isnan(out[5]).all()
    x = np.ascontiguousarray(np.where(np.isnan(out), 1, out)).astype(real)
    for init in (0, 1):
        expected = table * init
        for i in good:
            expected[index[i]] += x[i]
        run(
            library, "scatter_add_rows", x=x.ctypes.data, x_row=x.strides[0],
            index=index.ctypes.data, table=table.ctypes.data, table_row=table.strides[0],
            rows=11, m=23, n=n, per=23, init=init, size=3,
        )  # fmt: skip
        assert (table == expected).all()
        assert untouched_gaps(table)


@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_rows_of_a_table_each(library: Library, real: Any, rng: Any, size: int) -> None:
    """Three tables of 5 rows, 4 ids for each; an id never reaches into the table beside its own."""
    tables, out = padded((15, 3), real), padded((12, 3), real)
    tables[...] = rng.standard_normal((15, 3))
    index = np.array([4, 0, 4, 2, -1, 5, 3, 3, 0, 9, 1, -5])
    words = {"index": index.ctypes.data, "rows": 5, "m": 12, "n": 3, "per": 4, "size": size}
    at = {"table": tables.ctypes.data, "table_row": tables.strides[0]}
    run(library, "gather_rows", out=out.ctypes.data, out_row=out.strides[0], **at, **words)
    known = (index >= 0) & (index < 5)
    places = (np.arange(12) // 4 * 5 + index)[known]
    assert (out[known] == tables[places]).all()
    assert np.isnan(out[~known]).all()
    x = rng.standard_normal((12, 3)).astype(real)
    expected = np.zeros((15, 3), real)
    np.add.at(expected, places, x[known])
    run(library, "scatter_add_rows", x=x.ctypes.data, x_row=x.strides[0], init=0, **at, **words)
    assert (tables == expected).all()
    assert untouched_gaps(tables)


def test_one_hot(library: Library, real: Any) -> None:
    index, out = np.array([0, 4, -1, 5, 2]), padded((5, 5), real)
    run(
        library, "one_hot", index=index.ctypes.data, out=out.ctypes.data, out_row=out.strides[0],
        m=5, n=5, size=2,
    )  # fmt: skip
    good = [0, 1, 4]
    assert (out[good] == (np.arange(5) == index[good, None])).all()
    assert np.isnan(out[[2, 3]]).all()
    assert untouched_gaps(out)
