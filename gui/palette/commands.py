"""What the command palette offers: every action, node type, node, document and recent file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QKeySequence

from gui.actions import Entry
from gui.app import App
from gui.document import Document
from gui.library.shelf import Item, shelf
from gui.palette.fuzzy import Field


@dataclass(frozen=True)
class Command:
    """One thing to do; `id` is remembered, `group` heads it while nothing is typed."""

    id: str
    title: str
    run: Callable[[], object]
    group: str
    detail: str = ""
    keys: str = ""
    icon: str = ""
    family: str = ""
    enabled: bool = True
    fields: tuple[Field, ...] = ()


@dataclass
class Places:
    """What the window lends the palette; each does nothing until it is set."""

    add: Callable[[Item], object] = lambda item: None
    open_file: Callable[[Path], object] = lambda path: None
    recent_files: Callable[[], Sequence[Path]] = tuple


def commands(app: App, places: Places) -> list[Command]:
    """Everything there is to do now, in the order in which it is listed."""
    app.actions.refresh()
    document = app.desk.current
    return [
        *(_of_action(entry) for entry in app.actions),
        *(_of_item(item, places) for item in _items(document)),
        *_documents(app, places),
        *(_nodes(app, document) if document else ()),
    ]


def _of_action(entry: Entry) -> Command:
    title = entry.action.text().replace("&", "").removesuffix("…")
    return Command(
        f"action/{entry.id}",
        title,
        entry.action.trigger,
        "Commands",
        entry.menu,
        keys_text(entry.action.shortcut()),
        entry.icon,
        enabled=entry.action.isEnabled(),
        fields=(Field(title), Field(entry.menu, 0.5), *_words(entry.words)),
    )


def _words(words: str) -> tuple[Field, ...]:
    return (Field(words, 0.7, loose=False),) if words else ()


def keys_text(keys: QKeySequence) -> str:
    """A key as people read it: "Ctrl Shift Z"; empty when there is none."""
    text = keys.toString(QKeySequence.SequenceFormat.NativeText)
    return re.sub(r"\+(?=.)", " ", text).replace("Return", "Enter")


def _items(document: Document | None) -> list[Item]:
    return shelf(document.graph, document.into) if document else shelf()


def _of_item(item: Item, places: Places) -> Command:
    title = f"Add {item.title}"
    return Command(
        f"add/{item.name}",
        title,
        lambda: places.add(item),
        "Nodes",
        item.category if item.category != item.title else "",
        icon=item.icon,
        family=item.family,
        # under its whole name, so that "dense" finds it as well as "add dense"
        fields=(
            Field(title, loose=False),
            *(Field(f.text, 0.95 * f.weight, f.loose) for f in item.fields),
        ),
    )


def _documents(app: App, places: Places) -> Iterator[Command]:
    desk, known = app.desk, {document.path for document in app.desk.documents}
    for document in desk.documents:
        if document is not desk.current:
            title = f"Show {document.title}"
            yield Command(
                f"document/{document.title}",
                title,
                lambda document=document: desk.show(document),  # type: ignore[misc]
                "Documents",
                "open",
                icon="file",
                fields=(Field(title), Field(document.title, 0.95)),
            )
    for path in places.recent_files():
        if path not in known:
            title = f"Open {path.stem}"
            yield Command(
                f"file/{path}",
                title,
                lambda path=path: places.open_file(path),  # type: ignore[misc]
                "Documents",
                path.parent.name,
                icon="clock",
                fields=(Field(title), Field(path.stem, 0.95)),
            )


def _nodes(app: App, document: Document) -> Iterator[Command]:
    for into in ["", *sorted(document.graph.definitions)]:
        for node in sorted(document.graph.drawing(into), key=lambda node: node.id):
            title = f"Go to {node.label}"
            view = document.view.by_id.get(node.id) if into == document.into else None
            kind = type(node.op).title or type(node.op).__name__
            yield Command(
                f"node/{into}/{node.id}",
                title,
                lambda into=into, id=node.id: app.desk.jump(id, into),  # type: ignore[misc]
                "In this graph",
                f"{into} · {kind}" if into else kind,
                icon=view.icon if view else "fit",
                family=node.op.family if view else "",
                fields=(Field(title, loose=False), Field(node.label, 0.95), Field(kind, 0.6)),
            )
