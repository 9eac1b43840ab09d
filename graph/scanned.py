"""What a scan makes of its operands: which are walked along, and what a state starts as.

Lowering and the shapes on the canvas ask the same functions, so they say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graph.graph import Graph
from graph.kinds import DataSource
from graph.op import Op, SettingError
from graph.ops.expect import describe, need_lengths
from graph.program import Shape, ShapeError, TensorType
from graph.subgraph import LENGTH, MAX_TRIES, Defined, Scan

Types = dict[str, TensorType]
# What reaches the outputs of a definition that is fed these types, and every type inside it.
Walk = Callable[[Types], tuple[Mapping[str, TensorType], Iterable[TensorType]]]


@dataclass(frozen=True)
class Roles:
    """The ports of a scanned definition: inputs walked along, inputs that are states with the
    outputs that feed them, inputs every step gets whole, and all outputs.
    """

    stepped: tuple[str, ...]
    states: Mapping[str, str]
    context: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """All inputs: states, what is walked along, context."""
        return (*self.states, *self.stepped, *self.context)


def roles_of(op: Scan, definition: Graph) -> Roles:
    """The roles of the ports.

    Raises SettingError where a setting names none, ShapeError for what no cell can hold.
    """
    check_inside(definition)
    inputs, outputs = (definition.port_ids(role) for role in ("input", "output"))
    for where, names, known in (
        ("carry", [name for name, _ in op.carry], inputs),
        ("carry", [name for _, name in op.carry], outputs),
        ("context", op.context, inputs),
    ):
        missing = [name for name in names if name not in known]
        if missing:
            side = "an input" if known is inputs else "an output"
            expected = f"{side} of {op.definition} ({', '.join(known) or 'it has none'})"
            raise SettingError(where, repr(missing[0]), expected)
    states = op.states(definition)
    stepped = (id for id in inputs if id not in states and id not in op.context)
    return Roles(tuple(stepped), states, op.context, tuple(outputs))


def check_inside(definition: Graph, place: str = "") -> None:
    """Raises ShapeError for a node that no cell can hold: it keeps nothing but its states.

    Of several the first by its identifier, in whatever order they were drawn.
    """
    for node in sorted(definition, key=lambda node: node.id):
        where = f"{place}{node.label}"
        if isinstance(node.op, Defined):
            inner = definition.definitions.get(node.op.definition)
            if inner is not None:
                check_inside(inner, f"{where}/")
        elif type(node.op).state is not Op.state and not node.bypassed:
            raise ShapeError(
                f"{type(node.op).__name__} {where} inside, which keeps running values",
                "a cell that keeps nothing but its states",
                "put a LayerNorm in its place, or put it outside",
            )
        elif isinstance(node.op, DataSource):
            raise ShapeError(
                f"the data {where} inside",
                "a cell that reads all at its ports",
                "put the data outside and wire it to the scan",
            )


def one_step(
    roles: Roles, ports: Sequence[str], operands: Sequence[TensorType | None]
) -> tuple[Types, int]:
    """What the cell gets at each step, as far as that is wired, and how many steps there are.

    Raises ShapeError for what has no steps, or other steps than the rest.
    """
    given: Types = {}
    steps, first = 0, ""
    for place, (port, kind) in enumerate(zip(ports, operands, strict=True)):
        if kind is None:
            continue
        if port == LENGTH and port not in roles.inputs:
            need_lengths(kind, kind.shape[0] if kind.shape else 0, place)
            continue
        if port not in roles.stepped:
            given[port] = kind
            continue
        if len(kind.shape) < (2 if kind.dtype == "int" else 3):
            remedy = "put a Reshape to steps and features before it"
            if len(kind.shape) == 2:
                remedy = f"put a Reshape to {kind.shape[1]}×1 before it, one number a step"
            remedy += ", or name it in context"
            raise ShapeError(describe(kind), "a sequence T×F a sample", remedy, place)
        if first and kind.shape[1] != steps:
            found, expected = f"{kind.shape[1]} steps", f"{steps}, as {first} has"
            raise ShapeError(found, expected, "wire sequences of equal length", place)
        steps, first = kind.shape[1], first or port
        given[port] = replace(kind, shape=(kind.shape[0], *kind.shape[2:]))
    if not roles.stepped:
        raise ShapeError(
            "no input that is walked along",
            "one at least that is neither state nor context",
            "give the definition an Input for the step, or correct the settings",
        )
    return given, steps


def with_states(definition: Graph, roles: Roles, given: Types, walk: Walk) -> Types:
    """`given` and what each state is that nothing is wired to.

    A state must come out as it went in. Where the Input has no shape of its own, that is the first
    of these that does: what becomes of one number a sample, and what else stands in the cell. When
    none does, the last whole try is given.
    """
    batch = given[roles.stepped[0]].shape[0]
    known = dict(given)
    for id in roles.states:
        shape = getattr(definition.node(id).op, "shape", ())
        if id not in known and shape:
            known[id] = TensorType((batch, *shape))
    unknown = [id for id in roles.states if id not in known]
    if not unknown:
        return known
    waiting = list(_starts(known[roles.stepped[0]], batch, unknown))
    tried: list[Types] = []
    whole: Types | None = None
    while waiting and len(tried) < MAX_TRIES:
        guess = waiting.pop(0)
        if guess in tried:
            continue
        tried.append(guess)
        made, inside = walk(known | guess)
        back = {id: made[roles.states[id]] for id in unknown if roles.states[id] in made}
        if back == guess:
            return known | guess
        if len(back) == len(unknown):
            whole = whole or guess
            waiting.insert(0, back)
        seen = dict.fromkeys(kind for kind in inside if kind.dtype == "real" and _rows(kind, batch))
        waiting += [dict.fromkeys(unknown, kind) for kind in reversed(seen)]
    return known | (whole or tried[0])


def _starts(step: TensorType, batch: int, unknown: Sequence[str]) -> Iterator[Types]:
    shapes: list[Shape] = [(batch, 1)]
    if len(step.shape) > 2:
        shapes.append((batch, *(1 for _ in step.shape[1:])))
    if len(step.shape) > 1:
        shapes.append(step.shape)
    yield from (dict.fromkeys(unknown, TensorType(shape)) for shape in shapes)


def _rows(kind: TensorType, batch: int) -> bool:
    return len(kind.shape) > 1 and kind.shape[0] == batch


def check_states(
    roles: Roles, ports: Sequence[str], given: Types, made: Mapping[str, TensorType]
) -> None:
    """Raises ShapeError where a state comes out otherwise than it went in."""
    for id, output in roles.states.items():
        if output in made and made[output] != given[id]:
            raise ShapeError(
                f"{describe(made[output])} out of {output}",
                f"{describe(given[id])}, as {id} goes in",
                f"make {output} as large as {id}",
                ports.index(id),
            )


def over_time(
    op: Scan, roles: Roles, steps: int, made: Mapping[str, TensorType], batch: int
) -> Types:
    """What the outputs of the scan are. Raises ShapeError for one that is not a value a sample."""
    found: Types = {}
    for id in roles.outputs:
        if id not in made:
            continue
        kind = made[id]
        if not kind.shape or kind.shape[0] != batch:
            found_text = f"{describe(kind)} for the whole batch out of {id}"
            raise ShapeError(found_text, "a value a sample", "keep losses outside the cell")
        if op.returns == "sequence":
            kind = replace(kind, shape=(batch, steps, *kind.shape[1:]))
        found[id] = kind
    return found
