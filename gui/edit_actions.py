"""What can be done to the drawing: every action with its key, for menus, palette and canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QGuiApplication

from graph.subgraph import Defined, Subgraph
from gui.app import App
from gui.canvas import commands, dots, tidy
from gui.canvas.camera import NOTCH
from gui.canvas.interact.keys import ChoosePort
from gui.canvas.view import Canvas

CanvasOf = Callable[[], Canvas | None]
Act = Callable[[Canvas], object]
Test = Callable[[Canvas], bool]


@dataclass(frozen=True)
class _Adder:
    """Adds actions that are about the canvas that is shown."""

    app: App
    canvas_of: CanvasOf

    def __call__(
        self,
        id: str,
        title: str,
        act: Act,
        menu: str,
        keys: Sequence[str] = (),
        when: Test = lambda canvas: True,
        icon: str = "",
        words: str = "",
        scope: str = "canvas",
    ) -> None:
        def run() -> None:
            canvas = self.canvas_of()
            if canvas is not None and when(canvas):
                act(canvas)

        def enabled() -> bool:
            canvas = self.canvas_of()
            return canvas is not None and when(canvas)

        self.app.actions.add(
            id,
            title,
            run,
            menu=menu,
            keys=keys,
            scope=scope,
            icon=icon,
            words=words,
            enabled=enabled,
        )


def add_actions(app: App, canvas_of: CanvasOf) -> None:
    """Add everything that changes the drawing, the selection or what is seen of it."""
    add = _Adder(app, canvas_of)
    _history(add)
    _clipboard(add)
    _selection(add)
    _nodes(add)
    _wires(add)
    _order(add)
    _groups(add)
    _parts(add)
    _sight(add)


def _some(canvas: Canvas) -> bool:
    return bool(commands.chosen(canvas))


def _nodes_chosen(canvas: Canvas) -> bool:
    return bool(canvas.document.selection)


def _several(canvas: Canvas) -> bool:
    return len(canvas.document.selection) > 1


def _anything(canvas: Canvas) -> bool:
    document = canvas.document
    return _some(canvas) or bool(document.selected_wires or document.selected_dots)


def _instances(canvas: Canvas, kind: type[Defined] = Defined) -> bool:
    return any(commands.is_instance(canvas, id, kind) for id in canvas.document.selection)


def _one(canvas: Canvas) -> bool:
    return len(commands.chosen(canvas)) == 1


def _history(add: _Adder) -> None:
    add(
        "edit.undo",
        "Undo",
        lambda canvas: canvas.document.undo(),
        "Edit",
        ("Ctrl+Z",),
        lambda canvas: canvas.document.history.position > 0,
        "undo",
        scope="window",
    )
    add(
        "edit.redo",
        "Redo",
        lambda canvas: canvas.document.redo(),
        "Edit",
        ("Ctrl+Shift+Z", "Ctrl+Y"),
        lambda canvas: bool(canvas.document.history.redo_title),
        "redo",
        scope="window",
    )


def _clipboard(add: _Adder) -> None:
    add("edit.cut", "Cut", _cut, "Edit", ("Ctrl+X",), _some)
    add("edit.copy", "Copy", _copy, "Edit", ("Ctrl+C",), _some)
    add("edit.paste", "Paste", _paste, "Edit", ("Ctrl+V",), words="clipboard insert")
    add(
        "edit.paste_wired",
        "Paste with incoming wires",
        lambda canvas: _paste(canvas, True),
        "Edit",
        ("Ctrl+Shift+V",),
        words="keep connections",
    )
    add("edit.duplicate", "Duplicate", commands.duplicate, "Edit", ("Ctrl+D",), _some)
    add("edit.delete", "Delete", commands.delete, "Edit", ("Del", "Backspace"), _anything)
    add(
        "edit.delete_reconnect",
        "Delete and reconnect",
        commands.delete_and_reconnect,
        "Edit",
        ("Ctrl+Del",),
        _nodes_chosen,
        words="dissolve bridge take out",
    )


def _copy(canvas: Canvas) -> None:
    text = commands.copy_text(canvas)
    if text:
        QGuiApplication.clipboard().setText(text)


def _cut(canvas: Canvas) -> None:
    _copy(canvas)
    commands.delete(canvas)


def _paste(canvas: Canvas, keep_wires: bool = False) -> None:
    text = QGuiApplication.clipboard().text()
    commands.paste_text(canvas, text, canvas.pointed(), keep_wires, snap=True)


def _selection(add: _Adder) -> None:
    add("edit.select_all", "Select all", commands.select_all, "Edit", ("Ctrl+A",))
    add("edit.select_none", "Select nothing", lambda c: c.select(()), "Edit", ("Ctrl+Shift+A",))
    add(
        "edit.select_upstream",
        "Select upstream",
        lambda canvas: commands.select_cone(canvas, upstream=True),
        "Edit",
        ("Alt+U",),
        _nodes_chosen,
        words="before inputs ancestors",
    )
    add(
        "edit.select_downstream",
        "Select downstream",
        lambda canvas: commands.select_cone(canvas, upstream=False),
        "Edit",
        ("Alt+D",),
        _nodes_chosen,
        words="behind outputs descendants",
    )
    add(
        "edit.rename",
        "Rename",
        lambda canvas: canvas.edit_text(min(commands.chosen(canvas))),
        "Edit",
        ("F2",),
        _one,
        words="name title text",
    )


def _nodes(add: _Adder) -> None:
    add(
        "graph.bypass",
        "Bypass",
        lambda canvas: commands.toggle_flag(canvas, "bypassed"),
        "Graph",
        ("Ctrl+B", "B"),
        _nodes_chosen,
        words="mute skip pass through",
    )
    add(
        "graph.freeze",
        "Freeze weights",
        lambda canvas: commands.toggle_flag(canvas, "frozen"),
        "Graph",
        ("L",),
        _nodes_chosen,
        "lock",
        "lock train",
    )
    add(
        "graph.collapse",
        "Collapse",
        lambda canvas: commands.toggle_flag(canvas, "collapsed"),
        "Graph",
        ("H",),
        _nodes_chosen,
        words="small fold hide expand",
    )
    add(
        "graph.wire",
        "Wire from the node",
        lambda canvas: canvas.enter(ChoosePort(canvas, min(canvas.document.selection))),
        "Graph",
        ("W",),
        lambda canvas: len(canvas.document.selection) == 1,
        words="connect port keyboard",
    )
    add(
        "graph.detach",
        "Detach from wires",
        commands.detach,
        "Graph",
        ("D",),
        _nodes_chosen,
        words="disconnect free cut links",
    )
    add(
        "graph.connect_in_order",
        "Connect in order",
        commands.connect_in_order,
        "Graph",
        ("C",),
        _several,
        words="chain link left to right",
    )


def _wires(add: _Adder) -> None:
    add(
        "graph.next_wire",
        "Select the next wire",
        dots.next_wire,
        "Graph",
        ("E",),
        words="wires dots of the node keyboard edge",
    )
    add(
        "graph.add_dot",
        "Add a dot to the wire",
        dots.add_to_selected,
        "Graph",
        (".",),
        lambda canvas: bool(canvas.document.selected_wires),
        words="reroute waypoint bend lead elbow",
    )


def _order(add: _Adder) -> None:
    add("graph.straighten", "Straighten wires", tidy.straighten, "Graph", ("Q",), _several)
    add("graph.arrange", "Arrange", Canvas.arrange, "Graph", ("Ctrl+L",), words="layout tidy order")
    edges: tuple[tuple[tidy.Edge, str, str], ...] = (
        ("left", "Align left edges", "Alt+A, L"),
        ("centre", "Align centres", "Alt+A, C"),
        ("right", "Align right edges", "Alt+A, R"),
        ("top", "Align top edges", "Alt+A, T"),
        ("middle", "Align middles", "Alt+A, M"),
        ("bottom", "Align bottom edges", "Alt+A, B"),
    )
    for edge, title, keys in edges:
        add(
            f"graph.align_{edge}",
            title,
            lambda canvas, edge=edge: tidy.align(canvas, edge),  # type: ignore[misc]
            "Graph",
            (keys,),
            _several,
        )
    for across, title, keys in ((True, "across", "Alt+A, H"), (False, "down", "Alt+A, V")):
        add(
            f"graph.distribute_{title}",
            f"Distribute {title}",
            lambda canvas, across=across: tidy.distribute(canvas, across),  # type: ignore[misc]
            "Graph",
            (keys,),
            lambda canvas: len(canvas.document.selection) > 2,
            words="equal gaps space",
        )


def _groups(add: _Adder) -> None:
    add(
        "graph.frame",
        "Frame the selection",
        commands.frame_selection,
        "Graph",
        ("J", "Ctrl+J"),
        _nodes_chosen,
        words="group box region",
    )
    add(
        "graph.note",
        "Add note",
        lambda canvas: commands.add_note(canvas, canvas.pointed()),
        "Graph",
        ("N",),
        words="comment text sticky",
    )


def _parts(add: _Adder) -> None:
    add(
        "graph.define",
        "Make a subgraph",
        commands.define_selection,
        "Graph",
        ("Ctrl+G",),
        _nodes_chosen,
        "subgraph",
        "group definition block module",
    )
    add(
        "graph.dissolve",
        "Take the subgraph apart",
        commands.dissolve_selection,
        "Graph",
        ("Ctrl+Shift+G",),
        lambda canvas: _instances(canvas, Subgraph),
        words="ungroup dissolve unpack",
    )
    add(
        "graph.scan",
        "Run at every step, or once",
        commands.scan_selection,
        "Graph",
        when=_instances,
        words="scan recurrent cell loop time sequence",
    )
    add(
        "graph.enter",
        "Go into the subgraph",
        lambda canvas: canvas.enter_node(min(canvas.document.selection)),
        "Graph",
        ("Alt+Down",),
        lambda canvas: _one(canvas) and _instances(canvas),
    )
    add(
        "graph.leave",
        "Leave the subgraph",
        lambda canvas: canvas.leave_drawing(),
        "Graph",
        ("Alt+Up",),
        lambda canvas: bool(canvas.document.into),
    )


def _sight(add: _Adder) -> None:
    add("view.fit", "Fit the drawing", lambda canvas: canvas.fit(), "View", ("Home",), icon="fit")
    add("view.fit_selection", "Fit the selection", lambda c: c.fit_selection(), "View", ("F",))
    add(
        "view.zoom_in",
        "Zoom in",
        lambda canvas: canvas.zoom_by(NOTCH),
        "View",
        ("Ctrl+=", "Ctrl++"),
        icon="plus",
    )
    add(
        "view.zoom_out",
        "Zoom out",
        lambda canvas: canvas.zoom_by(-NOTCH),
        "View",
        ("Ctrl+-",),
        icon="minus",
    )
    add(
        "view.zoom_whole",
        "Zoom to 100 %",
        lambda canvas: canvas.zoom_by(-canvas.camera.rung),
        "View",
        ("Ctrl+0",),
    )
