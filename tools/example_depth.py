"""Examples that compare nets side by side, or show what depth does to gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graph.graph import Graph
from graph.training import Split, Training
from tools.drawn import Layer, Port, add, begin, build, call, chain, judge, link, optimise

HELD_OUT = Split(validation=0.2)


def side_by_side(
    branches: Mapping[str, Sequence[Layer]],
    optimizers: Mapping[str, Layer],
    training: Training,
    definitions: Mapping[str, Graph] | None = None,
) -> Graph:
    """Nets that read the same digits in the same batches, each with a loss and a metric.

    The layers of a branch begin with its name. One optimizer trains all, or each has its own.
    """
    graph = begin(training, ("digits", "Digits", {}))
    graph.definitions.update(definitions or {})
    pixels = chain(graph, ("digits", "image"), [("flatten", "Flatten", {})])
    for name, layers in branches.items():
        scores = chain(graph, pixels, [(f"{name}_{id}", type_, set) for id, type_, set in layers])
        graph.set_node(replace(graph.node(scores[0]), collapsed=True))  # lanes stay low
        compare(graph, name, scores)
    every = [f"{name}_loss" for name in branches]
    for name, optimizer in optimizers.items():
        optimise(graph, [f"{name}_loss"] if name in branches else every, optimizer)
    return graph


def stacked(stacks: Mapping[str, Sequence[Layer]], optimizer: Layer, training: Training) -> Graph:
    """Deep nets side by side, the hidden layers of each in a block: its depth is seen inside, and
    the race as a whole.
    """
    branches: dict[str, list[Layer]] = {
        name: [("layers", "Subgraph", {"definition": name}), ("scores", "Dense", {"units": 10})]
        for name in stacks
    }
    definitions = {name: _stack(layers) for name, layers in stacks.items()}
    graph = side_by_side(branches, {optimizer[0]: optimizer}, training, definitions)
    for name in stacks:
        call(graph, f"{name}_layers", f"Layers, {name}")
    return graph


def _stack(layers: Sequence[Layer]) -> Graph:
    block = Graph()
    add(block, ("input", "Input", {}))
    end = chain(block, ("input", "y"), layers)
    add(block, ("output", "Output", {}))
    link(block, end, ("output", "x"))
    return block


def compare(graph: Graph, name: str, scores: Port) -> None:
    """Add a loss and a metric for the scores of one net among several."""
    loss: Layer = (f"{name}_loss", "CrossEntropy", {})
    judge(graph, scores, "digits", loss, (f"{name}_accuracy", "Accuracy", {}))
    call(graph, f"{name}_loss", f"Loss, {name}")
    call(graph, f"{name}_accuracy", f"Accuracy, {name}")


def optimizers_race() -> Graph:
    """Four optimizers train the same small net on the same batches."""
    net: list[Layer] = [
        ("hidden", "Dense", {"units": 32, "init": "glorot_uniform"}),
        ("tanh", "Tanh", {}),
        ("scores", "Dense", {"units": 10, "init": "glorot_uniform"}),
    ]
    rates: dict[str, Layer] = {
        "sgd": ("sgd", "SGD", {"learning_rate": 0.02}),
        "momentum": ("momentum", "SGD", {"learning_rate": 0.02, "momentum": 0.9}),
        "rmsprop": ("rmsprop", "RMSprop", {"learning_rate": 0.002}),
        "adam": ("adam", "AdamW", {"learning_rate": 0.005}),
    }
    branches = dict.fromkeys(rates, net)
    return side_by_side(branches, rates, Training(epochs=10, batch_size=32, split=HELD_OUT))


def activations_race() -> Graph:
    """Four activations in nets of six hidden layers."""
    activations = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "gelu": "GELU"}
    stacks = {name: _deep(6, 32, type_, "glorot_uniform") for name, type_ in activations.items()}
    adam: Layer = ("optimizer", "Adam", {"learning_rate": 0.002})
    return stacked(stacks, adam, Training(epochs=15, batch_size=32, split=HELD_OUT))


def batchnorm_deep() -> Graph:
    """Ten sigmoid layers with batch normalisation, and the same without."""
    stacks = {
        "plain": _deep(10, 32, "Sigmoid", "glorot_uniform"),
        "normalised": _deep(10, 32, "Sigmoid", "glorot_uniform", norm=True),
    }
    adam: Layer = ("optimizer", "Adam", {"learning_rate": 0.003})
    return stacked(stacks, adam, Training(epochs=20, batch_size=32, split=HELD_OUT))


def vanishing() -> Graph:
    """Ten sigmoid layers by plain gradient descent: the first ones hardly learn."""
    return build(
        ("digits", "Digits", {}),
        [
            ("flatten", "Flatten", {}),
            *_deep(10, 32, "Sigmoid", "glorot_uniform"),
            ("scores", "Dense", {"units": 10}),
        ],
        ("loss", "CrossEntropy", {}),
        ("accuracy", "Accuracy", {}),
        [("sgd", "SGD", {"learning_rate": 0.1})],
        Training(epochs=20, batch_size=32, split=HELD_OUT),
    )


def residual_deep() -> Graph:
    """Sixty layers with a way around each, and as many without; both are blocks, repeated."""
    graph = begin(Training(epochs=15, batch_size=32, split=HELD_OUT), ("digits", "Digits", {}))
    pixels = chain(graph, ("digits", "image"), [("flatten", "Flatten", {})])
    for name in ("plain", "residual"):
        block = f"{name}_layer"
        graph.definitions[block] = _block(around=name == "residual")
        layers: list[Layer] = [
            (f"{name}_first", "Dense", {"units": 32}),
            (f"{name}_layers", "Subgraph", {"definition": block, "repeat": 60}),
            (f"{name}_norm", "LayerNorm", {}),
            (f"{name}_scores", "Dense", {"units": 10}),
        ]
        scores = chain(graph, pixels, layers)
        judge(
            graph,
            scores,
            "digits",
            (f"{name}_loss", "CrossEntropy", {}),
            (f"{name}_accuracy", "Accuracy", {}),
        )
        call(graph, f"{name}_loss", f"Loss, {name}")
        call(graph, f"{name}_accuracy", f"Accuracy, {name}")
    adam: Layer = ("optimizer", "Adam", {"learning_rate": 0.001})
    optimise(graph, ["plain_loss", "residual_loss"], adam)
    return graph


def _block(around: bool) -> Graph:
    """tanh(W·x + b), with the way around it x + tanh(W·x + b)."""
    block = Graph()
    add(block, ("input", "Input", {}))
    inner: list[Layer] = [
        ("dense", "Dense", {"units": 32, "init": "glorot_uniform"}),
        ("tanh", "Tanh", {}),
    ]
    end = chain(block, ("input", "y"), inner)
    if around:
        add(block, ("add", "Add", {}))
        for source in (("input", "y"), end):
            link(block, source, ("add", "x"))
        end = ("add", "y")
    add(block, ("output", "Output", {}))
    link(block, end, ("output", "x"))
    return block


def _deep(count: int, units: int, activation: str, init: str, norm: bool = False) -> list[Layer]:
    layers: list[Layer] = []
    for number in range(1, count + 1):
        layers.append((f"hidden{number}", "Dense", {"units": units, "init": init}))
        if norm:
            layers.append((f"norm{number}", "BatchNorm", {}))
        layers.append((f"{activation.lower()}{number}", activation, {}))
    return layers


def digits_autoencoder() -> Graph:
    """Digits through eight numbers and back."""
    graph = begin(Training(epochs=60, batch_size=32, split=HELD_OUT), ("digits", "Digits", {}))
    image: Port = ("digits", "image")
    drawn = chain(
        graph,
        image,
        [
            ("flatten", "Flatten", {}),
            ("encoder", "Dense", {"units": 32}),
            ("relu1", "ReLU", {}),
            ("code", "Dense", {"units": 8}),
            ("decoder", "Dense", {"units": 32}),
            ("relu2", "ReLU", {}),
            ("pixels", "Dense", {"units": 64}),
            ("sigmoid", "Sigmoid", {}),
            ("picture", "Reshape", {"shape": (1, 8, 8)}),
        ],
    )
    add(graph, ("loss", "MeanSquaredError", {}), ("error", "MeanAbsoluteErrorMetric", {}))
    for id in ("loss", "error"):
        link(graph, drawn, (id, "prediction"))
        link(graph, image, (id, "target"))
    optimise(graph, ["loss"], ("adam", "Adam", {"learning_rate": 0.003}))
    return graph


def two_inputs_two_heads() -> Graph:
    """The two halves of a digit, each read by layers of its own; two answers, two losses."""
    graph = begin(Training(epochs=25, batch_size=32, split=HELD_OUT), ("digits", "Digits", {}))
    image: Port = ("digits", "image")
    halves = {"upper": (0, 4), "lower": (4, 8)}
    read = {
        name: chain(
            graph,
            image,
            [
                (name, "Slice", {"axis": 2, "start": start, "stop": stop}),
                (f"{name}_conv", "Conv2d", {"filters": 8}),
                (f"{name}_relu", "ReLU", {}),
                (f"{name}_flat", "Flatten", {}),
            ],
        )
        for name, (start, stop) in halves.items()
    }
    add(graph, ("both", "Concat", {}))
    for end in read.values():
        link(graph, end, ("both", "x"))
    hidden: list[Layer] = [("hidden", "Dense", {"units": 64}), ("relu", "ReLU", {})]
    shared = chain(graph, ("both", "y"), hidden)
    scores = chain(graph, shared, [("digit", "Dense", {"units": 10})])
    judge(graph, scores, "digits", ("digit_loss", "CrossEntropy", {}), ("right", "Accuracy", {}))
    said = chain(graph, shared, [("ink", "Dense", {"units": 1})])
    true = chain(graph, image, [("true_ink", "GlobalAveragePool2d", {})])
    add(
        graph,
        ("ink_loss", "MeanSquaredError", {"weight": 20.0}),
        ("error", "MeanAbsoluteErrorMetric", {}),
    )
    for id in ("ink_loss", "error"):
        link(graph, said, (id, "prediction"))
        link(graph, true, (id, "target"))
    optimise(graph, ["digit_loss", "ink_loss"], ("adam", "Adam", {"learning_rate": 0.002}))
    return graph


DEPTH = (
    optimizers_race,
    activations_race,
    batchnorm_deep,
    residual_deep,
    vanishing,
    two_inputs_two_heads,
    digits_autoencoder,
)
