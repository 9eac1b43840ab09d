"""Opening, saving, closing and exporting documents: what the File menu and dropped files do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

import resources
from graph.edits import AddNode
from graph.files import dumps, replace_files
from graph.graph import Graph, Node
from graph.rules import MAX_NAME, MAX_SETTING, check_op, check_text
from graph.validator import FileError
from gui import fonts
from gui.app import App
from gui.dialogs.dialog import Choice, ask
from gui.dialogs.file_dialog import FileDialog
from gui.document import Document
from gui.widgets.notice import Tone
from gui.widgets.typed import take_typed

if TYPE_CHECKING:
    from graph.export import Target

LOOM = "Netloom graphs (*.loom)"
OPENED = "Graphs, pictures and tables (*.loom *.png *.svg *.csv *.tsv)"
TABLES = (".csv", ".tsv")
PICTURES = (".png", ".svg")
SUFFIXES = (".loom", *TABLES, *PICTURES)
Say = Callable[[str, Tone], None]


class Files(QObject):
    """Works on the desk; `say` tells the user of what did not work."""

    def __init__(self, app: App, window: QWidget, say: Say) -> None:
        super().__init__(window)
        self._app, self._window, self._say = app, window, say
        self._given_up: set[Document] = set()  # whose changes are not wanted, while leaving

    # Opening

    def new(self) -> None:
        """Open an empty document."""
        self._app.desk.new()

    def choose(self) -> None:
        """Ask for files and open them."""
        dialog = self._dialog("Open", OPENED)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._open_all)
        dialog.open()

    def _open_all(self, names: list[str]) -> None:
        for name in names:
            self.open(Path(name))

    def choose_data(self) -> None:
        """Ask for a table and begin a document with it."""
        dialog = self._dialog("Begin with data", "Tables (*.csv *.tsv *.txt)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.begin_with(Path(name)))
        dialog.open()

    def open(self, path: Path) -> None:
        """Open a graph, the graph inside a picture, or a table as a node of its own."""
        suffix = path.suffix.lower()
        if suffix in TABLES:
            self.begin_with(path)
        else:
            self._try(self._open_picture if suffix in PICTURES else self._app.desk.open, path)

    def _try(self, work: Callable[[Path], object], path: Path) -> None:
        try:
            work(path)
        except ValueError as error:  # of files, data and edits: found, expected, what to do
            self._say(_sentence(str(error)), "error")
        except OSError as error:
            self._say(f"{path.name} cannot be read: {error.strerror or error}.", "error")

    def begin_with(self, path: Path) -> None:
        """Put a table into the current document when that is new, else into one of its own."""
        self._try(self._begin, path)

    def _begin(self, path: Path) -> None:
        from gui.run.files import table_of

        desk, document = self._app.desk, self._app.desk.current
        folder, name = path.resolve().parent, " ".join(path.stem.split())[:MAX_NAME]
        check_text(str(path), "the name of the file", MAX_SETTING)
        op = table_of(path.resolve(), folder)
        check_op(Graph(), "", op, path.name)  # before there is a document for it
        if document is None or len(document.graph) > 0 or document.path is not None:
            document = desk.new()
        desk.place(document, folder, name)
        document.allow(op.path)
        id = document.graph.fresh_id("table")
        document.push(AddNode(Node(id, op, name=name, x=0.0, y=0.0)))
        desk.jump(id)

    def _open_picture(self, path: Path) -> None:
        from gui.pictures import graph_in

        document = Document(graph_in(path), fonts.measure)
        document.name, document.folder = path.stem, path.resolve().parent
        self._app.desk.add(document)

    # Saving

    def save(self) -> None:
        """Save the current document."""
        if (document := self._app.desk.current) is not None:
            self.save_document(document)

    def save_as(self) -> None:
        """Save the current document at another place."""
        if (document := self._app.desk.current) is not None:
            self._ask_place(document, lambda: None)

    def save_document(self, document: Document, then: Callable[[], object] = lambda: None) -> None:
        """Save a document, asking for a place when it has none; `then` runs once it is saved."""
        write = partial(self._write, document, None, then)
        if document.path is None:
            self._ask_place(document, then)
        elif self._app.desk.changed_outside(document):
            ask(
                self._app.look,
                self._window,
                f"Save over {document.path.name}?",
                "Another program has changed the file since it was opened or saved here. Saving "
                "over it takes those changes away.",
                (
                    Choice("Save over it", write, apart=True),
                    Choice("Not now"),
                    Choice("Save elsewhere", partial(self._ask_place, document, then), safe=True),
                ),
            )
        else:
            write()

    def _ask_place(self, document: Document, then: Callable[[], object]) -> None:
        dialog = self._save_dialog("Save as", LOOM, ".loom", document)
        dialog.fileSelected.connect(lambda name: self._write(document, Path(name), then))
        dialog.open()

    def _write(self, document: Document, path: Path | None, then: Callable[[], object]) -> None:
        try:
            self._app.desk.save(document, path)
        except (FileError, OSError) as error:
            name = (path or document.path or Path(document.title)).name
            self._say(f"{name} could not be saved. {_sentence(str(error))}", "error")
            return
        then()

    # Closing

    def close(self, document: Document | None = None) -> None:
        """Close a document, the current one when None; asks when it has unsaved changes."""
        take_typed()
        document = document or self._app.desk.current
        if document is not None:
            gone = partial(self._app.desk.close, document)
            self._settle(document, gone, gone)

    def leave(self, then: Callable[[], object]) -> None:
        """Ask about every document with unsaved changes, one after another, then go on."""
        self._given_up.clear()
        self._leave(then)

    def _leave(self, then: Callable[[], object]) -> None:
        documents = self._app.desk.documents
        dirty = [d for d in documents if not d.history.clean and d not in self._given_up]
        if not dirty:
            then()
            return
        self._app.desk.show(dirty[0])
        go_on = partial(self._leave, then)
        self._settle(dirty[0], go_on, partial(self._give_up, dirty[0], go_on))

    def _give_up(self, document: Document, then: Callable[[], object]) -> None:
        self._given_up.add(document)
        then()

    def _settle(
        self, document: Document, saved: Callable[[], object], given_up: Callable[[], object]
    ) -> None:
        """Ask what becomes of changes that are not saved, when there are any."""
        if document.history.clean:
            saved()
            return
        ask(
            self._app.look,
            self._window,
            f"Save {document.title}?",
            "It has changes that are not saved. Discarded changes cannot be brought back.",
            (
                Choice("Discard changes", given_up, apart=True),
                Choice("Keep open"),
                Choice("Save", partial(self.save_document, document, saved), safe=True),
            ),
        )

    # Exporting

    def export_picture(self, suffix: str) -> None:
        """Save the canvas as a picture with the graph inside, ".png" or ".svg"."""
        document = self._app.desk.current
        if document is None:
            return
        kind = f"{suffix[1:].upper()} pictures (*{suffix})"
        dialog = self._save_dialog(f"Export {suffix[1:].upper()}", kind, suffix, document)
        dialog.fileSelected.connect(lambda name: self._draw(document, Path(name)))
        dialog.open()

    def _draw(self, document: Document, path: Path) -> None:
        from gui.render import fitting, placed, png, svg

        drawing, area = placed(document.view)
        theme, text = self._app.look.theme, dumps(document.graph)
        if path.suffix.lower() == ".svg":
            data = svg(drawing, area, theme, text=text, title=document.title)
        else:
            data = png(drawing, area, theme, fitting(area, 2.0), text)
        self._put(path, data)

    def export_python(self, target: Target) -> None:
        """Save the code of the current document, and the weights of its last run."""
        if (document := self._app.desk.current) is not None:
            self._export_code(document, target)

    def _export_code(self, document: Document, target: Target) -> None:
        """Ask for a place once it is known that there is code to put there."""
        from gui.run.exporting import python_of

        trainer = self._app.trainer
        again = partial(self._export_code, target=target)
        if not trainer.allows(document, again, "exported"):
            return
        try:
            text = python_of(document, target)
        except (ValueError, OSError) as error:  # of data and exporters: found, expected, remedy
            self._say(_sentence(str(error)), "error")
            return
        dialog = self._save_dialog("Export Python", "Python (*.py)", ".py", document)
        dialog.fileSelected.connect(lambda name: self._write_code(document, text, Path(name)))
        dialog.open()

    def _write_code(self, document: Document, text: str, path: Path) -> None:
        from gui.run.exporting import write_python

        trainer = self._app.trainer
        run, options = trainer.board_of(document).run, trainer.run_options(document)
        try:
            told = write_python(text, document, path, options, run)
        except OSError as error:
            self._say(f"{path.name} could not be written: {error.strerror or error}.", "error")
        else:
            self._say(told, "accent")

    def _put(self, path: Path, data: bytes) -> None:
        try:
            replace_files({path: data})
        except OSError as error:
            self._say(f"{path.name} could not be written: {error.strerror or error}.", "error")
            return
        self._say(f"Exported {path.name} to {path.parent}.", "accent")

    # Dialogs

    def _dialog(self, title: str, names: str) -> QFileDialog:
        document = self._app.desk.current
        folder = document.folder if document is not None else Path.cwd()
        if folder == resources.example_path(resources.examples()[0]).parent:
            folder = Path.cwd()  # an example is a copy: what ships is not to be written over
        return FileDialog(self._app.look, self._window, title, str(folder), names)

    def _save_dialog(self, title: str, names: str, suffix: str, document: Document) -> QFileDialog:
        dialog = self._dialog(title, names)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix[1:])
        dialog.selectFile(document.title + suffix)
        return dialog


def _sentence(text: str) -> str:
    """A message as a sentence; the name of a file keeps its first letter."""
    first = text[:1] if "." in text.partition(" ")[0] else text[:1].upper()
    return first + text[1:] + ("" if text.endswith(".") else ".")


def add_actions(app: App, files: Files, preferences: Callable[[], object]) -> None:
    """Add the File menu."""
    shown = lambda: app.desk.current is not None  # noqa: E731
    add = partial(app.actions.add, menu="File")
    add("file.new", "New", files.new, keys=("Ctrl+N",), icon="plus", words="empty canvas")
    add("file.open", "Open…", files.choose, keys=("Ctrl+O",), icon="folder")
    add("file.data", "Begin with data…", files.choose_data, icon="data", words="csv table")
    add("file.save", "Save", files.save, keys=("Ctrl+S",), enabled=shown)
    add("file.save_as", "Save as…", files.save_as, keys=("Ctrl+Shift+S",), enabled=shown)
    targets: tuple[tuple[Target, str], ...] = (("pytorch", "PyTorch"), ("numpy", "NumPy"))
    for target, title in targets:
        add(
            f"file.export_{target}",
            f"Export {title} code…",
            partial(files.export_python, target),
            icon="export",
            enabled=shown,
        )
    for suffix in PICTURES:
        add(
            f"file.export_{suffix[1:]}",
            f"Export picture, {suffix[1:].upper()}…",
            partial(files.export_picture, suffix),
            icon="image",
            enabled=shown,
        )
    add("file.close", "Close", files.close, keys=("Ctrl+W",), enabled=shown)
    add("file.preferences", "Preferences…", preferences, keys=("Ctrl+,",), icon="settings")
