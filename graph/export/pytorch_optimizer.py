"""Optimizers and schedules in PyTorch; those that bring no PyTorch text are written from rows."""

from __future__ import annotations

from graph.export import expression as ex
from graph.export.names import docstring, identifier, literal
from graph.export.pytorch_custom import Customs
from graph.export.pytorch_idiom import without_defaults
from graph.export.pytorch_rows import dialect
from graph.export.readable import readable
from graph.export.symbolic import ExportError, Generic
from graph.export.writer import Writer
from graph.kinds import Optimizer, Schedule
from graph.op import Context
from graph.program import Program, TensorType
from graph.simplify import simplify
from graph.template import optimizer_text, schedule_text
from graph.tensor import Builder

STEP = " " * 16  # indent inside the loop over parameters


def optimizer_call(op: Optimizer, parameters: str, customs: Customs) -> ex.Expression:
    """The expression that makes an optimizer of `parameters`."""
    if op.torch:
        return without_defaults(ex.parse(optimizer_text(op, parameters)))
    name = customs.named(op, _optimizer_class(op, customs), "class")
    return ex.parse(f"{name}({parameters}, lr={literal(op.learning_rate)})")


def _optimizer_class(op: Optimizer, customs: Customs) -> list[str]:
    """A `torch.optim.Optimizer` whose step is the node type's own."""
    rule = _rule(op)
    slots = list(op.slot_names())
    counts = any(item.key == "step" for item in rule.inputs)
    counted = ["step"] if counts else []
    reads = [*counted, *slots]
    start = ", ".join([*(f"{c}=0" for c in counted), *(f"{s}=torch.zeros_like(p)" for s in slots)])
    lines = [
        "class NAME(torch.optim.Optimizer):",
        f'    """{docstring(op.tip())}"""',
        "",
        "    def __init__(self, params, lr):",
        '        super().__init__(params, {"lr": lr})',
        "",
        "    @torch.no_grad()",
        "    def step(self):",
        "        for group in self.param_groups:",
        '            for p in (p for p in group["params"] if p.grad is not None):',
        f"{STEP}g, state = p.grad, self.state[p]",
        *([f"{STEP}if not state:", f"{STEP}    state.update({start})"] if reads else []),
        *([f'{STEP}state["step"] += 1'] if counts else []),
        *(f"{STEP}{name} = state[{literal(name)}]" for name in reads),
    ]
    taken = {"g", "p", "group", "state", "self", *reads}
    writer, results = _written(op, rule, customs, STEP, taken)
    lines += writer.lines()
    targets = ["new", *(f"state[{literal(slot)}]" for slot in slots)]
    for target, result in zip(targets, results, strict=True):
        lines += ex.statement(f"{target} = ", result, STEP)
    return [*lines, f"{STEP}p.copy_(new)"]


def _rule(op: Optimizer) -> Program:
    """The step on one number, at the plain learning rate."""
    builder, one = Builder(), TensorType(())
    p, g, *slots = (builder.input("batch", key, one) for key in ("p", "g", *op.slot_names()))
    ctx = Context(builder, "train", "optimizer")
    made = op.step(p, g, *slots, rate=ctx.live("learning_rate"), ctx=ctx)
    outputs = zip(("p", *op.slot_names()), made, strict=True)
    return simplify(builder.finish("update", dict(outputs)))


def _written(
    op: Optimizer | Schedule, rule: Program, customs: Customs, indent: str, taken: set[str]
) -> tuple[Writer, list[ex.Expression]]:
    """The rows of a rule as statements, and the expressions of its outputs."""
    given = {}
    for item in rule.inputs:
        setting = item.key.rpartition("/")[2]
        if item.kind == "live" and setting == "learning_rate":
            given[item.value] = ex.parse('group["lr"]')
        elif item.kind == "live":
            given[item.value] = ex.parse(literal(op.live_settings()[setting]))
        elif item.kind == "iteration" and item.key not in taken:
            kind = type(op).__name__
            raise ExportError(f"{kind}: found a step that counts {item.key}, expected `step`")
        else:
            given[item.value] = ex.name(item.key)
    roots = [value for _, value in rule.outputs]
    rows = readable(Generic(rule, tuple(t.shape for t in rule.types)), roots)
    cast = f"x.{customs.real}()"
    scope = customs.names.inside({*taken, "new"})
    writer = Writer(rows, dialect(customs.real), cast, scope, given, {}, lambda _: "", indent)
    writer.write(roots)
    return writer, [writer.value(value) for value in roots]


def schedule_call(
    op: Schedule, optimizer: str, steps: str, rate: float, customs: Customs
) -> tuple[ex.Expression, str]:
    """(expression that makes the schedule of `optimizer`, when it is stepped: epoch or step)."""
    if op.torch:
        text = schedule_text(op, optimizer, steps, rate)
        return without_defaults(ex.parse(text)), op.rhythm
    builder = Builder()
    made = op.rate(Context(builder, "train", "schedule"))
    rule = simplify(builder.finish("rate", {"rate": made}))
    read = [name for name in ("step", "epoch", "steps") if name in {i.key for i in rule.inputs}]
    if "step" in read and "epoch" in read:
        raise ExportError(f"{type(op).__name__}: found a schedule of both steps and epochs")
    writer, results = _written(op, rule, customs, "    ", set(read))
    lines = [
        f"def NAME({', '.join(read)}):",
        f'    """{docstring(op.tip())}"""',
        *writer.lines(),
        *ex.statement("return ", results[0], "    "),
    ]
    name = customs.named(op, lines, "def")
    counted = {"step": "k + 1", "epoch": "k", "steps": steps}
    arguments = ", ".join(counted[part] for part in read)
    text = f"torch.optim.lr_scheduler.LambdaLR({optimizer}, lambda k: {name}({arguments}))"
    return ex.parse(text), "step" if "step" in read else "epoch"


def schedule_name(optimizer: str) -> str:
    """What the schedule of an optimizer is called."""
    return "schedule" if optimizer == "optimizer" else f"{identifier(optimizer)}_schedule"
