"""The data section of a generated file: generated sequences, and windows of a text."""

from __future__ import annotations

from graph.export.names import literal
from graph.ops.sequences import Text, ToySequences

_TASKS = {
    "sine": [
        'drawn = random_uniform(seed, "sequences/wave", 0, (2, count, 1))',
        "wave = np.sin(2 * np.pi * (np.arange(steps + 1) / (8 + 16 * drawn[0]) + drawn[1]))",
        'drawn = random_uniform(seed, "sequences/noise", 0, (2, count, steps + 1))',
        "noise = np.sqrt(-2 * np.log(1 - drawn[0])) * np.cos(2 * np.pi * drawn[1])",
        "wave = (wave + NOISE * noise).astype(DTYPE)",
        "return {SEQUENCE: wave[:, :-1, None], TARGET: wave[:, -1:]}",
    ],
    "adding": [
        'numbers = random_uniform(seed, "sequences/numbers", 0, (count, steps))',
        'place = random_uniform(seed, "sequences/marks", 0, (2, count))',
        "half = steps // 2",
        "marks = np.zeros((count, steps))",
        "marks[np.arange(count), (place[0] * half).astype(int)] = 1",
        "marks[np.arange(count), half + (place[1] * (steps - half)).astype(int)] = 1",
        "total = (numbers * marks).sum(1, keepdims=True)",
        "sequence = np.stack([numbers, marks], 2).astype(DTYPE)",
        "return {SEQUENCE: sequence, TARGET: total.astype(DTYPE)}",
    ],
    "reverse": [
        'drawn = random_uniform(seed, "sequences/symbols", 0, (count, steps))',
        "symbols = (drawn * SYMBOLS).astype(int)",
        "return {SEQUENCE: symbols, TARGET: symbols[:, ::-1].copy()}",
    ],
}
_ABOUT = {
    "sine": "noisy waves, and the next value of each",
    "adding": "sequences of numbers and marks, and the sum of the marked ones",
    "reverse": "sequences of symbols, and the same reversed",
}


def sequences_source(name: str, op: ToySequences, keys: list[str]) -> list[str]:
    """The function that makes the sequences of a node."""
    words = {
        "NOISE": literal(op.noise),
        "SYMBOLS": literal(op.symbols),
        "SEQUENCE": literal(keys[0]),
        "TARGET": literal(keys[1]),
    }
    return [
        f"def {name}():",
        f'    """{op.samples_count:,} {_ABOUT[op.task]}."""',
        f"    count, steps, seed = {op.samples_count}, {op.steps}, {op.seed}",
        *(f"    {_put(line, words)}" for line in _TASKS[op.task]),
    ]


def text_source(name: str, op: Text, keys: list[str]) -> list[str]:
    """The function that cuts the file of a node into windows."""
    text, follows = map(literal, keys)
    return [
        f"def {name}():",
        f'    """Windows of {op.steps} characters of a text, and the same one character on."""',
        f"    file = Path(__file__).parent / {literal(op.path)}",
        '    alphabet = "\\n" + "".join(map(chr, range(32, 127)))',
        '    characters = file.read_text("utf-8-sig")',
        "    places = np.array([alphabet.find(one) + 1 for one in characters])",
        f"    windows = np.lib.stride_tricks.sliding_window_view(places, {op.steps + 1})",
        f"    windows = windows[:: {op.stride or op.steps}].copy()",
        f"    return {{{text}: windows[:, :-1], {follows}: windows[:, 1:]}}",
    ]


def _put(line: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        line = line.replace(word, value)
    return line
