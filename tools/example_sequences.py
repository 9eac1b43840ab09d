"""Examples over sequences: recurrent layers, attention, and what goes wrong without a limit."""

from __future__ import annotations

from graph.graph import Graph
from graph.training import Split, Training
from tools import make_blocks
from tools.drawn import Layer, Port, begin, build, call, chain, judge, optimise

HELD_OUT = Split(validation=0.2)
AT_THE_END = Split(validation=0.2, shuffled=False)  # windows of a text beside each other are alike
CHARACTERS, WIDTH = 97, 64


def sine_forecast() -> Graph:
    """An LSTM reads a noisy wave and says its next value."""
    return build(
        ("waves", "ToySequences", {"task": "sine", "steps": 24, "samples_count": 1500}),
        [
            ("lstm", "LSTM", {"units": 32, "returns": "last"}),
            ("answer", "Dense", {"units": 1}),
        ],
        ("loss", "MeanSquaredError", {}),
        ("error", "MeanAbsoluteErrorMetric", {}),
        [("adam", "Adam", {"learning_rate": 0.005})],
        Training(epochs=20, batch_size=32, split=HELD_OUT),
    )


def adding_problem() -> Graph:
    """A GRU remembers two numbers for fifty steps; a plain recurrent layer does not."""
    graph = begin(
        Training(epochs=15, batch_size=50, split=HELD_OUT),
        ("numbers", "ToySequences", {"task": "adding", "steps": 50, "samples_count": 4000}),
    )
    cells = {"gru": ("GRU", {}), "plain": ("RNN", {})}
    for name, (type_, settings) in cells.items():
        layers: list[Layer] = [
            (f"{name}_layer", type_, {"units": 32, "returns": "last", **settings}),
            (f"{name}_sum", "Dense", {"units": 1}),
        ]
        said = chain(graph, ("numbers", "sequence"), layers)
        _compare(graph, name, said, "numbers")
    adam: Layer = ("optimizer", "Adam", {"learning_rate": 0.005, "clip_norm": 1.0})
    optimise(graph, [f"{name}_loss" for name in cells], adam)
    return graph


def exploding() -> Graph:
    """The same recurrent net with a limit on its gradient and without."""
    graph = begin(
        Training(epochs=15, batch_size=50, split=HELD_OUT),
        ("waves", "ToySequences", {"task": "sine", "steps": 24, "samples_count": 2000}),
    )
    limits: dict[str, float | None] = {"limited": 0.2, "free": None}
    for name, limit in limits.items():
        layers: list[Layer] = [
            (f"{name}_layer", "RNN", {"units": 32, "returns": "last"}),
            (f"{name}_sum", "Dense", {"units": 1}),
            (f"{name}_answer", "Tanh", {}),
        ]
        _compare(graph, name, chain(graph, ("waves", "sequence"), layers), "waves")
        sgd: Layer = (name, "SGD", {"learning_rate": 0.3, "momentum": 0.9, "clip_norm": limit})
        optimise(graph, [f"{name}_loss"], sgd)
    return graph


def _compare(graph: Graph, name: str, said: Port, data: str) -> None:
    loss: Layer = (f"{name}_loss", "MeanSquaredError", {})
    judge(graph, said, data, loss, (f"{name}_r2", "R2Score", {}))
    call(graph, f"{name}_loss", f"Loss, {name}")
    call(graph, f"{name}_r2", f"R², {name}")


def char_lstm() -> Graph:
    """An LSTM guesses each next character of two rhymes."""
    return build(
        ("rhymes", "Text", {"path": "rhymes.txt", "steps": 48, "stride": 6}),
        [
            ("letters", "Embedding", {"vocabulary": CHARACTERS, "features": 32}),
            ("lstm", "LSTM", {"units": 96}),
            ("scores", "Dense", {"units": CHARACTERS}),
            ("apart", "Permute", {}),
        ],
        ("loss", "CrossEntropy", {}),
        ("accuracy", "Accuracy", {}),
        [("adam", "Adam", {"learning_rate": 0.005, "clip_norm": 1.0})],
        Training(epochs=15, batch_size=16, split=AT_THE_END),
    )


def char_transformer() -> Graph:
    """Two decoder-only blocks guess each next character of two rhymes."""
    graph = begin(
        Training(epochs=15, batch_size=16, split=AT_THE_END),
        ("rhymes", "Text", {"path": "rhymes.txt", "steps": 48, "stride": 6}),
    )
    scores = _attending(graph, ("rhymes", "text"), CHARACTERS, causal=True)
    judge(graph, scores, "rhymes", ("loss", "CrossEntropy", {}), ("accuracy", "Accuracy", {}))
    optimise(graph, ["loss"], ("adam", "AdamW", {"learning_rate": 0.002, "clip_norm": 1.0}))
    return graph


def reverse_sequence() -> Graph:
    """Two blocks of attention learn to say ten symbols backwards."""
    graph = begin(
        Training(epochs=15, batch_size=32, split=HELD_OUT),
        ("symbols", "ToySequences", {"task": "reverse", "steps": 10, "samples_count": 4000}),
    )
    scores = _attending(graph, ("symbols", "sequence"), 10, causal=False)
    judge(graph, scores, "symbols", ("loss", "CrossEntropy", {}), ("accuracy", "Accuracy", {}))
    optimise(graph, ["loss"], ("adam", "AdamW", {"learning_rate": 0.002, "clip_norm": 1.0}))
    return graph


def _attending(graph: Graph, tokens: Port, count: int, causal: bool) -> Port:
    """Scores N×K×T for each place of sequences of `count` tokens, by two transformer blocks."""
    block = make_blocks.encoder(causal)
    name = next(iter(block.definitions))
    graph.definitions[name] = block.definitions[name]
    return chain(
        graph,
        tokens,
        [
            ("letters", "Embedding", {"vocabulary": count, "features": WIDTH}),
            ("places", "LearnedPosition", {"longest": 64}),
            ("blocks", "Subgraph", {"definition": name, "repeat": 2}),
            ("norm", "LayerNorm", {}),
            ("scores", "Dense", {"units": count}),
            ("apart", "Permute", {}),
        ],
    )


SEQUENCES = (
    sine_forecast,
    adding_problem,
    exploding,
    char_lstm,
    char_transformer,
    reverse_sequence,
)
