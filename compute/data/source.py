"""What a data node gives before anything is fitted, where its file may lie, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compute.backend import Array
from graph.files import named_file

# A file that is larger cannot be held in memory beside the model; said before it is opened.
MAX_FILE_BYTES = 1024**3


class DataError(ValueError):
    """Data that cannot be used: where, what was found, what was expected, what to do."""

    def __init__(self, where: str, found: str, expected: str, remedy: str) -> None:
        self.where, self.found, self.expected, self.remedy = where, found, expected, remedy
        super().__init__(f"{where}: found {found}, expected {expected}; {remedy}")


class OutsideError(DataError):
    """A data file outside the folder of the graph; reading `file` needs a permission."""

    def __init__(self, where: str, path: str, file: Path, allow: str) -> None:
        remedy = f"{allow}, or copy the file beside the graph"
        super().__init__(where, repr(path), "a file in the graph's folder", remedy)
        self.file = file


@dataclass(frozen=True)
class Folder:
    """Where the paths of a graph start, and which files elsewhere may be read.

    `allowed` are resolved paths; `allow_outside` allows all, for what has been read before.
    `allow` tells people how to allow a file.
    """

    base: Path
    allow_outside: bool = False
    allowed: frozenset[Path] = frozenset()
    allow: str = "allow it"

    def file(self, path: str, where: str) -> Path:
        """The file a data node names; raises DataError when it may not or cannot be read."""
        if not path:
            raise DataError(where, "no file", "the path of a file", "choose a file")
        if "://" in path:
            remedy = "download it first and choose the file"
            raise DataError(where, f"the address {path!r}", "a file", remedy)
        base = self.base.resolve()
        full = named_file(base, path)
        inside = full.is_relative_to(base)
        if not (inside or self.allow_outside or full in self.allowed):
            raise OutsideError(where, path, full, self.allow)
        check_file(full, path, where)
        return full


def check_file(full: Path, path: str, where: str) -> None:
    """Raise DataError unless `full` is a file of bearable size; `path` is what the user wrote."""
    if not full.exists():
        raise DataError(where, f"no file {path!r}", "a file that exists", f"look in {full.parent}")
    if not full.is_file():
        raise DataError(where, f"{path!r}, which is no file", "a file", "choose a file")
    size = full.stat().st_size
    if size > MAX_FILE_BYTES:
        found, most = f"{size / 1024**3:.1f} GiB", f"at most {MAX_FILE_BYTES // 1024**3} GiB"
        raise DataError(where, found, most, "train on a sample of its rows")


@dataclass(frozen=True)
class Block:
    """Numbers `start:stop` of a vector that one column gives.

    A missing number is filled with the mean of the training rows; `standardise` numbers are brought
    to mean 0 and deviation 1, measured there too. Categories are left as they are.
    """

    column: str
    start: int
    stop: int
    numeric: bool = True
    standardise: bool = False


@dataclass(frozen=True)
class Loaded:
    """All samples of one data node, by output port: N×…, numbers float64, labels int64.

    NaN is a missing value. `blocks` says, by port, which columns the features come from; a port
    without blocks is taken as it is.
    """

    arrays: Mapping[str, Array]
    class_names: tuple[str, ...] = ()
    blocks: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)
