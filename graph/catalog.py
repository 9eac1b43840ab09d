"""Node types as plain data: what the palette, the inspector and `netloom nodes --json` show.

Everything here is read off the classes in the registry; nothing about a node type is written twice.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from typing import Any, TypedDict

import graph.ops
import graph.subgraph  # noqa: F401  both fill the registry
from graph.op import REGISTRY, Op, Port, annotation, settings_of

# Order of the palette; categories of third parties follow by name.
CATEGORIES = (
    "Data",
    "Dense",
    "Convolution",
    "Embedding",
    "Recurrent",
    "Attention",
    "Activation",
    "Normalisation",
    "Regularise",
    "Shape",
    "Merge",
    "Arithmetic",
    "Loss",
    "Metric",
    "Optimizer",
    "Schedule",
    "Custom",
    "Structure",
)


class PortEntry(TypedDict):
    """A port: `many` takes several wires, `optional` may stay free."""

    name: str
    kind: str
    many: bool
    optional: bool


class SettingEntry(TypedDict):
    """A setting: its Python kind, default and bounds (None where there is none)."""

    name: str
    label: str
    kind: str
    default: Any
    min: float | None
    max: float | None
    above: float | None
    below: float | None
    choices: list[str]
    live: bool
    unit: str
    advanced: bool
    help: str


class Entry(TypedDict):
    """A node type; ports are those of a node with the default settings."""

    name: str
    title: str
    category: str
    family: str
    icon: str
    role: str
    tip: str
    doc: str
    keywords: list[str]
    summary: list[str]
    inputs: list[PortEntry]
    outputs: list[PortEntry]
    settings: list[SettingEntry]


def catalog() -> list[Entry]:
    """Every registered node type, by category in palette order, then by title."""
    entries = [entry(op) for op in REGISTRY.values()]
    return sorted(entries, key=lambda e: (_place(e["category"]), e["category"], e["title"]))


def _place(category: str) -> int:
    return CATEGORIES.index(category) if category in CATEGORIES else len(CATEGORIES)


def entry(op: type[Op]) -> Entry:
    """One node type as plain data, ready for JSON."""
    node = op()
    return {
        "name": op.__name__,
        "title": title(op),
        "category": op.category,
        "family": op.family,
        "icon": op.icon,
        "role": op.role,
        "tip": op.tip(),
        "doc": inspect.cleandoc(op.__doc__ or ""),
        "keywords": list(op.keywords),
        "summary": list(op.summary),
        "inputs": _ports(node.ports_in()),
        "outputs": _ports(node.ports_out()),
        "settings": _settings(node),
    }


def title(op: type[Op]) -> str:
    """What people call the node type."""
    return op.title or op.__name__


def _ports(ports: Sequence[Port]) -> list[PortEntry]:
    return [{"name": p.name, "kind": p.kind, "many": p.many, "optional": p.optional} for p in ports]


def _settings(node: Op) -> list[SettingEntry]:
    return [
        {
            "name": name,
            "label": rule.label or name.replace("_", " "),
            "kind": annotation(type(node), name),
            "default": plain(getattr(node, name)),
            "min": rule.min,
            "max": rule.max,
            "above": rule.above,
            "below": rule.below,
            "choices": list(rule.choices),
            "live": rule.live,
            "unit": rule.unit,
            "advanced": rule.advanced,
            "help": rule.help,
        }
        for name, rule in settings_of(type(node)).items()
        if rule.shown
    ]


def plain(value: object) -> Any:
    """A setting's value as JSON has it: tuples as lists, dataclasses as objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def matches(found: Entry, query: str) -> bool:
    """Whether each word of `query` is in the name, title, category, tip or keywords."""
    shown = (found["name"], found["title"], found["category"], found["tip"], *found["keywords"])
    text = "\n".join(shown).casefold()
    return all(word in text for word in query.casefold().split())
