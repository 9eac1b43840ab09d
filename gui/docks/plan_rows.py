"""The rows of the Profile dock: the steps of a plan, or what each node has of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from compute.backend import PlanStep

COLUMNS = (
    *("Step", "Node", "Kernel", "Predicted", "Measured", "Share"),
    *("Shapes", "Bytes", "FLOPs"),
)
NUMBERS = frozenset({0, 3, 4, 5, 7, 8})
KERNEL, SHARE, SHAPES = 2, 5, 6
TIPS = {
    3: "How long it takes on one thread, as foretold",
    4: "How long it takes on one thread, as measured in the run",
    7: "Bytes that are read and written",
    8: "Floating-point operations",
}
AGAIN = "↻"  # before the kernel of a step that recomputes what was not kept
SORT = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


def by_node(steps: Iterable[PlanStep]) -> tuple[PlanStep, ...]:
    """One line for each node in the order of their first steps, with the sums of all its steps.

    A time is known when that of every step is. The columns of a data node are one node.
    """
    nodes: dict[str, list[PlanStep]] = {}
    for step in steps:
        nodes.setdefault(step.path.partition(".")[0], []).append(step)
    return tuple(_sum(path, own) for path, own in nodes.items())


def _sum(path: str, steps: list[PlanStep]) -> PlanStep:
    return PlanStep(
        steps[0].index,
        path,
        f"{len(steps)} steps" if len(steps) > 1 else "1 step",
        (),
        sum(step.bytes for step in steps),
        sum(step.flops for step in steps),
        total(step.seconds for step in steps),
        total(step.predicted for step in steps),
    )


def total(times: Iterable[float | None]) -> float | None:
    """The sum of times; None when one of them is not known, or when there are none."""
    found = list(times)
    known = [time for time in found if time is not None]
    return sum(known) if known and len(known) == len(found) else None


class PlanModel(QAbstractTableModel):
    """The rows of a plan."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: tuple[PlanStep, ...] = ()
        self._total = math.nan

    def put(self, steps: tuple[PlanStep, ...]) -> None:
        """Show these steps."""
        self.beginResetModel()
        self.steps = steps
        times = [_time(step) for step in steps]
        known = [seconds for seconds in times if seconds is not None]
        self._total = sum(known) if known else math.nan
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.steps)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, way: Qt.Orientation, role: int = 0) -> Any:
        if way == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS.get(section)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        step, column = self.steps[index.row()], index.column()
        if role == SORT:
            return self._values(step)[column]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts(step)[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole and column == SHAPES:
            return ", ".join(step.shapes)
        if role == Qt.ItemDataRole.ToolTipRole and column == KERNEL and step.again:
            return f"{step.kernel}: {step.recomputed}, to keep within the memory budget"
        return None

    def _values(self, step: PlanStep) -> tuple[Any, ...]:
        predicted, seconds = (-1.0 if t is None else t for t in (step.predicted, step.seconds))
        shapes, time = ", ".join(step.shapes), _time(step) or 0.0
        share = time / self._total if self._total > 0 else 0.0
        return (step.index, step.path, step.kernel, predicted, seconds, share, shapes, step.bytes,
                step.flops)  # fmt: skip

    def _texts(self, step: PlanStep) -> tuple[str, ...]:
        times = ("–" if t is None else duration(t) for t in (step.predicted, step.seconds))
        kernel = f"{AGAIN} {step.kernel}" if step.again else step.kernel
        return (str(step.index), step.path or "–", kernel, *times, "", ", ".join(step.shapes),
                quantity(step.bytes), quantity(step.flops) if step.flops else "–")  # fmt: skip


def _time(step: PlanStep) -> float | None:
    """What the share is of: the measured time, before that the predicted one."""
    return step.predicted if step.seconds is None else step.seconds


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def quantity(number: float) -> str:
    """A count with a prefix: 3.1 M, 512 k, 12."""
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {prefix}"
    return f"{number:.0f} "


def duration(seconds: float) -> str:
    """A time as people read it: 1.2 ms, 34 µs, 2 ns."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    for size, unit in ((1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
