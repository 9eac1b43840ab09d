"""Moving the view: middle button, or space and the left one."""

from __future__ import annotations

from gui.canvas.interact.state import Host, Interaction, Pointer


class Pan(Interaction):
    """What was under the pointer stays under it; Esc goes back to where the view was."""

    def __init__(self, host: Host, pointer: Pointer) -> None:
        super().__init__(host)
        self._camera, self._from, self._button = host.camera, pointer.window, pointer.button
        host.show_cursor("closed hand")

    def move(self, pointer: Pointer) -> None:
        across, down = pointer.window.x - self._from.x, pointer.window.y - self._from.y
        self.host.look_from(self._camera.panned(across, down))

    def release(self, pointer: Pointer) -> None:
        if pointer.button == self._button:
            self.host.leave()

    def cancel(self) -> None:
        self.host.look_from(self._camera)
        self.host.leave()
