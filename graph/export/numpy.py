"""A graph as one NumPy file: forward pass, backward pass and optimizer written out.

The text comes from the lowered programs, the same rows that every back end runs, so whatever trains
in Netloom can be exported. Needs NumPy only (and scikit-learn for its digits).
"""

from __future__ import annotations

from collections.abc import Mapping

from graph.export.data import TableFacts, batches_source, data_section, split_source
from graph.export.monitors import COUNT_LOSS
from graph.export.names import literal, words
from graph.export.numpy_helpers import HELPERS, needed
from graph.export.numpy_model import (
    evaluate_function,
    predict_function,
    rule_functions,
    step_function,
)
from graph.export.numpy_train import (
    INITIALISERS,
    LOAD_MODEL,
    initial_params_function,
    initial_slots_function,
    main_function,
    train_function,
)
from graph.export.outline import Outline
from graph.export.randomness import RANDOMNESS, TITLE
from graph.export.source import Source, canvas_notes, imports, script_constants
from graph.graph import Graph

_OWN = """
    np math json csv hashlib Path load_digits DTYPE SEED EPOCHS BATCH_SIZE WEIGHTS CLASSES FEATURES
    PLACES TABLE TARGET_SCALE n g key gradients params slots batch step epoch steps predict
    train_step evaluate train main load_model load_data split shares batches initial_params
    initial_slots encode in_units best best_epoch kept
"""
# names of the file itself that a function written from rows must not hide
TAKEN = frozenset({*words(_OWN), *HELPERS, *RANDOMNESS, *INITIALISERS, *COUNT_LOSS})
THIRD_PARTY = {
    "np": "import numpy as np",
    "load_digits": "from sklearn.datasets import load_digits",
}
SCRIPT = ['if __name__ == "__main__":', "    main()"]


def export_numpy(graph: Graph, title: str, tables: Mapping[str, TableFacts]) -> list[str]:
    """The file's lines; see `graph.export.export`."""
    outline = Outline(graph, TAKEN)
    about = [
        "`load_model()` reads the trained weights from the safetensors file beside this one, and",
        "`predict` uses them.",
    ]
    if outline.trains:
        about = ["Run as a script it trains the model and prints the losses.", *about]
    source = Source(title, about, _constants(outline))
    source.functions += canvas_notes(outline)
    source.add(predict_function(outline))
    source.add(LOAD_MODEL.splitlines())
    if outline.trains:
        _add_training(source, outline, tables)
    source.functions += [
        text.splitlines() for text in needed(source.body(), outline.finishers.sources())
    ]
    source.functions += outline.cells.written
    helpers = needed(source.body())
    body = source.body() + "\n".join(helpers)
    source.sections = [("Building blocks", helpers), (TITLE, needed(body, RANDOMNESS))]
    if outline.trains:
        source.ending = SCRIPT
    return source.lines(imports(source.body(), THIRD_PARTY))


def _add_training(source: Source, outline: Outline, tables: Mapping[str, TableFacts]) -> None:
    source.add(evaluate_function(outline))
    for phase in outline.model.phases:
        source.add(step_function(outline, phase))
    source.functions += rule_functions(outline)
    for write in (
        initial_params_function,
        initial_slots_function,
        train_function,
        main_function,
    ):
        source.add(write(outline))
    source.functions += [t.splitlines() for t in needed(source.body(), INITIALISERS | COUNT_LOSS)]
    data = data_section(outline, tables)
    source.constants += data.constants
    source.functions += data.functions
    source.functions += [text.splitlines() for text in split_source(outline)]
    source.add(batches_source(outline).splitlines())


def _constants(outline: Outline) -> list[str]:
    if not outline.trains:
        kind = outline.graph.training.precision
        return [*script_constants(outline, trains=False), f"DTYPE = np.{kind}"]
    values = outline.model.live
    live = [f"{name} = {literal(values[key])}" for key, name in outline.live_names.items()]
    return [*script_constants(outline, trains=True), *live]
