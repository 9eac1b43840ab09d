"""More drawings: generated data, embedded ids, recurrent layers, ties, losses of other shapes."""

from dataclasses import replace

from graph.graph import Graph
from graph.op import Op
from graph.primitives import argmax, pad
from graph.tensor import Tensor
from graph.training import Split
from tests.export.drawings import EXACT, LOSS, plain
from tests.support.small_graphs import draw, op


class Longest(Op, register=False):
    """The place of the largest number, from 1: a length."""

    category, keywords = "Custom", ()

    def build(self, x: Tensor) -> Tensor:
        return argmax(pad(x + 100.0, (0, 1), (0, 0)), 1)


def shapes(shape: str) -> Graph:
    """Every kind of generated points."""
    nodes = plain() | {"d": op("Dense", units=2)}
    nodes["data"] = op("ToyData", shape=shape, samples_count=50, seed=2**40 + 3)
    wires = "data.features>d.x d.y>loss.prediction data.target>loss.target"
    return draw(nodes, wires + LOSS, replace(EXACT, seed=2**62 + 1, split=Split(0.3, 0.1, seed=9)))


def sequences(task: str) -> Graph:
    """Generated sequences, to a number or to as many symbols."""
    data = op("ToySequences", task=task, steps=5, symbols=3, samples_count=40, seed=2**40 + 3)
    ends = plain() | {"data": data, "flat": op("Flatten")}
    if task == "reverse":
        nodes = {"codes": op("OneHot", classes=3), "d": op("Dense", units=15)}
        nodes |= {"apart": op("Reshape", shape=(3, 5))}
        wires = """data.sequence>codes.x codes.y>flat.x flat.y>d.x d.y>apart.x
            apart.y>loss.prediction"""
    else:
        nodes = {"d": op("Dense", units=1), "loss": op("MeanSquaredError")}
        wires = "data.sequence>flat.x flat.y>d.x d.y>loss.prediction"
    return draw(ends | nodes, f"{wires} data.target>loss.target{LOSS}", EXACT)


def tokens() -> Graph:
    """Numbers as ids, embedded, one of them padding; a sequence with positions of three kinds."""
    nodes = plain() | {
        "cut": op("Formula", formula="1.5 * abs(x)"),
        "ids": op("ToIds"),
        "words": op("Embedding", vocabulary=6, features=4, padding_idx=0),
        "waves": op("SinusoidalPosition"),
        "places": op("LearnedPosition", longest=3),
        "turns": op("RotaryPosition"),
        "last": op("Gather"),
        "d": op("Dense", units=2),
    }
    wires = """data.features>cut.x cut.y>ids.x ids.y>words.x words.y>waves.x waves.y>places.x
        places.y>turns.x turns.y>last.x data.target>last.index last.y>d.x
        d.y>loss.prediction data.target>loss.target"""
    return draw(nodes, wires + LOSS, EXACT)


def recurrent() -> Graph:
    """Layers that walk both ways or one way, with and without sequences that end early."""
    nodes = plain() | {
        "steps": op("Dense", units=6),
        "turned": op("Reshape", shape=(6, 1)),
        "length": Longest(),
        "lstm": op("LSTM", units=3, layers=2, bidirectional=True),
        "gru": op("GRU", units=4, bidirectional=True),
        "relu": op("RNN", units=3, nonlinearity="relu"),
        "tanh": op("RNN", units=2, bidirectional=True, returns="last"),
        "short": op("LSTM", units=2),
        "long": op("GRU", units=2, returns="last"),
        "d": op("Concat"),
    }
    wires = """data.features>steps.x steps.y>turned.x steps.y>length.x turned.y>lstm.x
        lstm.y>gru.x length.y>gru.length gru.y>relu.x relu.y>tanh.x length.y>tanh.length
        relu.y>short.x length.y>short.length short.y>long.x
        tanh.y>d.x long.y>d.x d.y>last.x last.y>loss.prediction data.target>loss.target"""
    return draw(nodes | {"last": op("Dense", units=2)}, wires + LOSS, EXACT)


def tied() -> Graph:
    """Weights of other nodes: an embedding's, frozen too, in a ring of repetitions, by a chain."""
    inner = {"in": op("Input"), "b": op("Dense", units=4), "out": op("Output")}
    inner |= {"a": op("Dense", units=4, tie="b", bias=False), "act": op("Tanh")}
    block = draw(inner, "in.y>b.x b.y>act.x act.y>a.x a.y>out.x")
    nodes = plain() | {
        "cut": op("Formula", formula="1.5 * abs(x)"),
        "ids": op("ToIds"),
        "words": op("Embedding", vocabulary=6, features=4, init="truncated_normal"),
        "mean": op("Reduce", axes=(1,)),
        "twice": op("Subgraph", definition="block", repeat=2, weights="own"),
        "top": op("Dense", units=6, tie="words"),
        "side": op("Dense", units=6, bias=False, tie="top"),
        "sum": op("Add"),
        "d": op("Dense", units=2),
    }
    wires = """data.features>cut.x cut.y>ids.x ids.y>words.x words.y>mean.x mean.y>twice.in
        twice.out>top.x mean.y>side.x top.y>sum.x side.y>sum.x sum.y>d.x
        d.y>loss.prediction data.target>loss.target"""
    drawn = draw(nodes, wires + LOSS, EXACT)
    drawn.definitions["block"] = block
    return drawn


