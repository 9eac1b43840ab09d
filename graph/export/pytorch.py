"""A graph as one PyTorch file: a module that follows the drawing, and a script that trains it."""

from __future__ import annotations

from collections.abc import Mapping

from graph.export import expression as ex
from graph.export.data import TableFacts, batches_source, data_section, split_source
from graph.export.monitors import COUNT_LOSS
from graph.export.names import Namespace, literal, words
from graph.export.numpy_helpers import needed
from graph.export.outline import Outline
from graph.export.pytorch_model import ModelClass, model_class
from graph.export.pytorch_scores import TAKE, evaluate_function
from graph.export.pytorch_sequences import SEQUENCES
from graph.export.pytorch_train import SUMS, main_function, train_function
from graph.export.pytorch_weights import (
    HELPERS,
    INITIALISERS,
    initial_model_function,
    load_model_function,
    plain_keys,
)
from graph.export.randomness import RANDOMNESS, TITLE
from graph.export.source import Source, canvas_notes, imports, script_constants
from graph.graph import Graph

_OWN = """
    np math csv hashlib Path load_digits torch nn F DTYPE SEED EPOCHS BATCH_SIZE WEIGHTS WEIGHT_KEYS
    CLASSES FEATURES PLACES TABLE TARGET_SCALE n model Model batch step epoch steps data samples
    chosen place losses loss prediction evaluate train main load_model initial_model load_data
    load_file split shares batches take encode in_units optimizer schedule layer
    scores validation trained mean means best best_epoch kept totals sizes
"""
# names of the file itself that those of the drawing must not hide
TAKEN = frozenset(
    {*words(_OWN), *HELPERS, *RANDOMNESS, *INITIALISERS, *SEQUENCES, *SUMS, *COUNT_LOSS}
)
THIRD_PARTY = {
    "np": "import numpy as np",
    "torch": "import torch",
    "load_digits": "from sklearn.datasets import load_digits",
    "nn": "from torch import nn",
    "F": "from torch.nn import functional as F",
}
RANDOM_MASKS = [
    "Dropout draws its masks with PyTorch's generator, so the losses of a training with dropout",
    "are not those of Netloom to the digit; without dropout they are.",
]


def export_pytorch(graph: Graph, title: str, tables: Mapping[str, TableFacts]) -> list[str]:
    """The file's lines; see `graph.export.export`."""
    outline = Outline(graph, TAKEN)
    model = model_class(outline, Namespace(outline.taken), outline.summary())
    source = Source(title, _about(outline), script_constants(outline, trains=outline.trains))
    if not plain_keys(model, outline):
        source.constants += _weight_keys(model)
    source.functions += canvas_notes(outline)
    place = len(source.functions)
    for lines in model.classes:
        source.add(lines)
    source.add(load_model_function(outline, model))
    if outline.trains:
        _add_training(source, outline, model, tables)
    called = [text.splitlines() for text in needed(source.body(), SEQUENCES)]
    # losses have added theirs by now
    source.functions[place:place] = [*called, *model.customs.written]
    source.sections = [(TITLE, needed(source.body(), RANDOMNESS))]
    return source.lines(imports(source.body(), THIRD_PARTY))


def _about(outline: Outline) -> list[str]:
    about = [
        "`load_model()` gives the trained model; its weights are in the safetensors file beside",
        "this one.",
    ]
    if not outline.trains:
        return about
    phases = [outline.model.program(phase.name, 2) for phase in outline.model.phases]
    noisy = any(row.op == "random_uniform" for program in phases for row in program.rows)
    run = ["Run as a script it trains the model and prints the losses."]
    return [*run, *about, *(["", *RANDOM_MASKS] if noisy else [])]


def _weight_keys(model: ModelClass) -> list[str]:
    """The name of each weight in the file, where the modules are called otherwise."""
    return [
        "# what the weights file calls the weights of each module",
        *ex.statement("WEIGHT_KEYS = ", ex.parse(literal(model.state))),
    ]


def _add_training(
    source: Source, outline: Outline, model: ModelClass, tables: Mapping[str, TableFacts]
) -> None:
    for lines in (
        train_function(outline, model),
        evaluate_function(outline, model),
        main_function(outline),
        initial_model_function(outline, model),
    ):
        source.add(lines)
    own = outline.finishers.sources()
    helpers = needed(source.body(), {**own, **INITIALISERS, **HELPERS, **SUMS, **COUNT_LOSS})
    source.functions += [text.splitlines() for text in helpers]
    data = data_section(outline, tables)
    source.constants += data.constants
    source.functions += data.functions
    source.add(TAKE.splitlines())
    source.functions += [text.splitlines() for text in split_source(outline)]
    source.add(batches_source(outline).splitlines())
    source.ending = ['if __name__ == "__main__":', "    main()"]
