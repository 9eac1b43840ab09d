"""Functions of a NumPy file that come from programs: predict, evaluate, steps, optimizers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from graph.export import expression as ex
from graph.export import numpy_rows
from graph.export.expression import Expression
from graph.export.names import Namespace, comment, docstring, free_names, identifier, literal
from graph.export.outline import Outline
from graph.export.readable import Rows, readable
from graph.export.symbolic import Generic, generic
from graph.export.writer import Block, Writer
from graph.lower import Phase
from graph.program import Program, Row


def predict_function(outline: Outline) -> list[str]:
    """`predict(params, …)`: the model's outputs for a batch of any size."""
    program = _program(outline, "predict", outline.watch)
    roots = _outputs(program.program)
    rows = readable(program, roots, outline.value_names(program.program))
    writer = _writer(outline, program, rows, _given(outline, program.program))
    blocks = writer.write(roots)
    results = [writer.value(value) for value in roots]
    arguments = [outline.arguments[key] for key in outline.inputs()]
    lines = [
        f"def predict({', '.join(['params', *arguments])}):",
        f'    """{docstring(outline.summary())}"""',
    ]
    if _reads(blocks, results, ["n"]):
        lines.append(f"    n = len({arguments[0] if arguments else 'params'})")
    lines += _commented(outline, blocks)
    return [*lines, *ex.statement("return ", _together(results), "    ")]


def evaluate_function(outline: Outline) -> list[str]:
    """`evaluate(params, batch)`: loss and metrics, from what `predict` gives."""
    program = _program(outline, "evaluate", outline.watch)
    scores = outline.scores(program.program)
    outputs = _outputs(program.program)
    names = outline.value_names(program.program)
    given = _given(outline, program.program)
    made = [v for v in dict.fromkeys(outputs) if v not in given]
    given |= {v: ex.name(names.get(v, f"output_{k}")) for k, v in enumerate(made)}
    rows = readable(program, scores.values(), names, made)
    writer = _writer(outline, program, rows, given)
    blocks = writer.write(scores.values())
    results = {name: writer.value(value) for name, value in scores.items()}
    columns = _reads(blocks, results.values(), outline.arguments.values())
    lines = [
        "def evaluate(params, batch):",
        '    """Loss and metrics of a batch."""',
        *(f"    {name} = batch[{literal(name)}]" for name in columns),
    ]
    names_read = _reads(blocks, results.values(), [ex.text(given[v]) for v in made])
    targets = [given[v] if v in made and ex.text(given[v]) in names_read else None for v in outputs]
    if any(targets):
        lines += _predict_call(outline, targets, columns)
    if _reads(blocks, results.values(), ["n"]):
        lines.append(f"    n = len({columns[0] if columns else 'batch'})")
    lines += _commented(outline, blocks)
    ops = {outline.metric_name(path): outline.nodes[path].op for path in outline.metrics()}
    numbers = {
        name: outline.finishers.number(ops.get(name), value, "{0}.astype(float)")
        for name, value in results.items()
    }
    entries = ", ".join(f"{literal(k)}: {ex.text(v)}" for k, v in numbers.items())
    return [*lines, *ex.statement("return ", ex.parse(f"{{{entries}}}"), "    ")]


def _predict_call(
    outline: Outline, targets: Sequence[Expression | None], columns: Sequence[str]
) -> list[str]:
    columns_read = [outline.arguments[key] for key in outline.inputs()]
    arguments = [k if k in columns else f"batch[{literal(k)}]" for k in columns_read]
    texts = ["_" if target is None else ex.text(target) for target in targets]
    names = ["_" if name in texts[:k] else name for k, name in enumerate(texts)]
    head = ", ".join(names)
    call = ex.parse(f"predict({', '.join(['params', *arguments])})")
    return ex.statement(f"{head} = ", call, "    ")


