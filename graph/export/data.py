"""The data section of a generated file: samples, split and batches as the engine makes them.

Everything is NumPy here, also in a PyTorch file, so both read the same and give the same arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.export import expression as ex
from graph.export.data_sequences import sequences_source, text_source
from graph.export.names import literal
from graph.export.outline import Outline
from graph.export.symbolic import ExportError
from graph.kinds import DataSource
from graph.ops.data import Digits, ToyData
from graph.ops.sequences import Text, ToySequences
from graph.ops.table import Table
from graph.stepping import batch_size

Column = tuple[float, float, float]  # what fills a gap, what is subtracted, what divides


@dataclass(frozen=True)
class TableFacts:
    """What only reading a table's file tells.

    `features` has (fill, mean, scale) for each number of the feature vector, `target` for a
    regression target; they are fitted on the training rows of the run that is exported.
    """

    delimiter: str
    encoding: str
    features: tuple[Column, ...]
    target: Column | None = None


@dataclass
class Data:
    """Functions of the data section, and the constants they read."""

    functions: list[list[str]] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)


def data_section(outline: Outline, facts: Mapping[str, TableFacts]) -> Data:
    """`load_data()`, giving every column of every data node by its name in the file."""
    found = Data()
    nodes = {p: n.op for p, n in outline.nodes.items() if isinstance(n.op, DataSource)}
    if not nodes:
        raise ExportError("found no data node, expected one; add one, such as Digits")
    names = ["load_data"] if len(nodes) == 1 else [f"load_{outline.stems[path]}" for path in nodes]
    for name, (path, op) in zip(names, nodes.items(), strict=True):
        first = len(found.functions)
        _loader(found, outline, name, path, op, facts.get(path))
        found.functions[first:] = [ex.lines_of(one, path) for one in found.functions[first:]]
    if len(nodes) > 1:
        calls = ex.parse("{" + ", ".join(f"**{name}()" for name in names) + "}")
        found.functions.append(
            [
                "def load_data():",
                '    """The columns of all data nodes; sample k is row k of each."""',
                *ex.statement("return ", calls, "    "),
            ]
        )
    return found


def _loader(
    found: Data, outline: Outline, name: str, path: str, op: DataSource, facts: TableFacts | None
) -> None:
    keys = [outline.arguments[f"{path}.{port.name}"] for port in op.ports_out()]
    if isinstance(op, ToyData):
        found.functions.append(_toy(name, op, keys))
    elif isinstance(op, Table):
        _table(found, name, op, keys, facts)
    elif isinstance(op, Digits):
        found.functions.append(_digits(name, keys))
    elif isinstance(op, ToySequences):
        found.functions.append(sequences_source(name, op, keys))
    elif isinstance(op, Text):
        found.functions.append(text_source(name, op, keys))
    else:
        kind = type(op).__name__
        raise ExportError(f"{path}: found data node {kind}, expected one that ships with Netloom")


def _digits(name: str, keys: list[str]) -> list[str]:
    image, label = map(literal, keys)
    return [
        f"def {name}():",
        '    """1,797 handwritten digits: images 1×8×8 with values from 0 to 1, and labels."""',
        "    digits = load_digits()",
        "    images = digits.images.reshape(-1, 1, 8, 8) / 16",
        f"    return {{{image}: images.astype(DTYPE), {label}: digits.target}}",
    ]


# ---- generated points

_SHAPES = {
    "moons": [
        "angle = np.pi * place[0]",
        "upper = np.stack([np.cos(angle), np.sin(angle)], 1)",
        "lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)",
        "points = np.where(label[:, None] == 0, upper, lower)",
    ],
    "circles": [
        "angle = 2 * np.pi * place[0]",
        "radius = np.where(label == 0, 1.0, 0.5)",
        "points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)",
    ],
    "spiral": [
        "angle = 2 * np.pi * (1.75 * place[0] + 0.5 * label)",
        "points = np.stack([place[0] * np.cos(angle), place[0] * np.sin(angle)], 1)",
    ],
    "xor": ["points = 2 * place.T - 1", "label = (points[:, 0] * points[:, 1] < 0).astype(int)"],
}
_ABOUT = {
    "moons": "two moons",
    "circles": "two circles",
    "spiral": "a spiral of two arms",
    "xor": "four squares, opposite ones of one class",
    "regression": "a curve to regress",
}


def _toy(name: str, op: ToyData, keys: list[str]) -> list[str]:
    features, target = map(literal, keys)
    count, seed, noise = map(literal, (op.samples_count, op.seed, op.noise))
    lines = [
        f"def {name}():",
        f'    """{op.samples_count:,} points of {_ABOUT[op.shape]}."""',
        f"    count, seed = {count}, {seed}",
        '    place = random_uniform(seed, "toy/place", 0, (2, count))',
        '    first, second = random_uniform(seed, "toy/noise", 0, (2, count))',
        "    radius, angle = np.sqrt(-2 * np.log(1 - first)), 2 * np.pi * second",
    ]
    if op.shape == "regression":
        return [
            *lines,
            f"    noise = {noise} * radius * np.cos(angle)",
            "    x = 2 * place[0] - 1",
            "    y = 0.7 * np.sin(np.pi * x) + 0.3 * x + noise",
            "    x, y = x[:, None].astype(DTYPE), y[:, None].astype(DTYPE)",
            f"    return {{{features}: x, {target}: y}}",
        ]
    return [
        *lines,
        f"    noise = {noise} * np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)",
        *([] if op.shape == "xor" else ["    label = np.arange(count) % 2"]),
        *(f"    {line}" for line in _SHAPES[op.shape]),
        f"    return {{{features}: (points + noise).astype(DTYPE), {target}: label}}",
    ]


# ---- tables

# texts that stand for no value; the same as when the engine reads a table
NOTHING = ("", "?", "-", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none")


def _table(found: Data, name: str, op: Table, keys: list[str], facts: TableFacts | None) -> None:
    if facts is None or op.schema.target_column is None:
        raise ExportError(
            f"found no statistics of {op.path!r}, expected those of its training rows; "
            "export where the file can be read"
        )
    prefix = "" if name == "load_data" else f"{name.removeprefix('load_').upper()}_"
    found.constants += _table_constants(op, prefix, facts)
    found.functions += _table_functions(op, name, prefix, keys, facts)


def _table_constants(op: Table, prefix: str, facts: TableFacts) -> list[str]:
    place = {column.name: k for k, column in enumerate(op.schema.columns)}
    width, columns = 0, {}
    for column in op.schema.features:
        own = facts.features[width]
        columns[column.name] = own if column.kind == "number" else list(column.categories)
        width += column.width
    lines = [
        *ex.statement(f"{prefix}TABLE = ", ex.parse(f"Path(__file__).parent / {literal(op.path)}")),
        "",
        "# Number columns: what fills a gap, what is subtracted, what divides; fitted on the",
        "# training rows. Other columns: their categories, each one feature of 0 or 1.",
        *ex.statement(f"{prefix}FEATURES = ", ex.parse(literal(columns))),
        *ex.statement(f"{prefix}PLACES = ", ex.parse(literal(place))),
    ]
    target = op.schema.target_column
    assert target is not None
    if target.kind == "category":
        names = ex.parse(literal(list(target.categories)))
        return [*lines, *ex.statement(f"{prefix}CLASSES = ", names)]
    return [*lines, f"{prefix}TARGET_SCALE = {literal(facts.target)}"]


_ENCODE = '''
def encode(row):
    """The feature vector of one row: numbers standardised, a 0 or 1 for each category."""
    vector = []
    for name, column in FEATURES.items():
        cell = row[PLACES[name]]
        if isinstance(column, list):
            vector += [float(cell == category) for category in column]
        else:
            fill, mean, scale = column
            vector.append(((fill if cell is None else NUMBER) - mean) / scale)
    return vector
'''
_UNSCALE = '''
def in_units(prediction):
    """Predictions in the units of the file."""
    _, mean, scale = TARGET_SCALE
    return prediction * scale + mean
'''


def _table_functions(
    op: Table, name: str, prefix: str, keys: list[str], facts: TableFacts
) -> list[list[str]]:
    number = "float(cell)" if facts.delimiter == "," else 'float(cell.replace(",", "."))'
    target = op.schema.target
    cell = f"row[{prefix}PLACES[{literal(target)}]]"
    features, goal = map(literal, keys)
    used = [c.name for c in op.schema.columns if c.kind != "skipped"]
    encode = f"{prefix.lower()}encode"
    lines = [
        f"def {name}():",
        '    """The samples of the table: features as the model takes them, and the target."""',
        *_read_lines(op, prefix, facts),
    ]
    if op.missing == "drop":
        lines += [
            *ex.statement("used = ", ex.parse(literal(used)), "    "),
            f"    rows = [row for row in rows if all(row[{prefix}PLACES[k]] for k in used)]",
        ]
    lines.append(f"    features = np.array([{encode}(row) for row in rows], DTYPE)")
    if op.schema.class_names:
        lines.append(f"    target = np.array([{prefix}CLASSES.index({cell}) for row in rows])")
    else:
        value = number.replace("cell", cell)
        lines += [
            f"    target = np.array([[{value}] for row in rows])",
            f"    _, mean, scale = {prefix}TARGET_SCALE",
            "    target = ((target - mean) / scale).astype(DTYPE)",
        ]
    lines.append(f"    return {{{features}: features, {goal}: target}}")
    texts = [_ENCODE.replace("NUMBER", number)]
    if not op.schema.class_names and op.standardise_target:
        texts.append(_UNSCALE)
    return [lines, *(_prefixed(text, prefix) for text in texts)]


def _read_lines(op: Table, prefix: str, facts: TableFacts) -> list[str]:
    skip = "[1:]" if op.header else ""
    return [
        f'    with open({prefix}TABLE, encoding={literal(facts.encoding)}, newline="") as file:',
        f"        rows = [row for row in csv.reader(file, delimiter={literal(facts.delimiter)})"
        f" if row]{skip}",
        *ex.statement("nothing = ", ex.parse(literal(NOTHING)), "    "),
        "    rows = [[cell.strip() for cell in row] for row in rows]",
        "    rows = [[None if cell in nothing else cell for cell in row] for row in rows]",
    ]


def _prefixed(text: str, prefix: str) -> list[str]:
    for word in ("FEATURES", "PLACES", "TARGET_SCALE"):
        text = text.replace(word, prefix + word)
    for word in ("def encode", "def in_units"):
        text = text.replace(word, word.replace("def ", f"def {prefix.lower()}"))
    return text.strip().splitlines()


# ---- split and batches

_SHARES = '''
def shares(sizes, share, most):
    """How many of each group: `share` of all together, divided by largest remainders."""
    exact = sizes * share
    counts = np.minimum(np.floor(exact).astype(int), most)
    wanted = max(round(float(sizes.sum()) * share), 1 if share > 0 else 0)
    for group in np.argsort(np.floor(exact) - exact, kind="stable"):
        if counts.sum() < wanted and counts[group] < most[group]:
            counts[group] += 1
    return counts
'''
_BATCHES = '''
def batches(samples, epoch):
    """The training samples of an epoch in their new order, BATCH_SIZE at a time."""
    bits = random_bits(SEED, "batches/", epoch, len(samples))
    order = samples[np.argsort(bits, kind="stable")]
    return [order[k : k + BATCH_SIZE] for k in range(0, len(order), BATCH_SIZE)]
'''
_STREAMS = '''
def batches(samples, epoch, stream=""):
    """The training samples of an epoch in a new order, BATCH_SIZE at a time.

    Phases of training that draw batches of their own have other orders.
    """
    bits = random_bits(SEED, f"batches/{stream}", epoch, len(samples))
    order = samples[np.argsort(bits, kind="stable")]
    return [order[k : k + BATCH_SIZE] for k in range(0, len(order), BATCH_SIZE)]
'''
_CUT = "[order[k : k + BATCH_SIZE] for k in range(0, len(order), BATCH_SIZE)]"


def split_source(outline: Outline) -> list[str]:
    """`split(data)` and what it needs: numbers of training, validation and test samples."""
    settings = outline.graph.training.split
    labels = _labels(outline) if settings.stratified and settings.shuffled else None
    about = "every class in the same shares" if labels else "the rest trains"
    first = next(iter(outline.arguments.values()))
    order = "np.arange(count)"
    if settings.shuffled:
        bits = f'random_bits({settings.seed}, "split", 0, count)'
        order = f'np.argsort({bits}, kind="stable")'
    classes = f"np.unique(data[{literal(labels)}], return_inverse=True)[1]"
    lines = [
        "def split(data):",
        f'    """Numbers of the training, validation and test samples; {about}."""',
        f"    count = len(data[{literal(first)}])",
        f"    groups = {classes if labels else 'np.zeros(count, int)'}",
        "    sizes = np.bincount(groups)",
        f"    validation = shares(sizes, {settings.validation!r}, np.maximum(sizes - 1, 0))",
        f"    test = shares(sizes, {settings.test!r}, np.maximum(sizes - 1 - validation, 0))",
        f"    order = {order}",
        "    part = np.zeros(count, int)",
        "    for group in range(len(sizes)):",
        "        own = order[groups[order] == group]",
        "        kept = sizes[group] - validation[group] - test[group]",
        "        part[own[kept:]] = 1",
        "        part[own[kept + validation[group] :]] = 2",
        "    return [np.flatnonzero(part == k) for k in range(3)]",
    ]
    return ["\n".join(lines), _SHARES.strip()]


def batches_source(outline: Outline) -> str:
    """`batches(samples, epoch)`: the engine's order of the training samples."""
    fresh = any(phase.fresh_batch for phase in outline.model.phases)
    text = (_STREAMS if fresh else _BATCHES).strip()
    if batch_size(outline.graph):
        return text
    return text.replace(_CUT, "[order]").replace("BATCH_SIZE at a time", "all as one batch")


def _labels(outline: Outline) -> str | None:
    """The column of classes that the split stratifies by: the first one by key."""
    types = {
        f"{path}.{port}": kind
        for path, node in outline.nodes.items()
        if isinstance(node.op, DataSource)
        for port, kind in node.op.sample_types().items()
    }
    found = [key for key, kind in sorted(types.items()) if kind.dtype == "int" and not kind.shape]
    return outline.arguments[found[0]] if found else None
