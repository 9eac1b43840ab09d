"""Classifiers of images, each with something that a plan has to get right."""

from __future__ import annotations

from graph.graph import Graph, Node
from graph.training import Training
from tests.support.cells import using
from tests.support.small_graphs import draw, moons, op, tied_tokens


def classifier(nodes: dict[str, str | tuple[str, dict[str, object]]], optimizer: str) -> Graph:
    """Layers in a row between the digits and cross-entropy."""
    made = {"data": op("Digits")}
    wires, before = "", "data.image"
    for id, (name, settings) in nodes.items():
        made[id] = op(name, **settings)
        wires += f" {before}>{id}.x"
        before = f"{id}.y"
    made |= {"loss": op("CrossEntropy"), "accuracy": op("Accuracy"), "best": op(optimizer)}
    wires += f" {before}>loss.prediction data.label>loss.target loss.loss>best.loss"
    wires += f" {before}>accuracy.prediction data.label>accuracy.target"
    return draw(made, wires, Training(batch_size=10))


def cnn(optimizer: str = "Adam") -> Graph:
    return classifier(
        {
            "conv1": ("Conv2d", {"filters": 3}),
            "relu1": ("ReLU", {}),
            "pool1": ("MaxPool2d", {}),
            "apart": ("DepthwiseConv2d", {"kernel": 2}),
            "conv2": ("Conv2d", {"filters": 5, "padding": 1, "stride": 2, "bias": False}),
            "norm": ("BatchNorm", {}),
            "relu2": ("ReLU", {}),
            "flat": ("Flatten", {}),
            "dense": ("Dense", {"units": 7}),
            "tanh": ("Tanh", {}),
            "drop": ("Dropout", {"p": 0.3}),
            "top": ("Dense", {"units": 10}),
        },
        optimizer,
    )


def mlp(optimizer: str = "SGD") -> Graph:
    return classifier(
        {
            "flat": ("Flatten", {}),
            "dense1": ("Dense", {"units": 300}),
            "relu1": ("ReLU", {}),
            "dense2": ("Dense", {"units": 257}),
            "relu2": ("ReLU", {}),
            "top": ("Dense", {"units": 10}),
        },
        optimizer,
    )


def normed() -> Graph:
    return classifier(
        {
            "flat": ("Flatten", {}),
            "dense1": ("Dense", {"units": 20, "bias": False}),
            "norm1": ("BatchNorm", {}),
            "relu1": ("ReLU", {}),
            "dense2": ("Dense", {"units": 20}),
            "sigmoid": ("Sigmoid", {}),
            "top": ("Dense", {"units": 10}),
        },
        "Adam",
    )


def undone() -> Graph:
    """Each layer is undone by its own weight before the last one."""
    return classifier(
        {
            "conv": ("Conv2d", {"filters": 3}),
            "again": ("ConvTranspose2d", {"filters": 1, "kernel": 3, "stride": 1, "tie": "conv"}),
            "flat": ("Flatten", {}),
            "down": ("Dense", {"units": 20}),
            "tanh": ("Tanh", {}),
            "up": ("Dense", {"units": 64, "tie": "down", "transposed": True}),
            "top": ("Dense", {"units": 10}),
        },
        "Adam",
    )


def limited() -> Graph:
    drawn = cnn()
    drawn.set_node(Node("best", op("Adam", clip_norm=0.1, clip_value=0.01)))
    return drawn


def walked() -> Graph:
    """Rows of a digit one after the other through a drawn cell, which also says what it makes of
    each; what is before and behind its state is done for all rows at once.
    """
    inside = {"x": op("Input"), "h": op("Input"), "h_next": op("Output"), "y": op("Output")}
    inside |= {"see": op("Dense", units=6), "bend": op("Tanh"), "keep": op("Dense", units=5)}
    inside |= {"read": op("Dense", units=5), "sum": op("Add"), "state": op("Tanh")}
    inside |= {"drop": op("Dropout", p=0.3), "say": op("Dense", units=4), "loud": op("GELU")}
    wires = """x.y>see.x see.y>bend.x bend.y>read.x h.y>keep.x read.y>sum.x keep.y>sum.x
        sum.y>state.x state.y>h_next.x state.y>drop.x drop.y>say.x say.y>loud.x loud.y>y.x"""
    drawn = classifier(
        {
            "rows": ("Reshape", {"shape": (8, 8)}),
            "scan": ("Scan", {"definition": "cell", "reverse": True}),
            "flat": ("Flatten", {}),
            "top": ("Dense", {"units": 10}),
        },
        "Adam",
    )
    return using(drawn, cell=draw(inside, wires))


GRAPHS = {"tied": tied_tokens, "cnn": cnn, "mlp": mlp, "normed": normed, "limited": limited}
GRAPHS["undone"] = undone
GRAPHS["walked"] = walked
GRAPHS["moons"] = lambda: moons(dropout=0.2)
