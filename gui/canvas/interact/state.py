"""The shape of an interaction, and what it may use of the canvas. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from graph.edit import Edit
from graph.graph import Wire
from gui.canvas.camera import Camera
from gui.canvas.draft import Draft
from gui.canvas.geometry import NodeBox, Point, Rect
from gui.canvas.hits import PortHit
from gui.canvas.refusal import Refusal
from gui.canvas.scene import CanvasScene
from gui.canvas.view_model import NodeView
from gui.document import Document, Dot
from gui.library.fits import Loose

Button = Literal["", "left", "middle", "right"]
Cursor = Literal["arrow", "open hand", "closed hand", "cross", "forbidden", "size", "width"]
DRAG = 4.0  # px the pointer travels before a press becomes a drag
SNAP = 20.0  # px on screen from which a port draws a wire to it


@dataclass(frozen=True, slots=True)
class Pointer:
    """The pointer at one moment: place in the window and on the canvas, and what is held."""

    window: Point
    canvas: Point
    button: Button = ""
    shift: bool = False
    control: bool = False
    alt: bool = False
    space: bool = False

    def far_from(self, other: Pointer) -> bool:
        """Whether it has moved enough since `other` to mean it."""
        across, down = self.window.x - other.window.x, self.window.y - other.window.y
        return max(abs(across), abs(down)) >= DRAG


class Host(Protocol):
    """The canvas as an interaction sees it."""

    document: Document
    scene: CanvasScene
    camera: Camera
    marquee: Rect | None  # on the canvas
    draft: Draft
    at_node: str  # the node that the keyboard is at
    menu_at: Point | None  # where on the canvas the pointer opened the last menu

    def look_from(self, camera: Camera) -> None:
        """Show another part of the canvas."""

    def pointed(self) -> Point:
        """Where the pointer is on the canvas; the middle of what is seen when it is elsewhere."""

    def redraw(self) -> None:
        """Paint again soon."""

    def show_draft(self, draft: Draft) -> None:
        """Show what the interaction is about to do."""

    def reveal(self, id: str) -> None:
        """Bring a node into sight."""

    def hint(self, thing: PortHit | int | None, at: Point) -> None:
        """Tell, after a rest, of the port or wire that the pointer is over."""

    def repeat_press(self, pointer: Pointer) -> None:
        """Let the state that is active now have a press that ended another."""

    def leave_drawing(self) -> None:
        """Back to the drawing that this one was entered from."""

    def enter(self, state: Interaction) -> None:
        """Make another interaction the active one."""

    def leave(self) -> None:
        """End the active interaction: back to idle."""

    def show_cursor(self, cursor: Cursor) -> None:
        """Show another cursor."""

    def work_soon(self) -> None:
        """Call `work` of the active interaction in slices while nothing else is to do."""

    def push(self, *edits: Edit, name: str = "", key: str = "") -> bool:
        """Change the document by one step; False, with a word to the user, when it is refused."""

    def select(
        self, ids: Iterable[str], wires: Iterable[Wire] = (), dots: Iterable[Dot] = ()
    ) -> None:
        """Select nodes, frames, notes, wires and dots, and no others."""

    def tell_click(self, row: int) -> None:
        """A wire was chosen by a click."""

    def say(self, words: str) -> None:
        """Tell the user in a few words why something was not done."""

    def want_menu(self, at: Point) -> None:
        """Ask for the menu of what is selected, at a point of the window."""

    def want_library(self, at: Point, source: Loose | None) -> None:
        """Ask for a search of nodes at a point of the canvas, to be wired to `source`."""

    def show_refusal(self, refusal: Refusal | None, current: int = 0) -> None:
        """Show why a wire is refused and what may be done, or take that away."""

    def edit_text(self, id: str) -> None:
        """Let the name of a node, the title of a frame or the text of a note be typed."""

    def enter_node(self, id: str) -> bool:
        """Show the definition that a node stands for; False when it stands for none."""

    def box_of(self, view: NodeView) -> NodeBox:
        """The box of a node that is not on the canvas."""


class Interaction:
    """One state. Each handler may enter another; `cancel` puts all back as it was."""

    keys: ClassVar[frozenset[str]] = frozenset()  # those it takes before any shortcut does

    def __init__(self, host: Host) -> None:
        self.host = host

    @property
    def reaches(self) -> bool:
        """Whether the view follows the pointer when it comes near the window's edge."""
        return False

    def press(self, pointer: Pointer) -> None:
        """A button went down."""

    def move(self, pointer: Pointer) -> None:
        """The pointer moved."""

    def release(self, pointer: Pointer) -> None:
        """A button went up."""

    def double(self, pointer: Pointer) -> bool:
        """A button went down for the second time in short; False lets it be a press."""
        return False

    def key(self, key: str) -> None:
        """One of `keys` went down: escape, enter, tab, up, down, left, right, 1 … 9; behind
        "shift+" or "ctrl+" when that is held too.
        """

    def work(self, until: float) -> bool:
        """Do what is better not done in an event until a time of time.perf_counter; whether more
        is left.
        """
        return False

    def focused(self) -> None:
        """The keyboard came back to the canvas."""

    def cancel(self) -> None:
        """Esc, or the window lost the pointer."""

    def interrupted(self) -> None:
        """The document changes under the gesture, which must end and may not change it itself."""
        self.cancel()


ESCAPE = frozenset({"escape"})
