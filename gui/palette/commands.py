"""What the command palette offers: every action, node type, node, document and recent file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from PySide6.QtGui import QKeySequence

from graph.graph import Node
from gui.actions import Entry
from gui.app import App
from gui.document import Document
from gui.library.shelf import Item, shelf
from gui.palette.fuzzy import Field, Found
from gui.palette.index import Column, Index

GO, NODE = "Go to ", "node/"  # begin the title and the id of a node's command
_SOUGHT = ((1.0, False), (0.95, True), (0.6, True))  # its texts: weight, looseness


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
    """Everything there is to do now but going to nodes, in the order in which it is listed."""
    app.actions.refresh()
    return [
        *(_of_action(entry) for entry in app.actions),
        *(_of_item(item, places) for item in _items(app.desk.current)),
        *_documents(app, places),
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
            name, run = document.title, partial(desk.show, document)
            yield _file(f"document/{name}", "Show", name, run, "open", "file")
    for path in places.recent_files():
        if path not in known:
            begin = partial(places.open_file, path)
            yield _file(f"file/{path}", "Open", path.stem, begin, path.parent.name, "clock")


def _file(
    id: str, verb: str, name: str, run: Callable[[], object], detail: str, icon: str
) -> Command:
    title = f"{verb} {name}"
    fields = Field(title), Field(name, 0.95)
    return Command(id, title, run, "Documents", detail, icon=icon, fields=fields)


class Nodes:
    """The nodes of a document as places to go to, maybe ten thousand: a Command is made of those
    that are shown, and they can be searched from the first search on.
    """

    def __init__(self, app: App, document: Document | None) -> None:
        self._app, self._document = app, document
        self._nodes: list[tuple[str, Node]] = []
        if document is not None:
            for into in ["", *sorted(document.graph.definitions)]:
                nodes = sorted(document.graph.drawing(into), key=lambda node: node.id)
                self._nodes += [(into, node) for node in nodes]

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, place: int) -> Command:
        into, node = self._nodes[place]
        document, texts, kind = self._document, _texts(node), _kind(node)
        assert document is not None
        view = document.view.by_id.get(node.id) if into == document.into else None
        return Command(
            f"{NODE}{into}/{node.id}",
            texts[0],
            lambda: self._app.desk.jump(node.id, into),
            "In this graph",
            f"{into} · {kind}" if into else kind,
            icon=view.icon if view else "fit",
            family=node.op.family if view else "",
            fields=tuple(Field(t, *how) for t, how in zip(texts, _SOUGHT, strict=True)),
        )

    def known(self, ids: Iterable[str]) -> list[Command]:
        """Those of some ids of commands that are nodes."""
        wanted = {id.removeprefix(NODE) for id in ids if id.startswith(NODE)}
        found = (wanted and f"{into}/{node.id}" in wanted for into, node in self._nodes)
        return [self[place] for place, there in enumerate(found) if there]

    def rank(self, query: str, most: int) -> list[tuple[Command, Found]]:
        """The `most` that fit best, best first."""
        return [(self[place], found) for place, found in self._index.rank(query, most)]

    @cached_property
    def _index(self) -> Index:
        texts = [_texts(node) for _, node in self._nodes]
        columns = zip(*texts, strict=True) if texts else ((), (), ())
        return Index([Column(c, *how) for c, how in zip(columns, _SOUGHT, strict=True)])


def _texts(node: Node) -> tuple[str, str, str]:
    """What a node is found by."""
    label = node.label
    return f"{GO}{label}", label, _kind(node)


def _kind(node: Node) -> str:
    return type(node.op).title or type(node.op).__name__
