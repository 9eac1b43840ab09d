"""Qt's own widgets in the look's colours: Fusion, a palette and one style sheet, all from a Theme.

Widgets ask for a variant by a dynamic property, set before they are shown:
`kind` of buttons ("accent", "quiet", "raised", "chip"), of QCheckBox ("switch"), of QTabBar
("segments"), of QFrame ("line", "upright", "card"); `tone` of labels and fields ("secondary",
"tertiary", "mono", "title", "section" …); `invalid` of fields. The sheet is
`resources/themes/window.qss`.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from string import Template

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

import resources
from gui import fonts
from gui.look import Look
from gui.theme import Theme, mix, tokens

_SURFACES = (
    *("window", "canvas", "panel", "raised", "node", "field", "border", "hair", "hover"),
    *("selected_row", "text", "text2", "text3", "accent", "on_accent"),
    *("success", "warn", "error"),
)
# Images that a style sheet can name only as files: icon, and the field of the theme it wears.
_GLYPHS = {
    "chevron_up": "text2",
    "chevron_down": "text2",
    "chevron_right": "text2",
    "chevron_left": "text2",
    "close": "text2",
    "tick": "text2",
    "check": "on_accent",
    "minus": "on_accent",
}
_SWITCH = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 16">'
    '<rect width="28" height="16" rx="8" fill="{track}"/>'
    '<circle cx="{x}" cy="8" r="5.5" fill="{knob}"/></svg>'
)


class _Sheet(Template):
    delimiter = "@"


def apply(application: QApplication, theme: Theme) -> None:
    """Dress every widget of the application, those that stand and those to come."""
    if application.style().name() != "fusion":
        application.setStyle("Fusion")
    application.setFont(fonts.font("body"))
    application.setPalette(palette(theme))
    application.setStyleSheet(sheet(theme))


def follow(application: QApplication, look: Look) -> None:
    """Wear a look from now on, whatever theme it changes to."""
    apply(application, look.theme)
    look.changed.connect(lambda: apply(application, look.theme))


def restyle(widget: QWidget) -> None:
    """Look at the dynamic properties of a widget again after they changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def tints(theme: Theme) -> dict[str, str]:
    """Colours that tokens do not name: states of surfaces, mixed from two tokens each."""
    darker = theme.canvas if theme.name == "dark" else theme.text
    return {
        "raised_hover": mix(theme.raised, theme.text, 0.08),
        "raised_pressed": mix(theme.raised, theme.text, 0.14),
        "raised_off": mix(theme.raised, theme.panel, 0.5),
        "accent_hover": mix(theme.accent, theme.text, 0.12),
        "accent_pressed": mix(theme.accent, darker, 0.2),
        "track": mix(theme.panel, theme.text3, 0.28),
        "bar": mix(theme.panel, theme.text3, 0.25),
        "thumb": mix(theme.panel, theme.text3, 0.4),
        "faint": mix(theme.panel, theme.text3, 0.65),
    }


def palette(theme: Theme) -> QPalette:
    """The palette, for what no style sheet reaches. No role keeps a colour of Qt's own."""
    role, made = QPalette.ColorRole, QPalette()
    mixed = tints(theme)
    colours = {
        role.Window: theme.panel,
        role.WindowText: theme.text,
        role.Base: theme.field,
        role.AlternateBase: theme.panel,
        role.Text: theme.text,
        role.PlaceholderText: theme.text3,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.ToolTipBase: theme.node,
        role.ToolTipText: theme.text,
        role.Light: theme.border,
        role.Midlight: theme.hair,
        role.Mid: theme.border,
        role.Dark: theme.hair,
        role.Shadow: theme.window,
    }
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(mixed["faint"]))
    made.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(theme.raised))
    return made


def sheet(theme: Theme) -> str:
    """The style sheet of a theme."""
    size = tokens()["size"]
    names = {name: getattr(theme, name) for name in _SURFACES}
    names |= tints(theme) | _glyphs(theme)
    names |= {f"{name}_radius": f"{size['radius'][name]}px" for name in size["radius"]}
    names["mono"] = f'"{size["type"]["mono"]}"'
    return _Sheet(resources.locate("themes", "window.qss").read_text("utf-8")).substitute(names)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where coloured images lie while the process lives."""
    return tempfile.TemporaryDirectory(prefix="netloom-style-")


def _glyphs(theme: Theme) -> dict[str, str]:
    """Paths of the images of a theme."""
    mixed = tints(theme)
    texts = {}
    for name, colour in _GLYPHS.items():
        icon = resources.icon("check" if name == "tick" else name)
        texts[name] = icon.replace("currentColor", getattr(theme, colour))
    texts["switch_on"] = _SWITCH.format(track=theme.accent, x=20, knob=theme.on_accent)
    texts["switch_off"] = _SWITCH.format(track=mixed["thumb"], x=8, knob=theme.text)
    texts["switch_none"] = _SWITCH.format(track=mixed["track"], x=8, knob=mixed["faint"])
    found = {}
    for name, text in texts.items():
        file = Path(_folder().name) / f"{name}-{theme.name}.svg"
        file.write_text(text, "utf-8")
        found[name] = f'"{file.as_posix()}"'
    return found