def step_function(outline: Outline, phase: Phase) -> list[str]:
    """One training step of a phase: forward, backward, update."""
    program = _program(outline, phase.name, outline.gradient_watch)
    loss = program.program.output("loss")
    optimizers = [row for row in program.program.rows if row.op == "update"]
    states = [u for u in program.program.updates if u.kind == "state"]
    gradients = [v for row in optimizers for v in _gradients(row)]
    parts = [program.program.output(f"loss/{k}") for k in outline.monitors.of_nodes(phase)]
    ahead = [loss, *parts, *(u.value for u in states)]
    rows = readable(program, [*ahead, *gradients], outline.value_names(program.program))
    writer = _writer(outline, program, rows, _given(outline, program.program))
    blocks = writer.write([*ahead, *gradients], rows.ancestors(ahead))
    results = [writer.value(value) for value in [*ahead, *gradients]]
    columns = _reads(blocks, results, outline.arguments.values())
    counters = "".join(f", {name}" for name in outline.iterations(phase) if name != "step")
    made = "the loss and its parts" if parts else "the loss"
    lines = [
        f"def {outline.step_name(phase)}(params, slots, batch, step{counters}):",
        f'    """One step on a batch: changes params and slots, returns {made}."""',
        *(f"    {name} = batch[{literal(name)}]" for name in columns),
    ]
    if _reads(blocks, results, ["n"]):
        lines.append(f"    n = len({columns[0] if columns else 'batch'})")
    lines += _commented(outline, blocks)
    if states:
        lines += ["", "    # running values"]
    for update in states:
        target = f"params[{literal(update.key)}] = "
        lines += ex.statement(target, writer.value(update.value), "    ")
    for row in optimizers:
        lines += ["", *_update(outline, row, program.program, writer)]
    given = ", ".join(f"float({ex.text(result)})" for result in results[: 1 + len(parts)])
    return [*lines, *ex.statement("return ", ex.parse(given), "    ")]


def _update(outline: Outline, row: Row, program: Program, writer: Writer) -> list[str]:
    """The loop in which an optimizer changes its parameters."""
    rule, count = _rule(row), cast("int", row.attr("count"))
    key_of = {i.value: i.key for i in program.inputs if i.kind == "param"}
    keys = [key_of[value] for value in row.inputs[:count]]
    pairs = zip(keys, _gradients(row), strict=True)
    entries = ", ".join(f"{literal(key)}: {ex.text(writer.value(g))}" for key, g in pairs)
    one = len(outline.optimizers) == 1
    slots = f"slots[{'key' if one else f'{literal(row.path)}, key'}]"
    kept = len(rule.outputs) > 1
    arguments = ["params[key]", "g", *([f"*{slots}"] if kept else []), *_counters(rule)]
    call = ex.parse(f"{_rule_name(outline, row)}({', '.join(arguments)})")
    target = f"params[key], *{slots} = " if kept else "params[key] = "
    lines = [
        *comment(outline.node_comment(row.path), "    "),
        *ex.statement("gradients = ", ex.parse(f"{{{entries}}}"), "    "),
        "    for key, g in gradients.items():",
        *ex.statement(target, call, "        "),
    ]
    return ex.lines_of(lines, row.path)


def _rule(row: Row) -> Program:
    return cast("Program", row.attr("rule"))


def _gradients(row: Row) -> tuple[int, ...]:
    count = cast("int", row.attr("count"))
    return row.inputs[count : 2 * count]


def _counters(rule: Program) -> list[str]:
    read = {i.key for i in rule.inputs if i.kind == "iteration"}
    return [name for name in ("step", "epoch", "steps") if name in read]


def rule_functions(outline: Outline) -> list[list[str]]:
    """One function for each optimizer: the new parameter and running arrays from the old ones."""
    made: dict[str, list[str]] = {}
    for phase in outline.model.phases:
        program = _program(outline, phase.name, outline.gradient_watch).program
        for row in program.rows:
            if row.op == "update":
                name = _rule_name(outline, row)
                made.setdefault(name, _rule_function(outline, row, name))
    return list(made.values())


def _rule_name(outline: Outline, row: Row) -> str:
    """The function of an optimizer, of its own where weights are held to a length."""
    stem = outline.stems[row.path]
    for own in _rule(row).rows:
        if own.op == "renorm":
            along = f"_axis_{own.attr('axis')}" if own.attr("axis") else ""
            return identifier(f"{stem}_max_norm_{own.attr('limit')}{along}")
    return stem


