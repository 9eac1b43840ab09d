"""What a data file holds: found once by a probe, kept in the graph, read by the shape rules.

A `Table` node carries a `Schema` as its setting `schema`, so shapes, class names and checks need no
file. `compute.data.probe` fills it; loading refuses a file that no longer fits. It checks itself,
so one that comes out of a graph file can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graph.op import SettingError

ColumnKind = Literal["number", "category", "skipped"]
KINDS = ("number", "category", "skipped")
MAX_COLUMNS = 10_000
MAX_CATEGORIES = 65_536


@dataclass(frozen=True)
class Column:
    """One column of a table: a number, one of some names, or not used.

    `categories` are sorted; as a feature a category column becomes one 0/1 number for each of them.
    Raises SettingError for an unknown kind, and for categories that are none or double.
    """

    name: str
    kind: ColumnKind = "number"
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where, count = f"schema column {self.name!r}", len(self.categories)
        if self.kind not in KINDS:
            raise SettingError(where, repr(self.kind), "number, category or skipped")
        if self.kind == "number" and count:
            raise SettingError(where, f"a number with {count} categories", "none")
        if self.kind == "category" and not 0 < count <= MAX_CATEGORIES:
            raise SettingError(where, f"{count} categories", f"1 to {MAX_CATEGORIES}")
        if len(set(self.categories)) != count:
            raise SettingError(where, "a category twice", "each once")

    @property
    def width(self) -> int:
        """How many numbers it gives as a feature."""
        return {"number": 1, "category": len(self.categories), "skipped": 0}[self.kind]


@dataclass(frozen=True)
class Schema:
    """Columns of a table in file order, its rows, and which column is predicted.

    An empty schema means that the file was not looked at yet. Raises SettingError for columns of
    the same name, too many of them, and a target that is none of them.
    """

    columns: tuple[Column, ...] = ()
    rows: int = 0
    target: str = ""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(names) > MAX_COLUMNS:
            raise SettingError("schema", f"{len(names)} columns", f"at most {MAX_COLUMNS}")
        if len(set(names)) != len(names):
            raise SettingError("schema", "two columns of one name", "each name once")
        if self.target and self.target not in names:
            raise SettingError("schema", f"no column {self.target!r}", "the target among them")
        if self.rows < 0:
            raise SettingError("schema", f"{self.rows} rows", "0 or more")

    def __bool__(self) -> bool:
        return bool(self.columns)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns the model sees, in file order."""
        return tuple(c for c in self.columns if c.name != self.target and c.kind != "skipped")

    @property
    def feature_width(self) -> int:
        """Length of the feature vector of one sample."""
        return sum(column.width for column in self.features)

    @property
    def target_column(self) -> Column | None:
        """The column that is predicted; None when there is none."""
        return next((c for c in self.columns if c.name == self.target), None)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in label order; empty for a regression target."""
        column = self.target_column
        return column.categories if column and column.kind == "category" else ()
