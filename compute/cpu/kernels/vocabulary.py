"""The words kernels are written in: declarations only, rebound to a variant's operations when compiled.

Calling one of these functions directly raises: kernels run only when compiled. Addresses are int64 byte
addresses; a `Vector` holds `LANES` reals of `ITEM` bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def _word(function: F) -> F:
    """Marks a function of the vocabulary."""
    function.__vocabulary__ = True  # type: ignore[attr-defined]
    return function


@_word
def unpack(row: int) -> Any:
    """The argument words of the kernel's row, as a tuple of int64."""
    raise NotImplementedError("kernels run only when compiled")
