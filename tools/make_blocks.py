"""Makes the shipped blocks: a definition each, an instance that names it and a note about it.

Nodes get no places: the canvas lays such drawings out, always in the same way. Run it after
changing a block, or settings of a node that one contains.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import graph.ops  # fills the registry  # noqa: F401
from graph.define import Define
from graph.drawing import Drawing
from graph.edits import AddNode, Batch, Connect, SetNote, connect
from graph.exposed import Exposure, Place
from graph.files import save
from graph.graph import Graph, Node, Note
from graph.op import REGISTRY, Op
from graph.subgraph import Defined, Scan, Subgraph

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "blocks"
UNITS = 32
TIMES, HEADS = 4, 4  # how much wider a hidden layer is

Layers = dict[str, Op]
Wires = list[tuple[str, str]]
Places = tuple[Place, ...]
Exposed = dict[str, Places]
FEED_FORWARD = (
    "Steps may have any number of features that the heads divide. Heads, the units of the hidden "
    f"layer, which are {TIMES} times as many as features where you set none, and dropout are its "
    "settings."
)
DROPOUT, HIDDEN = "dropout", "hidden units"


def op(name: str, **settings: object) -> Op:
    """A node type of the registry with these settings."""
    return REGISTRY[name](**settings)


def attending(number: int, source: str, **settings: object) -> tuple[Layers, Wires]:
    """source + dropped(attention(norm(source))): the nodes norm1, attention1, drop1, sum1 …"""
    norm, attention, drop, total = (
        f"{stem}{number}" for stem in ("norm", "attention", "drop", "sum")
    )
    layers = {
        norm: op("LayerNorm"),
        attention: op("MultiHeadAttention", heads=HEADS, **settings),
        drop: op("Dropout", p=0.0),
        total: op("Add"),
    }
    chain = [source, norm, attention, drop, total]
    return layers, [(source, total), *pairwise(chain)]


def feeding(number: int, source: str) -> tuple[Layers, Wires]:
    """source + a hidden layer of each step by itself, dropped in it and behind it."""
    norm, drop, total = f"norm{number}", f"drop{number}", f"sum{number}"
    layers = {
        norm: op("LayerNorm"),
        "widen": op("Dense", units=None, factor=float(TIMES), init="glorot_uniform"),
        "gelu": op("GELU"),
        "drop": op("Dropout", p=0.0),
        "narrow": op("Projection"),
        drop: op("Dropout", p=0.0),
        total: op("Add"),
    }
    chain = [source, norm, "widen", "gelu", "drop", "narrow", drop, total]
    return layers, [(source, total), *pairwise(chain), (source, "narrow.like")]


def set_by(body: Graph, type_name: str, setting: str) -> Places:
    """This setting of every node of a type."""
    found = (node.id for node in body if type(node.op).__name__ == type_name)
    return tuple((id, setting) for id in sorted(found))


def transforming(body: Graph) -> Exposed:
    """What a transformer block exposes."""
    drops = *set_by(body, "MultiHeadAttention", "dropout"), *set_by(body, "Dropout", "p")
    heads = set_by(body, "MultiHeadAttention", "heads")
    hidden = set_by(body, "Dense", "units")
    return {"heads": heads, HIDDEN: hidden, DROPOUT: drops}


def sized(body: Graph) -> Exposed:
    """What a drawn cell exposes: the size of its state."""
    return {"units": set_by(body, "Dense", "units")}


def build(
    name: str,
    title: str,
    about: str,
    parts: list[tuple[Layers, Wires]],
    exposed: Callable[[Graph], Exposed],
    kind: type[Defined] = Subgraph,
) -> Graph:
    """The graph of a block from nodes and wires between first outputs and inputs.

    `exposed` names what its instances may set. `kind` is the type of the node that stands for it.
    An input is `node` for the first one that is free or takes several wires, else `node.port`.
    """
    body = Graph()
    for layers, _ in parts:
        # inside a cell a name says more than Dense, and tells the ports apart
        names = {id: id if kind is Scan else "" for id in layers}
        nodes = (Node(id, each, name=names[id]) for id, each in layers.items())
        Batch(tuple(map(AddNode, nodes))).apply(body)
    for _, wires in parts:
        for source, target in wires:
            id, _, port = target.partition(".")
            output = body.ports_out(source)[0].name
            wire = connect(body, source, output, id, port or body.ports_in(id)[0].name)
            Connect(wire).apply(body)
    offers = tuple(Exposure(each, places) for each, places in exposed(body).items())
    made = Graph()
    edits = [
        Define(name, replace(Drawing.of(body), exposed=offers)),
        AddNode(Node("block", kind(definition=name), name=title)),
        SetNote(Note("about", about)),
    ]
    Batch(tuple(edits)).apply(made)
    return made


def encoder(causal: bool = False) -> Graph:
    """Self-attention, then a hidden layer, each behind a norm and beside a wire past it."""
    about = (
        "Steps of a sequence look at each other, then each by itself goes through a hidden layer "
        f"(Vaswani et al. 2017, with norms first: Xiong et al. 2020). {FEED_FORWARD}"
    )
    parts = [
        ({"x": op("Input"), "y": op("Output")}, []),
        attending(1, "x", causal=causal),
        feeding(2, "sum1"),
        ({}, [("sum2", "y")]),
    ]
    return build("TransformerEncoderBlock", "Transformer encoder block", about, parts, transforming)


def decoder() -> Graph:
    """Causal self-attention, attention to another sequence, then a hidden layer."""
    about = (
        "Steps look at those before them, then at the source, such as what an encoder gives, then "
        "each goes through a hidden layer (Vaswani et al. 2017, with norms first: Xiong et al. "
        f"2020). {FEED_FORWARD}"
    )
    layers, wires = attending(2, "sum1")
    # ports are sorted by name: what is decoded comes first, so the block can be repeated
    ports = {"sequence": op("Input"), "source": op("Input"), "y": op("Output")}
    parts = [
        (ports, []),
        attending(1, "sequence", causal=True),
        (layers, [*wires, ("source", "attention2.context")]),
        feeding(3, "sum2"),
        ({}, [("sum3", "y")]),
    ]
    return build("TransformerDecoderBlock", "Transformer decoder block", about, parts, transforming)


WIDER = "The size of the state is its setting units."


def weighing(gate: str, inner: bool = True) -> tuple[Layers, Wires]:
    """The sum of weighted inputs and weighted state, gate_x(x) + gate_h(h), as gate_sum."""
    layers = {
        f"{gate}_x": op("Dense", units=UNITS, init="glorot_uniform"),
        f"{gate}_h": op("Dense", units=UNITS, init="orthogonal"),
    }
    wires = [("x", f"{gate}_x"), ("h", f"{gate}_h")]
    if inner:
        layers[f"{gate}_sum"] = op("Add")
        wires += [(f"{gate}_x", f"{gate}_sum"), (f"{gate}_h", f"{gate}_sum")]
    return layers, wires


def ends(*states: str) -> tuple[Layers, Wires]:
    """The ports of a cell: one step, and each state before and after it."""
    layers = {"x": op("Input")}
    for state in states:
        layers |= {state: op("Input"), f"{state}_next": op("Output")}
    return layers, []


def elman() -> Graph:
    """tanh of weighted input and state."""
    about = (
        "A recurrent cell drawn from parts and run at every step of a sequence: the new state is "
        "tanh of the weighted sum of the step and the state before (Elman 1990); as the layer RNN. "
        f"{WIDER}"
    )
    chain = [("s_sum", "tanh"), ("tanh", "h_next")]
    parts = [ends("h"), weighing("s"), ({"tanh": op("Tanh")}, chain)]
    return build("ElmanCell", "Elman cell, drawn", about, parts, sized, Scan)


def gru() -> Graph:
    """Gates decide what of the state is renewed."""
    about = (
        "A gated recurrent unit drawn from parts and run at every step of a sequence (Cho et al. "
        "2014): the gate r says how much of the state the new values see, z how much of the state "
        f"is kept; as the layer GRU. {WIDER}"
    )
    layers = {
        "r": op("Sigmoid"),
        "z": op("Sigmoid"),
        "seen": op("Multiply"),
        "n_sum": op("Add"),
        "n": op("Tanh"),
        "change": op("Subtract"),
        "kept": op("Multiply"),
        "state": op("Add"),
    }
    wires = [
        ("r_sum", "r"),
        ("z_sum", "z"),
        ("r", "seen.a"),
        ("n_h", "seen.b"),
        ("n_x", "n_sum"),
        ("seen", "n_sum"),
        ("n_sum", "n"),
        # (1 − z)·n + z·h = n + z·(h − n)
        ("h", "change.a"),
        ("n", "change.b"),
        ("z", "kept.a"),
        ("change", "kept.b"),
        ("n", "state"),
        ("kept", "state"),
        ("state", "h_next"),
    ]
    gates = [weighing("r"), weighing("z"), weighing("n", inner=False)]
    parts = [ends("h"), *gates, (layers, wires)]
    return build("GRUCell", "GRU cell, drawn", about, parts, sized, Scan)


def lstm() -> Graph:
    """Gates decide what a memory keeps, takes in and shows."""
    about = (
        "A long short-term memory drawn from parts and run at every step of a sequence (Hochreiter "
        "& Schmidhuber 1997; Gers et al. 2000): two states, the memory c and what it shows, h; as "
        f"the layer LSTM. {WIDER}"
    )
    layers = {name: op("Sigmoid") for name in ("i", "f", "o")}
    layers |= {"g": op("Tanh"), "taken": op("Multiply"), "kept": op("Multiply")}
    layers |= {"memory": op("Add"), "tanh": op("Tanh"), "shown": op("Multiply")}
    wires = [
        *((f"{gate}_sum", gate) for gate in "ifgo"),
        ("i", "taken.a"),
        ("g", "taken.b"),
        ("f", "kept.a"),
        ("c", "kept.b"),
        ("taken", "memory"),
        ("kept", "memory"),
        ("memory", "c_next"),
        ("memory", "tanh"),
        ("o", "shown.a"),
        ("tanh", "shown.b"),
        ("shown", "h_next"),
    ]
    parts = [ends("h", "c"), *map(weighing, "ifgo"), (layers, wires)]
    return build("LSTMCell", "LSTM cell, drawn", about, parts, sized, Scan)


def widening(body: Graph) -> Exposed:
    """What a hidden layer exposes."""
    return {HIDDEN: set_by(body, "Dense", "units"), DROPOUT: set_by(body, "Dropout", "p")}


def hidden() -> Graph:
    """A hidden layer behind a norm and beside a wire past it."""
    about = (
        "A hidden layer with a wire past it, so that many can stand one behind the other "
        "(Gorishniy et al. 2021). Vectors, and steps of a sequence, of any length; it is "
        f"{TIMES} times as wide inside, unless you set its hidden units."
    )
    parts = [
        ({"x": op("Input"), "y": op("Output")}, []),
        feeding(1, "x"),
        ({}, [("sum1", "y")]),
    ]
    return build("ResidualDenseBlock", "Residual dense block", about, parts, widening)


def windows(number: int, **settings: object) -> Layers:
    """A convolution and a norm: the nodes conv1, norm1 …"""
    conv = op("Conv2d", bias=False, init="he_normal", **settings)
    return {f"conv{number}": conv, f"norm{number}": op("BatchNorm")}


def convolving(body: Graph) -> Exposed:
    """What a convolution exposes."""
    return {name: set_by(body, "Conv2d", name) for name in ("filters", "kernel", "stride")}


def convolution() -> Graph:
    """A convolution, a norm and a ReLU."""
    about = (
        "A convolution, batch normalisation, then a ReLU (Ioffe & Szegedy 2015). Images of any "
        "size and number of channels; filters, kernel and stride are its settings."
    )
    layers = {"x": op("Input"), **windows(1), "relu1": op("ReLU"), "y": op("Output")}
    parts = [(layers, list(pairwise(layers)))]
    return build("ConvBlock", "Convolution block", about, parts, convolving)


def residual() -> Graph:
    """Two convolutions with a wire past them."""
    about = (
        "Two convolutions with a wire past them, so that many can stand one behind the other (He "
        "et al. 2016, the basic block). Images of any size and number of channels, which stay as "
        "they are."
    )
    layers = {"x": op("Input"), **windows(1, filters=None), "relu1": op("ReLU")}
    layers |= {**windows(2, filters=None), "sum": op("Add")}
    layers |= {"relu2": op("ReLU"), "y": op("Output")}
    parts = [(layers, [("x", "conv1"), ("x", "sum"), *list(pairwise(layers))[1:]])]

    def kernels(body: Graph) -> Exposed:
        return {"kernel": set_by(body, "Conv2d", "kernel")}

    return build("ResidualConvBlock", "Residual convolution block", about, parts, kernels)


def blocks() -> Iterator[tuple[str, Graph]]:
    """The name of each block's file, and its graph."""
    yield "transformer-encoder", encoder()
    yield "transformer-decoder", decoder()
    yield "elman-cell", elman()
    yield "gru-cell", gru()
    yield "lstm-cell", lstm()
    yield "residual-dense", hidden()
    yield "convolution", convolution()
    yield "residual-convolution", residual()


def main() -> int:
    """Write every block."""
    for name, made in blocks():
        save(made, FOLDER / f"{name}.loom")
    return 0


if __name__ == "__main__":
    sys.exit(main())
