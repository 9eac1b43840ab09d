"""The search popup: type a few letters of a node, Enter puts it on the canvas, wired where it fits.

So a net can be typed: Tab "dig" Enter, Tab "dense" Enter …
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from graph.op import REGISTRY
from gui import fonts
from gui.app import App
from gui.canvas.describe import shape_text
from gui.canvas.geometry import PORT_Y, Point
from gui.canvas.view import Canvas
from gui.document import Document
from gui.library.add import add_at, add_free, add_linked, bring, width_of
from gui.library.fits import Fits, Link, Loose
from gui.library.shelf import Item, shelf
from gui.palette.finder import Finder
from gui.palette.fuzzy import rank
from gui.palette.memory import Memory, memory
from gui.palette.rows import QUIET, Measures, Row

RECENT = 5  # shown first while nothing is typed
POPUP = 400  # px wide
CLEAR = 20  # px between the popup and the node it has just added
_SIZES = Measures(item=28, head=24, icon_x=8, text_x=32, right=8)


class SearchPopup(Finder):
    """Opens at a point of a canvas, for a wire in the hand or without one."""

    def __init__(self, app: App, remembered: Memory | None = None) -> None:
        super().__init__(app, "Add a node", POPUP, _SIZES, shown=9)
        self._memory = remembered or memory()
        self._document: Document | None = None
        self._canvas: Canvas | None = None
        self._point = Point(0.0, 0.0)
        self._loose: Loose | None = None
        self._fits: Fits | None = None
        self._items: list[Item] = []
        self._links: dict[str, tuple[Link, ...]] = {}
        self.shelf: Callable[[Document], list[Item]] = lambda d: shelf(d.graph, d.into)
        self._about, self._does = QLabel(), QLabel()
        self._build_footer()

    def open_at(self, canvas: Canvas, at: QPoint, loose: Loose | None = None) -> None:
        """Open with its corner at a point of a canvas widget; `loose` is the wire in the hand."""
        self._canvas, self._document = canvas, canvas.document
        self._point = canvas.camera.canvas(at.x(), at.y())
        self._begin(loose)
        window = canvas.window()
        self.show_in(window, canvas.mapTo(window, at))

    def open_for(self, canvas: Canvas, point: Point, loose: Loose | None = None) -> None:
        """Open at a point in canvas coordinates, as `Canvas.library_wanted` tells it."""
        at = canvas.camera.window(point)
        self.open_at(canvas, QPoint(round(at.x), round(at.y)), loose)

    def _begin(self, loose: Loose | None) -> None:
        """Look at the document anew: what there is, and what of it fits."""
        document = self._document
        assert document is not None
        self._loose, self._links = loose, {}
        self._fits = Fits(document.checked, document.into)
        self._items = self.shelf(document)
        if loose is not None:
            fitting = {item.name: self._fits.link(item.op(), loose) for item in self._items}
            self._links = {name: (link,) for name, link in fitting.items() if link}
            self._items = [item for item in self._items if item.name in self._links]
        self.field.setPlaceholderText(self._hint())

    def _hint(self) -> str:
        if self._loose is None or self._fits is None:
            return "Add a node"
        kind = self._fits.type_at(self._loose)
        shape = f" {shape_text(kind)}" if kind is not None else ""
        word = "Takes" if self._loose.side == "output" else "Feeds"
        return f"{word}{shape} · {self._label(self._loose.node)}.{self._loose.port}"

    def _label(self, id: str) -> str:
        assert self._document is not None
        return self._document.drawing.node(id).label

    # The list

    def rows(self, query: str) -> Sequence[Row]:
        if query.strip():
            hits = rank(query, self._items, lambda item: item.fields)
            # of two that fit as well, the one used last comes first
            recent = {name: at for at, name in enumerate(self._memory.nodes)}
            hits.sort(
                key=lambda hit: (
                    -round(hit[1].score),
                    recent.get(hit[0].name, len(recent)),
                    hit[0].name.endswith("1d"),  # images are met more often than signals
                )
            )
            found = [_row(item, match.places) for item, match in hits]
            return found or [Row("nothing", self._nothing(query), "message")]
        known = {item.name: item for item in self._items}
        recents = [known[name] for name in self._memory.nodes if name in known][:RECENT]
        rest = [item for item in self._items if item not in recents]
        if not recents:
            return [_row(item) for item in rest] or [Row("nothing", self._nothing(""), "message")]
        return [
            Row("# recent", "Recent", "label"),
            *(_row(item) for item in recents),
            Row("# all", "All", "label"),
            *(_row(item) for item in rest),
        ]

    def _nothing(self, query: str) -> str:
        where = " that fits this wire" if self._loose else ""
        called = f" like “{query.strip()}”" if query.strip() else ""
        return f"No node{called}{where}. Esc closes."

    def highlighted(self, row: Row | None) -> None:
        item = row.payload if row else None
        tip = item.tip if isinstance(item, Item) else ""
        room = POPUP - 24
        self._about.setText(_two_lines(tip, room))
        self._does.setText(self._effect(item) if isinstance(item, Item) else "")

    def _effect(self, item: Item) -> str:
        """What Enter does with a node."""
        links = self._links_of(item)
        if not links:
            chosen = self._selected
            return (
                f"Enter adds it, not wired to {self._label(chosen)}" if chosen else "Enter adds it"
            )
        first, word = links[0], "behind" if links[0].side == "output" else "before"
        through = f" through {_title(first.adapter)}" if first.adapter else ""
        return f"Enter adds it {word} {self._label(first.node)}{through}"

    # Adding

    @property
    def _selected(self) -> str:
        """The one selected node, while no wire is in the hand; "" when there is none."""
        chosen = self._document.selection if self._document and not self._loose else frozenset()
        return next(iter(chosen)) if len(chosen) == 1 else ""

    def _links_of(self, item: Item) -> tuple[Link, ...]:
        if item.name not in self._links and self._loose is None:
            fits, id = self._fits, self._selected
            self._links[item.name] = fits.links(item.op(), id) if fits and id else ()
        return self._links.get(item.name, ())

    def take(self, row: Row, modifiers: Qt.KeyboardModifier) -> None:
        """Add a node. Ctrl stays open to add the next behind it, Shift leaves it unwired."""
        item, document = row.payload, self._document
        if not isinstance(item, Item) or document is None:
            return
        stay = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        if not stay:
            self.hide()
        links = () if modifiers & Qt.KeyboardModifier.ShiftModifier else self._links_of(item)
        id = self._added(document, item, links)
        if self._canvas is not None:
            bring(self._canvas, id)
        self._memory.used_node(item.name)
        if stay:
            self._begin(None)
            self.field.clear()
            self.refresh()
            self._stand_clear(id)

    def _stand_clear(self, id: str) -> None:
        """Move below the node just added; above or beside it where there is no room."""
        canvas, window = self._canvas, self.parentWidget()
        if canvas is None or window is None:
            return
        box = canvas.scene.rect(canvas.scene.index_of[id])
        corners = (Point(box.x, box.y), Point(box.right, box.bottom))
        ends = [canvas.heading.window(corner) for corner in corners]
        node = QRect(*(canvas.mapTo(window, QPoint(round(e.x), round(e.y))) for e in ends))
        node.adjust(-CLEAR, -CLEAR, CLEAR, CLEAR)
        size = self.size()
        ways = (
            QPoint(node.x() + CLEAR, node.bottom() + 1),
            QPoint(node.x() + CLEAR, node.y() - size.height()),
            QPoint(node.right() + 1, node.y()),
            QPoint(node.x() - size.width(), node.y()),
        )
        for place in ways:
            self.place(place)
            if not self.geometry().intersects(node):
                return

    def _added(self, document: Document, item: Item, links: tuple[Link, ...]) -> str:
        if self._loose is not None:
            op = item.op()
            left = 0.0 if self._loose.side == "output" else width_of(op)
            return add_at(document, op, links, self._point.moved(-left, -PORT_Y))
        if self._selected:
            op = item.op()
            # an optimizer stands behind its loss, whatever is selected
            beside = links[0].node if links and op.role == "optimizer" else self._selected
            return add_linked(document, op, links, beside)
        return add_free(document, item.op(), self._point)

    def _build_footer(self) -> None:
        self._about.setProperty("tone", "small")
        self._about.setFixedHeight(2 * 14)
        self._about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._does.setProperty("tone", "caption")
        more = QLabel("Ctrl+Enter adds and goes on")
        more.setProperty("tone", "caption")
        keys = QHBoxLayout()
        keys.addWidget(self._does)
        keys.addStretch(1)
        keys.addWidget(more)
        footer = QVBoxLayout()
        footer.setContentsMargins(12, 8, 12, 8)
        footer.setSpacing(6)
        footer.addWidget(self._about)
        footer.addLayout(keys)
        self.add_line()
        self.body.addLayout(footer)


def _row(item: Item, places: tuple[int, ...] = ()) -> Row:
    return Row(
        item.name,
        item.title,
        icon=item.icon,
        family=item.family,
        detail=item.category if item.category != item.title else "",
        shape=item.takes,
        places=places,
        spoken=item.spoken,
        payload=item,
    )


def _title(name: str) -> str:
    return REGISTRY[name].title or name


def _two_lines(text: str, room: float) -> str:
    """The text broken once, what is left of it elided."""
    measure = fonts.sized("caption", QUIET)[1]
    words, first = text.split(" "), ""
    while words and measure.horizontalAdvance(f"{first} {words[0]}".strip()) <= room:
        first = f"{first} {words.pop(0)}".strip()
    rest = measure.elidedText(" ".join(words), Qt.TextElideMode.ElideRight, room)
    return f"{first}\n{rest}" if rest else first
