"""The shape of an interaction, and what it may use of the canvas. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from gui.canvas.camera import Camera
from gui.canvas.geometry import Point, Rect
from gui.canvas.scene import CanvasScene
from gui.document import Document

Button = Literal["", "left", "middle", "right"]
Cursor = Literal["arrow", "open hand", "closed hand"]
DRAG = 4.0  # px the pointer travels before a press becomes a drag


@dataclass(frozen=True, slots=True)
class Pointer:
    """The pointer at one moment: place in the window and on the canvas, and what is held."""

    window: Point
    canvas: Point
    button: Button = ""
    shift: bool = False
    control: bool = False
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

    def look_from(self, camera: Camera) -> None:
        """Show another part of the canvas."""

    def redraw(self) -> None:
        """Paint again soon."""

    def enter(self, state: Interaction) -> None:
        """Make another interaction the active one."""

    def leave(self) -> None:
        """End the active interaction: back to idle."""

    def show_cursor(self, cursor: Cursor) -> None:
        """Show another cursor."""


class Interaction:
    """One state. Each handler may enter another; `cancel` puts all back as it was."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def press(self, pointer: Pointer) -> None:
        """A button went down."""

    def move(self, pointer: Pointer) -> None:
        """The pointer moved."""

    def release(self, pointer: Pointer) -> None:
        """A button went up."""

    def cancel(self) -> None:
        """Esc, or the window lost the pointer."""
