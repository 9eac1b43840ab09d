"""What a data file holds: found once by a probe, kept in the graph, read by the shape rules.

A `Table` node carries a `Schema` as its setting `schema`, so shapes, class names and checks need no
file. `compute.data.probe` fills it; loading refuses a file that no longer fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal["number", "category", "skipped"]


@dataclass(frozen=True)
class Column:
    """One column of a table: a number, one of some names, or not used.

    `categories` are sorted; as a feature a category column becomes one 0/1 number for each of them.
    """

    name: str
    kind: ColumnKind = "number"
    categories: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many numbers it gives as a feature."""
        return {"number": 1, "category": len(self.categories), "skipped": 0}[self.kind]


@dataclass(frozen=True)
class Schema:
    """Columns of a table in file order, its rows, and which column is predicted.

    An empty schema means that the file was not looked at yet.
    """

    columns: tuple[Column, ...] = ()
    rows: int = 0
    target: str = ""

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
