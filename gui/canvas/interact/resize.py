"""Making a frame larger or smaller by its corner, a note wider by its edge."""

from __future__ import annotations

from dataclasses import replace

from graph import edits
from gui.canvas.geometry import GRID
from gui.canvas.interact.state import ESCAPE, Host, Interaction, Pointer
from gui.canvas.items import LEAST, memberships
from gui.canvas.layout import FRAME_TITLE


class Resize(Interaction):
    """The nodes whose middles lie in the frame afterwards belong to it."""

    keys = ESCAPE

    def __init__(self, host: Host, pointer: Pointer, id: str) -> None:
        super().__init__(host)
        self._pressed, self._id = pointer, id
        self._frames, self._notes = host.scene.frames, host.scene.notes
        host.select([id])

    def move(self, pointer: Pointer) -> None:
        across = pointer.canvas.x - self._pressed.canvas.x
        down = pointer.canvas.y - self._pressed.canvas.y
        frames = [
            replace(f, width=_size(f.width + across), height=_size(f.height + down, FRAME_TITLE))
            if f.id == self._id
            else f
            for f in self._frames
        ]
        notes = [
            replace(n, width=_size(n.width + across)) if n.id == self._id else n
            for n in self._notes
        ]
        self.host.scene.put_items(frames, notes)

    def release(self, pointer: Pointer) -> None:
        if pointer.button != "left":
            return
        host, scene = self.host, self.host.scene
        drawing, into = host.document.drawing, host.document.into
        host.leave()
        for note in scene.notes:
            if note.id == self._id and note.width != drawing.notes[note.id].width:
                changed = replace(drawing.notes[note.id], width=note.width)
                host.push(edits.SetNote(changed, into=into))
                return
        for frame in scene.frames:
            before = drawing.frames.get(frame.id)
            if frame.id != self._id or before is None:
                continue
            sized = replace(before, width=frame.width, height=frame.height)
            if sized != before:
                members = _with_members(host, sized.id, memberships_of(host))
                host.push(
                    edits.SetFrame(replace(sized, nodes=members), into=into), name="Resize frame"
                )

    def key(self, key: str) -> None:
        self.cancel()

    def cancel(self) -> None:
        self.host.scene.put_items(self._frames, self._notes)
        self.host.leave()


def memberships_of(host: Host) -> dict[str, tuple[str, ...]]:
    """Members of the frames that change when every node goes by where its middle lies."""
    drawing, into = host.document.drawing, host.document.into
    found = memberships(host.scene, drawing, sorted(drawing.net), into)
    return {e.frame.id: e.frame.nodes for e in found if isinstance(e, edits.SetFrame)}


def _with_members(host: Host, id: str, found: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The members of one frame; a node of another frame stays there."""
    frames = host.document.drawing.frames
    others = {node for frame in frames.values() if frame.id != id for node in frame.nodes}
    return tuple(node for node in found.get(id, frames[id].nodes) if node not in others)


def _size(length: float, least: float = LEAST) -> float:
    return max(float(round(length / GRID) * GRID), least)
