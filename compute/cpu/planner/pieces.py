"""The steps of a program piece by piece, those of the program before an edit taken over.

A piece is what one op, or one thing beside the ops, adds to an emitter: steps, buffers, places of
values, and what it leaves for pieces behind it. A piece whose op is the same and whose values lie
as they did would add the very same, and is passed over. The others are done anew, on buffers of
before where these are just alike, so that an edit goes no further than to what reads other shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple, ParamSpec, TypeVar

from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.host import Lane
from compute.cpu.planner.steps import Step
from compute.cpu.planner.views import Axis, Buffer, View
from graph.again import Coming, Otherwise, Readers

P = ParamSpec("P")
R = TypeVar("R")
_BY_VALUE, _BY_PLACE = 3, 2  # of an emitter's memos, in this order; the last one is of numbers


class Piece(NamedTuple):
    """What a piece added. `about`: its op or name; `left`: of each memo of the emitter what is
    new; `decided`: axes of parameters that it fixed.
    """

    about: object
    result: object
    steps: Sequence[Step]
    buffers: Sequence[Buffer]
    puts: dict[int, View]
    left: tuple[dict[Any, Any], ...]
    decided: dict[str, tuple[Axis, ...]]


class Pieces:
    """Pieces of an emission from nothing."""

    def __init__(self, em: Emitter) -> None:
        self.em = em
        self.made: list[Piece] = []
        self.readers: Readers | None = None  # who of the ops reads a value, once it was of use
        self._memos = em.memos()
        self._count()

    def _count(self) -> None:
        """From here on what comes to a memo is new."""
        self._sizes = [len(memo) for memo in self._memos]

    def once(
        self,
        about: object,
        reads: Iterable[int] | None,
        run: Callable[P, R],
        *given: P.args,
        **named: P.kwargs,
    ) -> R:
        """What `run` returns, which adds a piece; it depends on what it is about and on where the
        values lie that it reads, or with None on others, too.
        """
        em, memos = self.em, self._memos
        axes = em.storage.decisions()
        steps, buffers, puts, fixed = len(em.steps), len(em.buffers), len(em.puts), len(axes)
        result = run(*given, **named)
        left: tuple[dict[Any, Any], ...] = ()
        if sum(map(len, memos)) != sum(self._sizes):
            left = tuple([_last(m, size) for m, size in zip(memos, self._sizes, strict=True)])
            self._count()
        self.made.append(
            Piece(
                about,
                result,
                em.steps[steps:],
                em.buffers[buffers:],
                {value: em.where[value] for value in em.puts[puts:]},
                left,
                _last(axes, fixed) if len(axes) > fixed else {},
            )
        )
        return result

    def each(self, ops: Sequence[Op], run: Callable[[Op], None]) -> None:
        """`once` for every op, which depends on what it reads."""
        for op in ops:
            self.once(op, op.reads, run, op)


def _last(memo: dict[Any, Any], size: int) -> dict[Any, Any]:
    """What came to a memo since it had this size."""
    return {key: memo[key] for key in islice(reversed(memo), len(memo) - size)}


@dataclass
class Changes:
    """What is another than before: values that lie elsewhere or otherwise, and steps and buffers
    by those in whose place they are. Without `even` there are more or fewer.
    """

    touched: set[int]
    steps: dict[Step, Step]
    buffers: dict[Buffer, Buffer]
    even: bool = True


class PiecesAgain(Pieces):
    """Pieces of an emission that goes along those of one before; raises Otherwise where it must
    begin from nothing.
    """

    def __init__(
        self,
        em: Emitter,
        before: Sequence[Piece],
        changes: Changes,
        readers: Readers | None = None,
    ) -> None:
        super().__init__(em)
        self.readers = readers
        self._before, self.changes, self._touched = before, changes, changes.touched
        self._news: list[int] = []  # values touched since somebody asked
        self._fresh = {id(b) for pair in changes.buffers.items() for b in pair}

    def once(
        self,
        about: object,
        reads: Iterable[int] | None,
        run: Callable[P, R],
        *given: P.args,
        **named: P.kwargs,
    ) -> R:
        """The same where anything that it reads is touched, or what it is about is another."""
        if len(self.made) >= len(self._before):
            raise Otherwise
        before = self._before[len(self.made)]
        same = about is before.about
        if not same:
            if not _alike(about, before.about):
                raise Otherwise
            same = not isinstance(about, Op)
        if same and reads is not None and self._touched.isdisjoint(reads):
            self._pass_over([before])
            return before.result  # type: ignore[return-value]
        self._count()
        self.em.spare = iter(before.buffers)
        result = super().once(about, reads, run, *given, **named)
        self.em.spare = iter(())
        self._compare(before, self.made[-1])
        return result

    def each(self, ops: Sequence[Op], run: Callable[[Op], None]) -> None:
        """The same; of thousands of ops only those are looked at that may be of concern."""
        first = len(self.made)
        if first + len(ops) > len(self._before):
            raise Otherwise
        before = self._before[first : first + len(ops)]
        readers = self.readers or Readers(op.reads for op in ops)
        pairs = enumerate(zip(ops, before, strict=True))
        coming = Coming([k for k, (op, old) in pairs if op is not old.about])
        coming.add(readers.of(self._touched))
        self._news.clear()
        done = 0
        for k in coming:
            self._pass_over(before[done:k])
            self.once(ops[k], ops[k].reads, run, ops[k])
            done = k + 1
            coming.add(readers.of(self._news))
            self._news.clear()
        self._pass_over(before[done:])
        self.readers = readers

    def end(self) -> None:
        """All pieces must have come again."""
        if len(self.made) != len(self._before):
            raise Otherwise

    def _pass_over(self, pieces: Sequence[Piece]) -> None:
        """Take these as they were."""
        self.made += pieces
        self.em.steps.extend(chain.from_iterable([piece.steps for piece in pieces]))
        where, decisions = self.em.where, self.em.storage.decisions()
        for piece in pieces:
            where.update(piece.puts)
        for decided in [piece.decided for piece in pieces if piece.decided]:
            decisions.update(decided)
        lefts = [piece.left for piece in pieces if piece.left]
        for memo, parts in zip(self._memos, zip(*lefts, strict=True), strict=bool(lefts)):
            count = len(memo) + sum(map(len, parts))
            for part in parts:
                memo.update(part)
            if len(memo) < count:  # made by one before it now
                raise Otherwise

    def _touch(self, values: Iterable[int]) -> None:
        """These lie elsewhere or otherwise."""
        new = [value for value in values if value not in self._touched]
        self._touched.update(new)
        self._news += new

    def _compare(self, before: Piece, now: Piece) -> None:
        """Note what is another now."""
        changes = self.changes
        if before.puts.keys() != now.puts.keys() or before.decided.keys() != now.decided.keys():
            raise Otherwise
        self._touch(v for v, view in now.puts.items() if view != before.puts[v])
        if len(before.buffers) != len(now.buffers) or len(before.steps) != len(now.steps):
            changes.even = False
        self._fresh.update(id(b) for b in {*before.buffers} ^ {*now.buffers})
        changes.buffers.update(
            (old, new)
            for old, new in zip(before.buffers, now.buffers, strict=False)
            if old is not new
        )
        changes.steps.update(zip(before.steps, now.steps, strict=False))
        if _lanes(before.steps) != _lanes(now.steps):
            raise Otherwise
        for key, axes in now.decided.items():
            same_size = self.em.storage.view("param", key).buffer not in changes.buffers.values()
            if axes != before.decided[key] and same_size:
                raise Otherwise
        if before.left or now.left:
            self._compare_left(before.left or _NOTHING, now.left or _NOTHING)

    def _compare_left(
        self, before: Sequence[dict[Any, Any]], now: Sequence[dict[Any, Any]]
    ) -> None:
        """What is left otherwise may be of use to none that is passed over."""
        for number, (old, new) in enumerate(zip(before, now, strict=True)):
            others = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            if number < _BY_VALUE:
                self._touch(k if isinstance(k, int) else k[0] for k in others)
            elif number < _BY_VALUE + _BY_PLACE:
                others = [key for key in others if key[0] not in self._fresh]
            if number >= _BY_VALUE and others:
                raise Otherwise


_NOTHING: Sequence[dict[Any, Any]] = ({},) * (_BY_VALUE + _BY_PLACE + 1)


def _alike(now: object, before: object) -> bool:
    """Whether two pieces are about the same."""
    if now is before or not (isinstance(now, Op) and isinstance(before, Op)):
        return now == before
    return _core(now) == _core(before)


def _core(op: Op) -> tuple[object, ...]:
    return op.kind, op.reads, op.writes, op.roles, [row._replace(attrs=()) for row in op.rows]


def _lanes(steps: Collection[Step]) -> list[Lane]:
    """The columns of host numbers that steps read, in order."""
    return [o.place for step in steps for o in step.operands if isinstance(o.place, Lane)]
