"""Work on a program taken up again: what an edit does not concern stays the very same rows.

A pass over a graph or a program is a series of visits, each of which appends rows to a builder.
After an edit most of them would append what they did before. `Again` walks along the rows of the
time before: visits whose operands are as they were are passed over, the others run anew and must
make the same operations of the same values, of whatever shapes. Where they do not, `Otherwise` is
raised and the pass begins from nothing, so that its result is the same either way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import repeat
from operator import attrgetter
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from graph.program import Attr, Input, InputKind, Program, Row, TensorType
from graph.tensor import Builder, Key, Place, Tensor, Visited, table

R = TypeVar("R")
# Rows that a rule looks through: what they make is new to their readers when what they read is.
_LOOKED_THROUGH = frozenset(
    {"reshape", "permute", "broadcast_to", "slice", "to_real", "stop_gradient", "neg"}
)
# Rows that a rule may see from afar: with other attributes nothing is taken over.
_SEEN_FROM_AFAR = frozenset({"const", "pad"})


_NAME_OF_INPUT = attrgetter("kind", "key")


class Otherwise(Exception):  # noqa: N818 - it is no error
    """A visit does not make the rows that it made before."""


class Again(Builder):
    """A builder that goes along the rows of another one, which stays as it is.

    `touched` are the values that are not as they were; `redone` the numbers of the rows that were
    made anew. `places` are the numbers of rows by their first output.
    """

    def __init__(self, before: Builder, places: Mapping[int, int]) -> None:
        super().__init__()
        self.take(before)
        self._places = places
        self.touched: set[int] = set()
        self.redone: set[int] = set()
        self._row = self._input = self._visit = 0

    # ---- where it is

    @property
    def place(self) -> Place:
        return self._row, self._input, self._visit

    def noted(self, key: Hashable) -> object | None:
        return self._notes.get(key)

    def visit(self, place: Place, run: Callable[[], object]) -> list[int]:
        """Pass over all up to a visit, and run that anew; returns which of the values that it makes
        are touched.
        """
        self.stand(*place)
        self.once(None, run)
        made = [v for row in self.rows[place[0] : self._row] for v in row.outputs]
        return [value for value in made if value in self.touched]

    def stand(self, rows: int, inputs: int, visits: int) -> None:
        """Go on behind so many rows, inputs and visits."""
        self._row, self._input, self._visit = rows, inputs, visits

    def so_far(self) -> list[Row]:
        return self.rows[: self._row]

    def pass_over(self) -> object:
        """What the next visit made before."""
        visit = self._coming()
        self.stand(visit.row_end, visit.input_end, visit.after)
        return visit.result

    def _coming(self) -> Visited:
        if self._visit >= len(self.visits):
            raise Otherwise
        visit = self.visits[self._visit]
        if (visit.row, visit.input) != (self._row, self._input):
            raise Otherwise
        return visit

    def once(self, reads: Iterable[int] | None, run: Callable[[], R]) -> R:
        """What the visit made before, or makes now where anything that it reads is touched; with
        None it runs.
        """
        visit = self._coming()
        if reads is not None and self.touched.isdisjoint(reads):
            return self.pass_over()  # type: ignore[return-value]
        self._visit += 1
        made = run()
        if self.place != (visit.row_end, visit.input_end, visit.after) or made != visit.result:
            raise Otherwise
        return made

    def end(self) -> None:
        """All must have come again."""
        if self.place != (len(self.rows), len(self.inputs), len(self.visits)):
            raise Otherwise

    # ---- what visits make

    def touch(self, types: Sequence[TensorType], rows: Iterable[tuple[int, Row]] = ()) -> None:
        """These are the types of the first values, and these rows are others."""
        for value, (old, new) in enumerate(zip(self.types, types, strict=False)):
            if old is not new and old != new:
                self.types[value] = new
                self.touched.add(value)
        for number, row in rows:
            self._replace(number, row)

    def input(self, kind: InputKind, key: str, type: TensorType) -> Tensor:
        known = self._input_of.get((kind, key))
        if known is None:
            raise Otherwise
        if self._input < len(self.inputs) and self.inputs[self._input].value == known:
            self._input += 1
            if self.types[known] is not type:
                self._settle_type(known, type)
        elif self.types[known] != type:
            raise Otherwise
        return Tensor(self, known)

    def inputs_of(
        self, kind: InputKind, keys: Sequence[str], types: Sequence[TensorType]
    ) -> list[Tensor]:
        coming = self.inputs[self._input : self._input + len(keys)]
        if [*map(_NAME_OF_INPUT, coming)] != [*zip(repeat(kind), keys, strict=False)]:
            return super().inputs_of(kind, keys, types)
        self._input += len(keys)
        known = self.types
        for given, type in zip(coming, types, strict=True):
            if known[given.value] is not type:
                self._settle_type(given.value, type)
        return [Tensor(self, given.value) for given in coming]

    def emit(self, op: str, inputs: Sequence[Tensor], **attrs: Attr) -> tuple[Tensor, ...]:
        ids = tuple([t.id for t in inputs])
        key = (op, ids, tuple(sorted(attrs.items())) if len(attrs) > 1 else tuple(attrs.items()))
        row = self._earlier(key)
        if row is None:
            number, row = self._next(op, ids)
            if row.path != self.path:
                raise Otherwise
            types = table()[op].infer(tuple([self.types[v] for v in ids]), attrs)
            row = self._settle(number, Row(op, ids, row.outputs, key[2], row.path), types)
        return tuple([Tensor(self, value) for value in row.outputs])

    def take_inputs(self, inputs: Sequence[Input]) -> dict[int, int]:
        raise Otherwise

    def keep(self, row: Row, inputs: tuple[int, ...]) -> tuple[int, ...]:
        known = self._earlier((row.op, inputs, row.attrs))
        if known is not None:
            return known.outputs
        number, before = self._next(row.op, inputs)
        types = tuple([self.types[v] for v in row.outputs])
        if inputs != row.inputs:
            given = tuple([self.types[v] for v in inputs])
            found = table()[row.op].infer(given, dict(row.attrs))
            if (found == types) != (before.outputs == row.outputs):
                raise Otherwise
            types = found
        elif before.outputs != row.outputs:
            raise Otherwise
        now = Row(row.op, inputs, before.outputs, row.attrs, row.path)
        return self._settle(number, now, types).outputs

    def _earlier(self, key: Key) -> Row | None:
        """An equal row that is there already, None where it is the next one."""
        known = self._known.get(key)
        if known is None:
            return None
        number = self._places[known.outputs[0]]
        if number > self._row:  # made only later before
            raise Otherwise
        if number == self._row:
            return None
        self.shared.add(known.outputs[0])
        return known

    def _next(self, op: str, ids: tuple[int, ...]) -> tuple[int, Row]:
        if self._row >= len(self.rows):
            raise Otherwise
        row = self.rows[self._row]
        if row.op != op or row.inputs != ids:
            raise Otherwise
        self._row += 1
        return self._row - 1, row

    def _settle(self, number: int, row: Row, types: Sequence[TensorType]) -> Row:
        """The row of this number is that now, of these types."""
        if len(types) != len(row.outputs):
            raise Otherwise
        if row != self.rows[number]:
            self._replace(number, row)
        known = self.types
        for value, type in zip(row.outputs, types, strict=True):
            if known[value] is not type:  # nearly all are the very same
                self._settle_type(value, type)
        if row.op in _LOOKED_THROUGH:
            self.touched.update(row.outputs)
        return self.rows[number]

    def _settle_type(self, value: int, type: TensorType) -> None:
        if self.types[value] != type:
            self.types[value] = type
            self.touched.add(value)

    def _replace(self, number: int, row: Row) -> None:
        """Another row of the same operation and values."""
        before, key = self.rows[number], (row.op, row.inputs, row.attrs)
        again = before[:3] == row[:3] and before.path == row.path
        alone = row.op not in _SEEN_FROM_AFAR and row.outputs[0] not in self.shared
        if not (again and alone) or key in self._known:
            raise Otherwise
        del self._known[before.op, before.inputs, before.attrs]
        self.rows[number] = self._known[key] = row
        self.row_of.update(dict.fromkeys(row.outputs, row))
        self.touched.update(row.outputs)
        self.redone.add(number)


class Readers:
    """Which of a series of pieces of work read a value, by their numbers."""

    def __init__(self, reads: Iterable[Iterable[int]]) -> None:
        self._of: dict[int, list[int]] = {}
        for number, values in enumerate(reads):
            for value in values:
                self._of.setdefault(value, []).append(number)

    def of(self, values: Iterable[int]) -> list[int]:
        """The numbers of all that read one of these values."""
        known = self._of
        return [number for value in values if value in known for number in known[value]]


class Coming:
    """Numbers of pieces of work to be done anew, each once and in rising order; while one is done,
    others behind it may come to them.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._heap = list(numbers)
        heapify(self._heap)

    def add(self, numbers: Iterable[int]) -> None:
        """These, too, where they are behind the one that is being done."""
        for number in numbers:
            heappush(self._heap, number)

    def __iter__(self) -> Iterator[int]:
        last = -1
        while self._heap:
            number = heappop(self._heap)
            if number > last:
                yield number
                last = number


