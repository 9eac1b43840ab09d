"""The page of all node types: a Markdown table for each category, read off the classes.

`netloom nodes --markdown` writes it; docs/nodes.md is a copy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from graph.catalog import Entry, SettingEntry, catalog
from graph.op import REGISTRY, Bad, Op
from graph.ops.metric import Metric

HEAD = """# Node types

What each node computes, its settings with their defaults, and its counterpart in PyTorch, where
`F` is `torch.nn.functional`. `netloom nodes --markdown` writes this page; how each was checked
stands on [another](nodes-checked.md).
"""
COLUMNS = ("Node", "What it computes", "Settings", "PyTorch")
LONGEST = 64  # letters of an expression that is shown whole
_METHOD = re.compile(r"(?!(?:torch|F)\.)\w+\.(\w+)\([^()]*\)")
_CALLED = re.compile(r"\b(?:torch|nn|F)(?:\.\w+)+(?=\()")


def nodes_page() -> str:
    """The page, category by category in the order of the palette."""
    groups = groupby(catalog(), lambda found: found["category"])
    return HEAD + "".join(_section(name, list(members)) for name, members in groups)


def _section(category: str, entries: list[Entry]) -> str:
    shared = _shared(entries)
    lines = ["", f"## {category}", ""]
    if shared:
        lines += [f"All of them: {_settings(shared)}.", ""]
    lines += [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
    for found in entries:
        own = [s for s in found["settings"] if s not in shared]
        name = f"`{found['name']}`"
        title = name if found["title"] == found["name"] else f"{found['title']} {name}"
        lines.append(_row((title, found["tip"], _settings(own), _torch(REGISTRY[found["name"]]))))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _shared(entries: list[Entry]) -> list[SettingEntry]:
    """Settings that every one of several node types has in the same way."""
    if len(entries) < 3:
        return []
    first, *others = (found["settings"] for found in entries)
    return [s for s in first if all(s in settings for settings in others)]


def _settings(found: list[SettingEntry]) -> str:
    """Names and defaults, without those that only a file fills (a table's columns)."""
    shown = (s for s in found if not isinstance(s["default"], dict))
    return ", ".join(f"{s['name']} {_default(s['default'])}" for s in shown)


def _default(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "none" if value is None else "yes" if value else "no"
    if isinstance(value, list):
        return f"({', '.join(map(_default, value))})" if value else "empty"
    return str(value) or "empty"


def _torch(kind: type[Op]) -> str:
    """The module, function or method in PyTorch, or the expression when it is short."""
    if kind.role in ("optimizer", "schedule"):
        return _names(kind.torch)
    if issubclass(kind, Metric) and kind.finishes():
        return "a function"  # the templates only say what it is made of
    modules, calls = [], []
    for sample in kind.samples:
        if isinstance(sample, Bad):
            continue
        node = kind(**sample.settings)
        types = [wire for wires in sample.types().values() for wire in wires]
        modules.append(node.module_template(*types))
        calls.append(node.call_template(*types))
    if modules and modules[0]:
        return _names(" ".join(modules))
    text = calls[0].replace("{", "").replace("}", "") if calls else ""
    if method := _METHOD.fullmatch(text):
        return f"`Tensor.{method[1]}`"
    if _CALLED.match(text) and text.endswith(")"):
        return _names(text)
    if "module" in text or not re.search(r"\W", text):
        return ""
    return f"`{text}`" if len(text) <= LONGEST else "an expression"


def _names(text: str) -> str:
    """The functions and classes of PyTorch that a text calls, each once."""
    return ", ".join(f"`{name}`" for name in dict.fromkeys(_CALLED.findall(text)))