def both_ways() -> Graph:
    """Layers and windows that are undone by their own weights, twice, by a chain of ties."""
    nodes = plain() | {
        "image": op("Reshape", shape=(1, 1, 2)),
        "windows": op("Conv2d", filters=3, kernel=(1, 2)),
        "flat": op("Flatten"),
        "down": op("Dense", units=4),
        "act": op("Tanh"),
        "up": op("Dense", units=6, tie="down", transposed=True),
        "down2": op("Dense", units=4, tie="down", bias=False),
        "up2": op("Dense", units=6, tie="up", transposed=True, bias=False),
        "apart": op("Reshape", shape=(3, 1, 2)),
        "back": op("ConvTranspose2d", filters=1, kernel=(1, 2), stride=1, padding=0, tie="windows"),
        "d": op("Flatten"),
        "top": op("Dense", units=2),
    }
    wires = """data.features>image.x image.y>windows.x windows.y>flat.x flat.y>down.x
        down.y>act.x act.y>up.x up.y>down2.x down2.y>up2.x up2.y>apart.x
        apart.y>back.x back.y>d.x d.y>top.x top.y>loss.prediction data.target>loss.target"""
    return draw(nodes, wires + LOSS, EXACT)


def held_elsewhere() -> Graph:
    """Weights held to a length where the outputs are not on axis 0, or several lie in one array."""
    nodes = plain() | {
        "steps": op("Dense", units=6, max_norm=0.5),
        "image": op("Reshape", shape=(2, 1, 3)),
        "wider": op("ConvTranspose2d", filters=3, kernel=2, padding=0, max_norm=0.5),
        "flat": op("Flatten"),
        "apart": op("Reshape", shape=(6, 6)),
        "lstm": op("LSTM", units=3, max_norm=0.6),
        "looks": op("MultiHeadAttention", heads=3, max_norm=0.7),
        "mean": op("Reduce", axes=(1,)),
        "cut": op("Formula", formula="1.5 * abs(x)"),
        "ids": op("ToIds"),
        "words": op("Embedding", vocabulary=6, features=4, max_norm=0.5),
        "word": op("Reduce", axes=(1,)),
        "both": op("Bilinear", units=2, max_norm=0.5),
    }
    wires = """data.features>steps.x steps.y>image.x image.y>wider.x wider.y>flat.x flat.y>apart.x
        apart.y>lstm.x lstm.y>looks.x looks.y>mean.x data.features>cut.x cut.y>ids.x ids.y>words.x
        words.y>word.x mean.y>both.x1 word.y>both.x2
        both.y>loss.prediction data.target>loss.target"""
    return draw(nodes, wires + LOSS, EXACT)


def triplets() -> Graph:
    """A loss of three values, none of them called a prediction."""
    nodes = plain() | {name: op("Dense", units=3) for name in ("a", "p", "n")}
    nodes["loss"] = op("TripletMargin")
    wires = """data.features>a.x data.features>p.x data.features>n.x
        a.y>loss.anchor p.y>loss.positive n.y>loss.negative"""
    return draw(nodes, wires + LOSS, EXACT)


def margin() -> Graph:
    """A loss that uses a number of the host in two places of its gradient."""
    nodes = plain() | {"d": op("Dense", units=2), "loss": op("MultiClassMargin")}
    wires = "data.features>d.x d.y>loss.prediction data.target>loss.target"
    return draw(nodes, wires + LOSS, EXACT)


def masked(dropout: float = 0.0) -> Graph:
    """Attention to some keys, to near steps, with and without heads."""
    nodes = plain() | {
        "steps": op("Dense", units=12),
        "turned": op("Reshape", shape=(3, 4)),
        "signs": op("Formula", formula="max(sign(x), 0)"),
        "ids": op("ToIds"),
        "keys": op("Slice", axis=2, start=0, stop=3),
        "own": op("ScaledDotProductAttention", window=2, dropout=dropout),
        "heads": op("MultiHeadAttention", heads=2, causal=True, dropout=dropout),
        "d": op("Flatten"),
        "last": op("Dense", units=2),
    }
    wires = """data.features>steps.x steps.y>turned.x turned.y>signs.x signs.y>keys.x keys.y>ids.x
        turned.y>own.q turned.y>own.k turned.y>own.v ids.y>own.mask own.y>heads.x ids.y>heads.mask
        heads.y>d.x d.y>last.x last.y>loss.prediction data.target>loss.target"""
    return draw(nodes, wires + LOSS, EXACT)


SEQUENCES: dict[str, Graph] = {
    **{shape: shapes(shape) for shape in ("moons", "circles", "spiral", "xor")},
    **{task: sequences(task) for task in ("sine", "adding", "reverse")},
    "tokens": tokens(),
    "tied": tied(),
    "held_elsewhere": held_elsewhere(),
    "both_ways": both_ways(),
    "margin": margin(),
    "triplets": triplets(),
    "recurrent": recurrent(),
    "masked": masked(),
}
