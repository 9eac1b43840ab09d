"""Functions of a PyTorch file that train: the loop over epochs and steps, the script."""

from __future__ import annotations

from collections.abc import Sequence

from graph.export import expression as ex
from graph.export import stopping
from graph.export.monitors import count
from graph.export.names import identifier, literal
from graph.export.outline import Outline
from graph.export.pytorch_forward import Value
from graph.export.pytorch_model import ModelClass, operands
from graph.export.pytorch_optimizer import optimizer_call, schedule_call, schedule_name
from graph.export.pytorch_scores import names_of, run_lines, total
from graph.export.pytorch_weights import attribute
from graph.kinds import Follower, Optimizer, Schedule
from graph.lower import Phase

# of optimizers that accumulate beside others, whose backward passes write to `p.grad` as well
SUMS: dict[str, str] = {
    "gather": '''
def gather(optimizer, sums):
    """Add the gradients of what an optimizer trains to those of the steps before."""
    for p in optimizer.param_groups[0]["params"]:
        if p.grad is not None:
            sums[p] = p.grad.clone() if p not in sums else sums[p] + p.grad
'''.strip(),
    "spend": '''
def spend(sums, steps):
    """Make the means over so many steps the gradients of an update; the sums start anew."""
    for p in list(sums):
        p.grad = sums.pop(p) / steps
'''.strip(),
}


def train_function(outline: Outline, model: ModelClass) -> list[str]:
    """`train(model, data, samples)`: a generator that gives the losses of each epoch."""
    phases = outline.model.phases
    names = _optimizer_names(outline)
    setup = [line for phase in phases for line in _optimizers(outline, model, phase, names)]
    lines = [
        "def train(model, data, samples):",
        '    """Train on the numbered samples; yields the losses of the steps of each epoch."""',
    ]
    if any("steps" in line for line in setup):
        lines.append("    steps = EPOCHS * len(batches(samples, 0))")
    lines += setup
    monitors, rule = outline.monitors, outline.stopping
    if monitors.held:
        lines.append("    _, validation, _ = split(data)")
    lines += stopping.start(rule)
    several = len(phases) > 1 or phases[0].every > 1
    apart = any(_apart(outline, path) for path in outline.optimizers)
    fresh = any(phase.fresh_batch for phase in phases)
    if several or apart or _together(outline) > 1:
        lines.append("    step = 0")
    lines += ["    for epoch in range(EPOCHS):", "        model.train()", "        losses = []"]
    lines += monitors.begin()
    chosen = "place, chosen in enumerate" if fresh else "chosen in "
    source = "(batches(samples, epoch))" if fresh else "batches(samples, epoch)"
    lines.append(f"        for {chosen}{source}:")
    if several:
        lines.append("            losses.append(0.0)")
    for phase in phases:
        lines += _phase(outline, model, phase, names, several)
    if several or apart:
        lines.append("            step += 1")
    lines += _schedule_steps(outline, model, names, "epoch", "        ")
    averaged = [path for path in names if _optimizer(outline, path).ema_decay]
    copied = "{name: value.clone() for name, value in model.state_dict().items()}"
    if averaged:
        lines.append(f"        trained = {copied}")
        lines += [line for path in averaged for line in _shown(names[path])]
    lines += monitors.find("evaluate(model, data, validation)")
    lines += _schedule_steps(outline, model, names, "score", "        ")
    lines += stopping.look(rule, monitors, copied)
    lines += ["        yield losses", *stopping.leave(rule, monitors)]
    if averaged:
        lines += ["        if epoch + 1 < EPOCHS:", "            model.load_state_dict(trained)"]
    return [*lines, *stopping.restore(rule, "model.load_state_dict(kept)")]


def _shown(name: str) -> list[str]:
    """The lines that put the running means of an optimizer's parameters into the model."""
    return [
        f"        for p, mean in zip({_group(name)}, {mean_name(name)}.parameters()):",
        "            p.data.copy_(mean)",
    ]


def _optimizer_names(outline: Outline) -> dict[str, str]:
    paths = outline.optimizers
    if len(paths) == 1:
        return {paths[0]: "optimizer"}
    return {path: outline.stems[path] for path in paths}


def _optimizer(outline: Outline, path: str) -> Optimizer:
    op = outline.nodes[path].op
    assert isinstance(op, Optimizer)
    return op


def _group(name: str) -> str:
    """The parameters that an optimizer of this name trains."""
    return f'{name}.param_groups[0]["params"]'


def mean_name(optimizer: str) -> str:
    """What the running means of an optimizer's parameters are called."""
    return "means" if optimizer == "optimizer" else f"{identifier(optimizer)}_means"


