"""Passes that put other rows in the place of some, and what they need to be taken up again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from graph.again import Again, Coming, Kept, Otherwise, Readers, alike, others, places
from graph.program import Input, Program, Row, Update
from graph.tensor import Builder, Tensor

Visit = Callable[[Builder, Row, list[Tensor]], Sequence[Tensor] | None]


@dataclass
class Rebuilt:
    """A program with other rows where `visit` said so, equal ones shared and dead ones dropped.

    `visit` sees the live rows (`live` are their numbers) whose operation is one of `about`; it may
    return the replacement of a row's outputs, or None to keep it. `reads` and `made` are what each
    row read and made in `builder`; `order` the numbers of its values in `result`, and `kept` those
    of its rows.
    """

    source: Program
    about: Collection[str]
    visit: Visit
    live: list[int]
    builder: Builder
    reads: list[tuple[int, ...]]
    made: list[tuple[int, ...]]
    kept: list[int]
    order: dict[int, int]
    result: Program
    places: dict[int, int]
    readers: Readers | None = None  # who of the visits depends on a value, once it was of use

    def again(self, now: Program) -> Rebuilt:
        """The same of a program that differs in shapes; Otherwise where more does."""
        if not alike(self.source, now):
            raise Otherwise
        builder = Again(self.builder, self.places)
        builder.touch(now.types)
        changed = dict(others(self.source.rows, now.rows))
        for number, row in changed.items():
            if row._replace(attrs=()) != self.source.rows[number]._replace(attrs=()):
                raise Otherwise
            builder.touched.update(row.outputs)
        readers = self.readers or Readers(self._looked_at(now))
        coming = Coming(readers.of(builder.touched))
        for k in coming:
            row, visit = now.rows[self.live[k]], builder.visits[k]
            place = visit.row, visit.input, k
            made = builder.visit(place, partial(_one, builder, row, self.reads[k], self))
            coming.add(readers.of(made))
        return replace(
            self, source=now, builder=builder, result=self._result(builder), readers=readers
        )

    def _looked_at(self, now: Program) -> Iterator[Iterable[int]]:
        """The values on which the visit of each live row depends."""
        for number, ids in zip(self.live, self.reads, strict=True):
            yield (*ids, *now.rows[number].outputs)

    def _result(self, builder: Again) -> Program:
        before, number = self.result, self.order
        types, rows = list(before.types), list(before.rows)
        for value in builder.touched:
            if value in number:
                types[number[value]] = builder.types[value]
        if builder.redone:
            for place, k in enumerate(self.kept):
                if k in builder.redone:
                    rows[place] = rows[place]._replace(attrs=builder.rows[k].attrs)
        return replace(before, types=tuple(types), rows=tuple(rows), _hash=0)


_kept: Kept[Rebuilt] = Kept(16)


def rebuilt(name: str, program: Program, about: Collection[str], visit: Visit) -> Program:
    """The program with other rows where `visit` says so, equal ones shared and dead ones dropped.

    `visit` sees the rows whose operation is one of `about`; it may return the replacement of a
    row's outputs, or None to keep it. What it says depends on nothing but the row, the types of its
    operands and the rows behind them. `name` is the pass's own; without one, nothing is kept to go
    on from.
    """
    if not name:
        return _from_nothing(program, about, visit).result
    key = name, program.name, program.batch
    before = _kept.get(key)
    try:
        if before is None or before.about != about:
            raise Otherwise
        now = replace(before, visit=visit).again(program)
    except Otherwise:
        now = _from_nothing(program, about, visit)
    _kept.put(key, now)
    return now.result


def _from_nothing(program: Program, about: Collection[str], visit: Visit) -> Rebuilt:
    builder = Builder()
    builder.types = list(program.types)
    stands = builder.take_inputs(program.inputs)  # value -> another that stands for it
    replaced = stands.keys()
    live = live_rows(program, program.rows)
    by = Rebuilt(program, about, visit, live, builder, [], [], [], {}, program, {})
    for number in live:
        row = program.rows[number]
        ids = row.inputs
        if not replaced.isdisjoint(ids):
            ids = tuple([stands.get(v, v) for v in ids])
        made = builder.once(None, partial(_one, builder, row, ids, by))
        if made != row.outputs:
            stands.update(zip(row.outputs, made, strict=True))
        by.reads.append(ids)
        by.made.append(made)
    whole = replace(
        program,
        types=tuple(builder.types),
        inputs=tuple(builder.inputs),
        rows=tuple(builder.rows),
        outputs=tuple([(name, stands.get(v, v)) for name, v in program.outputs]),
        updates=tuple(
            [Update(u.kind, u.key, stands.get(u.value, u.value)) for u in program.updates]
        ),
        _hash=0,
    )
    by.kept, by.places = live_rows(whole, builder.rows), places(builder.rows)
    by.result, by.order = renumbered(whole, whole.inputs, [builder.rows[k] for k in by.kept])
    return by


def live_rows(program: Program, rows: Sequence[Row]) -> list[int]:
    """The numbers of the rows that an output or update needs."""
    needed = program.live_out()
    kept: list[int] = []
    for number in reversed(range(len(rows))):
        row = rows[number]
        if not needed.isdisjoint(row.outputs):
            kept.append(number)
            needed.update(row.inputs)
    kept.reverse()
    return kept


def renumbered(
    program: Program, inputs: Sequence[Input], rows: Sequence[Row]
) -> tuple[Program, dict[int, int]]:
    """The program with these of its inputs and rows, values counted in that order; and the new
    numbers of the values.
    """
    order = [given.value for given in inputs]
    for row in rows:
        order += row.outputs
    number = dict(zip(order, range(len(order)), strict=True))
    made: list[Row] = []
    for row in rows:
        op, before, after, attrs, path = row
        read = tuple([number[v] for v in before])
        written = tuple([number[v] for v in after])
        if read != before or written != after:
            row = Row(op, read, written, attrs, path)
        made.append(row)
    found = Program(
        program.name,
        tuple([program.types[v] for v in order]),
        tuple([Input(i.kind, i.key, number[i.value]) for i in inputs]),
        tuple(made),
        tuple([(name, number[value]) for name, value in program.outputs]),
        tuple([Update(u.kind, u.key, number[u.value]) for u in program.updates]),
        program.batch,
    )
    return found, number


def _one(builder: Builder, row: Row, ids: tuple[int, ...], by: Rebuilt) -> tuple[int, ...]:
    """What stands for the outputs of a row."""
    if row.op in by.about:
        with builder.at(row.path):
            tensors = by.visit(builder, row, [Tensor(builder, v) for v in ids])
        if tensors is not None:
            return tuple([tensor.id for tensor in tensors])
    return builder.keep(row, ids)
