"""`netloom render`: a drawing as a PNG or SVG, by the painters of the canvas. Needs no display."""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter, QPaintDevice, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication

from graph.files import replace_files
from graph.graph import Graph
from gui.canvas.geometry import Rect
from gui.canvas.paint_canvas import Scene, paint_scene, scene, scene_bounds
from gui.canvas.paint_wire import Overlay
from gui.canvas.view_model import CanvasView, Preview, Severity
from gui.run.previews import data_previews
from gui.sheet import canvas_view
from gui.theme import Theme, theme

MARGIN = 40.0
EMPTY = Rect(0.0, 0.0, 420.0, 240.0)
KEYWORD = "netloom"  # of the PNG text and the SVG metadata that hold the graph
SIZE_LIMIT = 32_000  # px a side; Qt's painter ends at 32,767
PIXEL_LIMIT = 100_000_000  # of a picture that nobody chose a scale for: 400 MB while it is drawn
_PNG_START = b"\x89PNG\r\n\x1a\n"


def render(
    graph: Graph,
    out: str | Path,
    *,
    theme_name: str = "dark",
    scale: float = 1.0,
    text: str = "",
    previews: Mapping[str, Preview] | None = None,
    problems: Mapping[str, Severity] | None = None,
) -> tuple[int, int]:
    """Draw `graph` to `out`, a .png or .svg. Returns its size in px.

    `text` is the graph's file text, kept inside the picture. `previews` and `problems` are by node
    id; without previews data nodes show data that ships or is generated. Nodes that nobody has
    placed are laid out. Raises ValueError for another ending, an unknown theme or a picture too
    large, OSError when the file cannot be written.
    """
    path, colours = Path(out), theme(theme_name)
    if path.suffix.lower() not in (".png", ".svg"):
        raise ValueError(f"picture: found {path.name!r}, expected a name that ends in .png or .svg")
    application()
    view = canvas_view(graph, data_previews(graph) if previews is None else previews, problems)
    made, area = placed(view)
    size = round(area.width * scale), round(area.height * scale)
    if not scale > 0 or max(size) > SIZE_LIMIT:
        raise ValueError(
            f"scale: found {scale:g}, a picture of {size[0]:,} × {size[1]:,} px, expected at most "
            f"{SIZE_LIMIT:,} px a side; use a smaller scale"
        )
    if path.suffix.lower() == ".png":
        data = png(made, area, colours, scale, text)
    else:
        data = svg(made, area, colours, scale, text, path.stem)
    replace_files({path: data})
    return size


@cache
def application() -> QGuiApplication:
    """The running Qt application, or one without a display: pictures need fonts, never a screen."""
    running = QApplication.instance()
    if isinstance(running, QGuiApplication):
        return running
    chosen = os.environ.get("QT_QPA_PLATFORM")
    os.environ["QT_QPA_PLATFORM"] = chosen or "offscreen"
    try:
        return QApplication(["netloom"])
    finally:
        if chosen is None:
            del os.environ["QT_QPA_PLATFORM"]


def placed(view: CanvasView) -> tuple[Scene, Rect]:
    """The drawing with everything in its place, and the part of the canvas a picture shows."""
    made = scene(view)
    bounds = scene_bounds(made)
    if bounds is None:
        return made, EMPTY
    around = bounds.grown(MARGIN)
    x, y = float(round(around.x)), float(round(around.y))
    return made, Rect(x, y, float(round(around.right - x)), float(round(around.bottom - y)))


def fitting(area: Rect, scale: float) -> float:
    """`scale`, or the largest one below at which a picture of `area` is no larger than bearable."""
    side = SIZE_LIMIT / max(area.width, area.height)
    return min(scale, side, math.sqrt(PIXEL_LIMIT / (area.width * area.height)))


def image(
    drawing: Scene, area: Rect, colours: Theme, scale: float = 1.0, overlay: Overlay = "kind"
) -> QImage:
    """A part of the canvas as an opaque image, `scale` pixels for each px."""
    size = QSize(max(1, round(area.width * scale)), max(1, round(area.height * scale)))
    made = QImage(size, QImage.Format.Format_RGB32)
    _paint(made, drawing, area, colours, scale, overlay)
    return made


def png(drawing: Scene, area: Rect, colours: Theme, scale: float = 1.0, text: str = "") -> bytes:
    """A PNG file; the same drawing gives the same bytes."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image(drawing, area, colours, scale))
    data = bytes(buffer.data().data())
    return with_text(data, text) if text else data


def svg(
    drawing: Scene, area: Rect, colours: Theme, scale: float = 1.0, text: str = "", title: str = ""
) -> bytes:
    """An SVG file: text as outlines, so every viewer shows the same picture."""
    target = QByteArray()
    buffer = QBuffer(target)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setTitle(title)
    names = ", ".join(node.title for node in drawing.view.nodes)
    generator.setDescription(f"A neural network drawn in Netloom: {names}")
    generator.setSize(QSize(round(area.width * scale), round(area.height * scale)))
    generator.setViewBox(QRectF(0, 0, area.width * scale, area.height * scale))
    _paint(generator, drawing, area, colours, scale, "kind")
    data = bytes(target.data())
    if not text:
        return data
    head, end = data.rsplit(b"</svg>", 1)
    inside = f'<metadata id="{KEYWORD}">{escape(text)}</metadata>\n'
    return head + inside.encode() + b"</svg>" + end


def _paint(
    target: QPaintDevice, drawing: Scene, area: Rect, colours: Theme, scale: float, overlay: Overlay
) -> None:
    painter = QPainter(target)
    try:
        painter.scale(scale, scale)
        painter.translate(-area.x, -area.y)
        paint_scene(painter, drawing, area, colours, 1.0, overlay)
    finally:  # Qt ends the process when a device goes before its painter
        painter.end()


def with_text(data: bytes, text: str, keyword: str = KEYWORD) -> bytes:
    """A PNG with one more text chunk (compressed iTXt, UTF-8), found before any pixel is read."""
    body = keyword.encode("latin-1") + b"\0\1\0\0\0" + zlib.compress(text.encode(), 9)
    check = zlib.crc32(b"iTXt" + body)
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", check)
    place = data.index(b"IHDR") + 4 + 13 + 4  # name, header, checksum
    return data[:place] + chunk + data[place:]


def text_in(data: bytes, keyword: str = KEYWORD, limit: int = 64 << 20) -> str:
    """The text that `with_text` put into a PNG; "" when there is none.

    Reads at most `limit` bytes of text. Raises ValueError when `data` is no PNG or is damaged.
    """
    if not data.startswith(_PNG_START):
        raise ValueError("picture: found no PNG, expected one saved by Netloom")
    place, start = len(_PNG_START), keyword.encode("latin-1") + b"\0\1\0\0\0"
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        if kind == b"iTXt" and body.startswith(start):
            unpacker = zlib.decompressobj()
            try:
                found = unpacker.decompress(body[len(start) :], limit)
                return found.decode()
            except (zlib.error, UnicodeDecodeError) as error:
                raise ValueError("picture: the graph inside it is damaged") from error
        place += 12 + length
    return ""