def _rule_function(outline: Outline, row: Row, name: str) -> list[str]:
    path, rule = row.path, _rule(row)
    arrays = [i.key for i in rule.inputs if i.kind == "batch"]
    names = _new_names(rule)
    scope = Namespace(outline.taken - {"g"} | {*arrays, "step", "epoch", "steps"})
    given = {i.value: ex.name(outline.live_names.get(i.key, i.key)) for i in rule.inputs}
    generic_rule = Generic(rule, tuple(t.shape for t in rule.types))
    roots = [value for _, value in rule.outputs]
    rows = readable(generic_rule, roots, roots)
    writer = Writer(rows, numpy_rows.express, numpy_rows.CAST, scope, given, {}, lambda _: "")
    writer.reuse(names)
    writer.hint(_change(rule))
    blocks = writer.write(roots)
    lines = [line for block in blocks for line in block.lines]
    results = [writer.value(value) for value in roots]
    op = type(outline.nodes[path].op)
    written = [
        f"def {name}({', '.join([*arrays, *_counters(rule)])}):",
        f'    """{docstring(op.tip())}"""',
        *lines,
        *ex.statement("return ", _together(results), "    "),
    ]
    schedules = [wire.source for wire in outline.graph.wires_in(path, "schedule")]
    return ex.lines_of(written, path, *schedules)


def _new_names(rule: Program) -> dict[int, str]:
    """Names of the new running arrays: the old name where nothing reads the old value later."""
    rows = Rows(rule.rows, rule.types, ())
    old = {i.key: i.value for i in rule.inputs if i.kind == "batch"}
    names = {}
    for name, value in [*_decayed(rule), *rule.outputs[1:]]:
        before = rows.ancestors([value])
        readers = [row for row in rule.rows if old[name] in row.inputs]
        free = all(set(row.outputs) & before for row in readers)
        names[value] = name if free else f"new_{name}"
    return names


def _decayed(rule: Program) -> list[tuple[str, int]]:
    """The gradient with the weight decay added to it, where the rule has that."""
    g = next(i.value for i in rule.inputs if i.key == "g")
    users = rule.users().get(g, [])
    return [("g", users[0].outputs[0])] if len(users) == 1 and users[0].op == "add" else []


def _change(rule: Program) -> dict[int, str]:
    """The value that is subtracted from the parameter."""
    last = rule.define().get(rule.output("p"))
    return {last.inputs[1]: "change"} if last and last.op == "sub" else {}


# ---- shared


def _program(outline: Outline, entry: str, watch: frozenset[str]) -> Generic:
    found = outline.programs.get((entry, "numpy"))
    if found is None:
        model = outline.model
        whole = generic(lambda batch: model.program(entry, batch, watch), numpy_rows.keep)
        found = outline.cells.called(whole)
        outline.programs[entry, "numpy"] = found
    return found


def _outputs(program: Program) -> list[int]:
    """The values of the model's outputs, each once."""
    found = [value for name, value in program.outputs if name.startswith("outputs/")]
    return list(dict.fromkeys(found))


def _given(outline: Outline, program: Program) -> dict[int, Expression]:
    """Expressions of a program's inputs."""
    found, mean_of = {}, {slot: key for key, slot in outline.model.averages.items()}
    for item in program.inputs:
        text = item.key
        if item.kind == "batch":
            text = outline.arguments[item.key]
        elif item.kind == "live":
            text = outline.live_names[item.key]
        elif item.kind == "slot" and program.name.startswith("train"):
            text = outline.slot_text(item.key)
        elif item.kind != "iteration":
            text = f"params[{literal(mean_of.get(item.key, item.key))}]"
        found[item.value] = ex.parse(text)
    return found


def _writer(
    outline: Outline, program: Generic, rows: Rows, given: Mapping[int, Expression]
) -> Writer:
    scope = Namespace(outline.taken | set(outline.arguments.values()))
    return Writer(
        rows,
        numpy_rows.express,
        numpy_rows.CAST,
        scope,
        given,
        outline.value_names(program.program),
        lambda path: outline.stems.get(path, "value"),
    )


def _reads(
    blocks: Iterable[Block], results: Iterable[Expression], names: Iterable[str]
) -> list[str]:
    """Those of `names` that the code reads."""
    lines = [line for block in blocks for line in block.lines]
    read = free_names("\n".join([*lines, *("    " + ex.text(e) for e in results)]))
    return [name for name in names if name in read]


def _together(results: Sequence[Expression]) -> Expression:
    return results[0] if len(results) == 1 else ex.parse(", ".join(map(ex.text, results)))


def _commented(outline: Outline, blocks: Iterable[Block]) -> list[str]:
    lines: list[str] = []
    backward = False
    for block in blocks:
        if block.backward and not backward:
            text = "Backward: d_x is the gradient of the loss with respect to x."
            lines += ["", f"    # {text}"]
            backward = True
        if block.path:
            about = comment(outline.node_comment(block.path), "    ")
            lines += ex.lines_of(about, block.path)
        lines += block.lines
    return lines