def _schedules(outline: Outline, path: str) -> dict[str, Schedule]:
    """The schedules of an optimizer, by node."""
    found = {}
    for wire in outline.graph.wires_in(path, "schedule"):
        op = outline.graph.node(wire.source).op
        assert isinstance(op, Schedule)
        found[wire.source] = op
    return found


def _schedule_steps(
    outline: Outline, model: ModelClass, names: dict[str, str], rhythm: str, indent: str
) -> list[str]:
    """The lines that move on the schedules which are due every epoch, or every step."""
    lines = []
    for path, name in names.items():
        for node, schedule in _schedules(outline, path).items():
            _, own = schedule_call(schedule, name, "steps", 1.0, model.customs)
            if own == rhythm:
                step = f"{schedule_name(name)}.step()"
                if isinstance(schedule, Follower):
                    wanted = schedule.monitor
                    step = f"{schedule_name(name)}.step({outline.monitors.text(wanted)})"
                    if outline.monitors.seldom(wanted):
                        lines.append(f"{indent}if {literal(wanted)} in scores:")
                        step = f"    {step}"
                lines += ex.lines_of([f"{indent}{step}"], node)
    return lines


def _optimizers(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str]
) -> list[str]:
    lines: list[str] = []
    for path, owned in phase.owned:
        op, name = _optimizer(outline, path), names[path]
        made = optimizer_call(op, _parameters(outline, model, op, owned), model.customs)
        lines += ex.lines_of(ex.statement(f"{name} = ", made, "    "), path)
        if op.ema_decay:
            swa = "torch.optim.swa_utils"
            text = (
                f"{swa}.AveragedModel(nn.ParameterList({_group(name)}), "
                f"multi_avg_fn={swa}.get_ema_multi_avg_fn({op.ema_decay!r}))"
            )
            means = ex.statement(f"{mean_name(name)} = ", ex.parse(text), "    ")
            lines += ex.lines_of(means, path)
        steps = "steps" if phase.every == 1 else f"-(-steps // {phase.every})"
        if op.accumulate > 1:
            steps = f"max({steps} // {op.accumulate}, 1)"
        if _apart(outline, path):
            lines += ex.lines_of([f"    {_sums(name)} = {{}}"], path)
        for node, schedule in _schedules(outline, path).items():
            made, _ = schedule_call(schedule, name, steps, op.learning_rate, model.customs)
            statement = ex.statement(f"{schedule_name(name)} = ", made, "    ")
            lines += ex.lines_of(statement, node)
    return lines


def _parameters(outline: Outline, model: ModelClass, op: Optimizer, owned: Sequence[str]) -> str:
    """The parameters an optimizer trains: all of the model, whole modules, or one by one."""
    everything = set(owned) == set(outline.model.params) if op.ema_decay else not op.trains
    if everything:
        return "model.parameters()"
    state_of = {key: name for name, key in reversed(model.state.items())}
    tops: dict[str, list[str]] = {}
    for key in owned:
        tops.setdefault(state_of[key].partition(".")[0], []).append(state_of[key])
    parts = []
    for top, chosen in tops.items():
        own = [name for name in model.state if name.partition(".")[0] == top]
        whole = all(name in chosen or "running" in name for name in own)
        texts = [attribute(name) for name in chosen]
        parts += [f"*model.{top}.parameters()"] if whole else texts
    return f"[{', '.join(parts)}]"


def _phase(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str], several: bool
) -> list[str]:
    """The lines of one step of one phase."""
    wanted = operands(outline.graph, phase.losses)
    known = names_of(outline, model, wanted)
    indent, lines = " " * 12, []
    if phase.every > 1:
        lines.append(f"{indent}if step % {phase.every} == 0:")
        indent += "    "
    chosen = "chosen"
    if phase.fresh_batch:
        chosen = f"batches(samples, epoch, {literal(phase.name)})[place]"
    lines.append(f"{indent}batch = take(data, {chosen})")
    lines += [indent + line for line in run_lines(outline, model, wanted, known)]
    loss = ex.statement("loss = ", total(outline, model, phase.losses, known), indent)
    lines += ex.lines_of(loss, *(path for path, _ in phase.losses))
    lines += _counted(outline, model, phase, known, indent)
    own = [names[path] for path, _ in phase.owned]
    zero = f"{'model' if several or len(own) > 1 else own[0]}.zero_grad()"
    done = "losses[-1] += loss.item()" if several else "losses.append(loss.item())"
    together = _together(outline)
    if together > 1:
        lines += [
            f"{indent}(loss / {together}).backward()",
            f"{indent}{done}",
            f"{indent}step += 1",
            f"{indent}if step % {together} == 0:",
        ]
        indent += "    "
        return [*lines, *_stepped(outline, model, phase, names, indent), f"{indent}{zero}"]
    lines += [f"{indent}{zero}", f"{indent}loss.backward()"]
    for path, _ in phase.owned:
        if _apart(outline, path):
            gathered = f"{indent}gather({names[path]}, {_sums(names[path])})"
            lines += ex.lines_of([gathered], path)
    return [*lines, *_stepped(outline, model, phase, names, indent), f"{indent}{done}"]


