"""Tables from files: columns of numbers and categories as features and a target."""

from __future__ import annotations

from collections.abc import Mapping

from graph.kinds import DataSource
from graph.op import Port, SettingError, setting
from graph.program import ShapeError, TensorType
from graph.schema import KINDS, Schema


class Table(DataSource):
    """Rows of a text file with separated columns (CSV), one row a sample.

    Outputs: `features` N×F, a number column giving one feature and a category one 0/1 feature for
    each of its classes, in file order; `target` N class indices, or N×1 numbers for a regression.
    What the file holds is known from `schema`, which a look at the file fills in.
    """

    category, icon = "Data", "table"
    keywords = ("csv", "tsv", "spreadsheet", "columns", "file", "dataset")
    outputs = (Port("features", "vector"), Port("target", "labels"))
    summary = ("path", "target")
    path: str = setting("", "File to read; a relative path starts at the graph's folder")
    delimiter: str = setting("", "Character between columns; empty: found out")
    encoding: str = setting("", "How letters are stored, such as utf-8; empty: found out")
    header: bool = setting(True, "The first row names the columns")
    target: str = setting("", "Column to predict; empty: the last one")
    task: str = setting(
        "auto",
        "Whether the target is a class or a number; `auto`: as the column looks",
        choices=("auto", "classification", "regression"),
    )
    skip: tuple[str, ...] = setting((), "Columns left out")
    types: tuple[tuple[str, str], ...] = setting(
        (), "Columns read as `number` or `category` whatever they look like: (name, type) pairs"
    )
    missing: str = setting(
        "mean",
        "Cells without a value: filled with the mean of the training rows (a category: all zero), "
        "their rows left out, or the file refused",
        choices=("mean", "drop", "refuse"),
    )
    standardise: bool = setting(
        True,
        "Bring number columns to mean 0 and deviation 1, measured on the training rows",
        label="scale columns",
    )
    standardise_target: bool = setting(
        True,
        "The same for the target of a regression; predictions are mapped back",
        label="scale target",
    )
    schema: Schema = setting(Schema(), "What a look at the file found", advanced=True)

    def check(self) -> None:
        if len(self.delimiter) > 1 or self.delimiter in ('"', "\r", "\n"):
            raise SettingError("delimiter", repr(self.delimiter), "one character, or nothing")
        for name, kind in self.types:
            if kind not in KINDS[:2]:
                raise SettingError("types", f"{kind!r} for {name!r}", "number or category")
        typed = tuple(name for name, _ in self.types)
        for where, names in (("skip", self.skip), ("types", typed)):
            if len(set(names)) != len(names):
                raise SettingError(where, "a column twice", "each column once")
        both = sorted({self.target, *typed} & set(self.skip))
        if both:
            raise SettingError("skip", f"{both[0]!r}, which is used", "columns not used")

    def ports_out(self) -> tuple[Port, ...]:
        numbers = self.task == "regression" or (self.schema and not self.schema.class_names)
        return (Port("features", "vector"), Port("target", "vector" if numbers else "labels"))

    def class_names(self) -> tuple[str, ...]:
        return self.schema.class_names

    def id_count(self, port: str) -> int:
        return len(self.class_names())

    def sample_types(self) -> Mapping[str, TensorType]:
        """Types of one sample. Raises ShapeError while the schema is missing or does not fit."""
        if not self.path:
            raise ShapeError("no file", "a file of rows and columns", "set its path")
        if not self.schema:
            remedy = "look at the file first"
            raise ShapeError(f"{self.path!r}, not looked at yet", "its columns", remedy)
        stale = self._stale()
        if stale:
            raise ShapeError(stale, "columns as the settings say", "look at the file again")
        if not self.schema.feature_width:
            target, remedy = self.schema.target, "check the delimiter and the columns left out"
            raise ShapeError(f"no column beside {target!r}", "one feature at least", remedy)
        target_type = TensorType((), "int") if self._class_count() else TensorType((1,))
        return {"features": TensorType((self.schema.feature_width,)), "target": target_type}

    def _class_count(self) -> int:
        """Number of classes, 0 for a regression; refuses a target that cannot be learnt."""
        names = self.schema.class_names
        if len(names) == 1:
            raise ShapeError(
                f"only the class {names[0]!r} in target {self.schema.target!r}",
                "two classes at least",
                "choose another target, or add rows of another class",
            )
        return len(names)

    def _stale(self) -> str:
        """What the schema says otherwise than the settings; empty when they agree."""
        schema = self.schema
        if schema.target_column is None or self.target not in ("", schema.target):
            return f"target {schema.target!r} in the schema, {self.target!r} in the settings"
        if self.task != "auto" and (self.task == "classification") != bool(schema.class_names):
            kind = schema.target_column.kind
            return f"target {schema.target!r} read as a {kind} for {self.task}"
        kinds = {column.name: column.kind for column in schema.columns}
        asked = {**dict.fromkeys(self.skip, "skipped"), **dict(self.types)}
        for name, wanted in asked.items():
            if kinds.get(name) != wanted:
                return f"column {name!r} as {kinds.get(name, 'none')}, not {wanted}"
        return ""