def places(rows: Sequence[Row]) -> dict[int, int]:
    """The numbers of rows by their first output."""
    return {row.outputs[0]: number for number, row in enumerate(rows)}


def others(before: Sequence[Row], now: Sequence[Row]) -> list[tuple[int, Row]]:
    """The rows of `now` that are not those of before, with their numbers."""
    pairs = enumerate(zip(before, now, strict=True))
    return [(k, new) for k, (old, new) in pairs if old is not new and old != new]


def alike(before: Program, now: Program) -> bool:
    """Whether two programs may differ in shapes only, as far as it shows at once."""
    counts = [(len(p.types), len(p.rows), p.name, p.batch) for p in (before, now)]
    return (
        counts[0] == counts[1]
        and before.inputs == now.inputs
        and before.outputs == now.outputs
        and before.updates == now.updates
    )


class Held(NamedTuple):
    """What a memory says of itself, as those of `functools` do."""

    currsize: int


class Kept(Generic[R]):
    """Work of before that may be taken up again: the last few pieces, which nobody changes."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._found: OrderedDict[Hashable, R] = OrderedDict()

    def get(self, key: Hashable) -> R | None:
        """What was put last, if it is there still."""
        with self._lock:
            return self._found.get(key)

    def put(self, key: Hashable, made: R) -> None:
        """Keep this; what was put longest ago may go."""
        with self._lock:
            self._found[key] = made
            self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)

    def cache_clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._found.clear()

    def cache_info(self) -> Held:
        """How many pieces there are."""
        return Held(len(self._found))