def _counted(
    outline: Outline, model: ModelClass, phase: Phase, known: dict[Value, str], indent: str
) -> list[str]:
    """The lines that count the losses of a phase which are followed."""
    monitors = outline.monitors
    whole, nodes = monitors.of_phase(phase), monitors.of_nodes(phase)
    lines = [count(whole, "loss.item()", indent)] if whole else []
    for value in phase.losses:
        if name := nodes.get(value[0]):
            loss = ex.text(ex.fill("{0}.item()", [total(outline, model, [value], known)], {}))
            lines += ex.lines_of([count(name, loss, indent)], value[0])
    return lines


def _together(outline: Outline) -> int:
    """Steps whose gradients each update averages, where `p.grad` may add them up by itself; else 1.

    It may where there is one phase that runs in every step, and its optimizers agree.
    """
    phases = outline.model.phases
    counts = {_optimizer(outline, path).accumulate for path in outline.optimizers}
    alone = len(phases) == 1 and phases[0].every == 1 and len(counts) == 1
    return counts.pop() if alone else 1


def _apart(outline: Outline, path: str) -> bool:
    """Whether an optimizer has gradients added up beside `p.grad`."""
    return _optimizer(outline, path).accumulate > 1 and _together(outline) == 1


def _sums(optimizer: str) -> str:
    """What the gradients added up for an optimizer are called."""
    return f"{identifier(optimizer)}_sums"


def _stepped(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str], indent: str
) -> list[str]:
    """The lines of the updates that follow a backward pass."""
    lines: list[str] = []
    for path, owned in phase.owned:
        name, count, inner = names[path], _optimizer(outline, path).accumulate, indent
        if _apart(outline, path):
            inner += "    "
            turn = "step" if phase.every == 1 else f"step // {phase.every}"
            due = f"{indent}if ({turn} + 1) % {count} == 0:"
            lines += ex.lines_of([due, f"{inner}spend({_sums(name)}, {count})"], path)
        lines += ex.lines_of([*_clipped(outline, path, name, inner)], path)
        lines += ex.lines_of([f"{inner}{name}.step()"], path)
        lines += _held(outline, model, owned, inner)
        if _optimizer(outline, path).ema_decay:
            call = f"{mean_name(name)}.update_parameters(nn.ParameterList({_group(name)}))"
            lines += ex.lines_of([f"{inner}{call}"], path)
        lines += _schedule_steps(outline, model, {path: name}, "step", inner)
    return lines


def _held(outline: Outline, model: ModelClass, owned: Sequence[str], indent: str) -> list[str]:
    """The lines that hold weights to their length."""
    lines = []
    names = {key: name for name, key in reversed(model.state.items())}  # a tied weight has two
    for key in owned:
        param = outline.model.params[key]
        if param.max_norm is not None:
            how = f"p=2, dim={param.makes}, maxnorm={param.max_norm!r}"
            held = f"{indent}{attribute(names[key])}.data.renorm_({how})"
            lines += ex.lines_of([held], key.rpartition("/")[0])
    return lines


def _clipped(outline: Outline, path: str, name: str, indent: str) -> list[str]:
    """The lines that limit the gradients an optimizer is about to follow."""
    op = _optimizer(outline, path)
    owned = _group(name) if op.trains else "model.parameters()"
    limits = {"norm": op.clip_norm, "value": op.clip_value}
    return [
        f"{indent}nn.utils.clip_grad_{kind}_({owned}, {limit!r})"
        for kind, limit in limits.items()
        if limit is not None
    ]


def main_function(outline: Outline) -> list[str]:
    """`main()`: what the file does as a script."""
    held_out = outline.graph.training.split.validation > 0
    lines = [
        "def main():",
        '    """Train from the beginning and print the losses."""',
        "    data = load_data()",
        f"    training, {'validation' if held_out else '_'}, _ = split(data)",
        "    sizes = [len(chosen) for chosen in batches(training, 0)]",
        "    model = initial_model()",
        "    for epoch, losses in enumerate(train(model, data, training), 1):",
        "        loss = np.average(losses, weights=sizes)",
    ]
    if not held_out:
        return [*lines, '        print(f"epoch {epoch}  loss {loss:.4f}")']
    return [
        *lines,
        "        scores = evaluate(model, data, validation)",
        '        text = "  ".join(f"val_{name} {score:.4f}" for name, score in scores.items())',
        '        print(f"epoch {epoch}  loss {loss:.4f}  {text}")',
    ]
