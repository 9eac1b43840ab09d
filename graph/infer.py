"""What one node makes of operands of given types: shapes, weights, cost.

The same `build` that the program uses runs once for each (op, operand types); after that it is a
look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from graph.graph import Node
from graph.op import Op, Param, Port, SettingError
from graph.program import Row, ShapeError, TensorType
from graph.tensor import Builder
from graph.trace import Operand, Refusal, Trace, build_node

# What arrives at one port: nothing, one value, or those of a `many` port.
Given = TensorType | tuple[TensorType, ...] | None

BATCH = 2  # samples a batch has while shapes are worked out


@dataclass(frozen=True)
class Inferred:
    """What a node gives: output types (batch included), weights, and FLOPs for one sample.

    `tied` is its weight where that is another node's, which counts it. `refusal` says why it cannot
    be built; then `outputs` is empty.
    """

    outputs: tuple[TensorType, ...] = ()
    params: Mapping[str, Param] = field(default_factory=dict)
    tied: Param | None = None
    flops: int = 0
    refusal: ShapeError | SettingError | None = None

    @property
    def weight(self) -> Param | None:
        """The param that other nodes may be tied to."""
        return self.tied or self.params.get("weight")

    @property
    def parameters(self) -> int:
        """How many numbers its weights hold."""
        return sum(TensorType(param.shape).size for param in self.params.values())

    @property
    def values(self) -> int:
        """How many numbers its outputs hold for one sample."""
        return sum(kind.size for kind in self.outputs) // BATCH


def refused(
    path: str,
    ports: Sequence[Port],
    operands: Sequence[Given],
    error: ShapeError | SettingError,
) -> Refusal:
    """What a node says against its operands, at the port of the one it means."""
    if isinstance(error, SettingError):
        return Refusal(path, "", str(error))
    text, position = f"found {error.found}, expected {error.expected}", 0
    name = ports[0].name if ports else ""
    for port, operand in zip(ports, operands, strict=True):
        position += len(operand) if isinstance(operand, tuple) else 1
        if error.operand < position:
            name = port.name
            break
    return Refusal(path, name, text, error.remedy, error.adapter)


@lru_cache(maxsize=1 << 14)
def infer(op: Op, operands: tuple[Given, ...]) -> Inferred:
    """What `op` makes of operands of these types, in port order."""
    found = Trace(Builder(), "train", BATCH)
    given = [_operand(found.builder, index, kind) for index, kind in enumerate(operands)]
    try:
        made = build_node(found, Node("node", op.untied()), "node", "node", given)
    except (ShapeError, SettingError) as error:
        # kept for long: its traceback would keep all frames up to whoever edits the graph
        error.__cause__ = error.__context__ = None
        return Inferred(refusal=error.with_traceback(None))
    outputs = made if isinstance(made, tuple) else (made,)
    flops = sum(_flops(found.builder, row) for row in found.builder.rows)
    params = {key.rpartition("/")[2]: param for key, param in found.params.items()}
    tied = params.pop("weight", None) if op.tied_to() else None
    return Inferred(tuple(t.type for t in outputs), params, tied, flops // BATCH)


def _operand(builder: Builder, index: int, kind: Given) -> Operand:
    if kind is None:
        return None
    if isinstance(kind, TensorType):
        return builder.input("batch", f"x{index}", kind)
    return [builder.input("batch", f"x{index}.{k}", one) for k, one in enumerate(kind)]


def _flops(builder: Builder, row: Row) -> int:
    """Multiplications and additions of one row; an element of any other row counts as one."""
    sizes = [builder.types[value] for value in row.outputs]
    if row.op == "matmul":
        left = builder.types[row.inputs[0]].size
        return 2 * left * sizes[0].shape[-1]
    if row.op == "attention":  # two products: scores T×S of d, then T×e of S
        keys = builder.types[row.inputs[1]].shape[-2]
        return 2 * keys * (builder.types[row.inputs[0]].size + sizes[0].size)
    if row.op in ("conv2d", "depthwise2d"):
        window = builder.types[row.inputs[1]]
        return 2 * sizes[0].size * (window.size // window.shape[0])
    if row.op in ("rnn_scan", "lstm_scan", "gru_scan"):
        samples, steps = sizes[0].shape[:2]
        products = 2 * samples * steps * builder.types[row.inputs[1]].size
        return products + sum(kind.size for kind in sizes)
    return sum(kind.size for kind in sizes)
