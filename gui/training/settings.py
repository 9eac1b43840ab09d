"""What the training bar edits: epochs, batch size, seed and the learning rate of a document."""

from __future__ import annotations

import dataclasses

from graph import edits
from graph.formula import FormulaError, number
from graph.graph import Node
from graph.op import SettingError
from graph.ops.metric import metric_names
from graph.rules import EditError
from graph.stepping import batch_size
from gui.document import Document

RATE = "learning_rate"
ALL = "all"  # how a batch size of 0 is shown and typed


def batch_text(document: Document) -> str:
    """The samples of a step."""
    return str(batch_size(document.graph) or ALL)


def set_training(document: Document, name: str, text: str) -> str:
    """Change a whole number of the training section; what is wrong with the text, or ""."""
    try:
        value = 0.0 if text.strip() == ALL else number(text.replace(",", ""))
        whole = int(value) if value == int(value) else value
        training = dataclasses.replace(document.graph.training, **{name: whole})  # type: ignore[arg-type]
    except (FormulaError, SettingError, OverflowError, ValueError) as error:
        return str(error)
    if training != document.graph.training:
        document.push(edits.SetTraining(training), key=f"training/{name}")
    return ""


def rate_node(document: Document) -> Node | None:
    """The optimizer whose learning rate the bar shows: the first of the graph."""
    for node in document.graph:
        if node.op.role == "optimizer" and RATE in node.op.live_settings():
            return node
    return None


def set_rate(document: Document, text: str) -> str:
    """Change the learning rate; what is wrong with the text, or ""."""
    node = rate_node(document)
    if node is None:
        return "found no optimizer, expected one; add one, such as Adam"
    try:
        op = dataclasses.replace(node.op, **{RATE: number(text)})
        if op != node.op:
            document.push(edits.SetOp(node.id, op), key=f"op/{node.id}/{RATE}")
    except (FormulaError, SettingError, EditError, OverflowError, ValueError) as error:
        return str(error)
    return ""


def expected_metrics(document: Document) -> list[str]:
    """Names of the metrics that the graph measures, as runs call them."""
    metrics = {node.id: node.op for node in document.graph if node.op.role == "metric"}
    return list(metric_names(metrics).values())
