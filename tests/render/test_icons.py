"""Icons: one stroke, one grid, one for every family and node type."""

import xml.etree.ElementTree as ET

import pytest
from PySide6.QtGui import QImage, QPainter

import graph.ops  # noqa: F401  fills the registry
import resources
from graph.op import REGISTRY
from gui.canvas.drawing import icon
from gui.theme import theme


@pytest.mark.parametrize("name", resources.icons())
def test_icon_keeps_to_the_house_rules(name: str) -> None:
    root = ET.fromstring(resources.icon(name))
    assert root.get("viewBox") == "0 0 16 16"
    assert root.get("stroke") == "currentColor"
    assert root.get("stroke-width") == "1.5"
    assert root.get("stroke-linecap") == "round"
    soft = [float(part.get("fill-opacity", "0")) for part in root if part.get("fill-opacity")]
    assert len(soft) <= 1
    assert all(0.3 <= share <= 0.45 for share in soft)


@pytest.mark.parametrize("name", resources.icons())
def test_icon_paints_in_the_given_colour_inside_its_square(name: str) -> None:
    image = QImage(48, 48, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    icon(painter, name, 8, 8, 32, "#FF0000")
    painter.end()
    inked = {
        (x, y)
        for x in range(48)
        for y in range(48)
        if image.pixelColor(x, y).alpha() > 128 and image.pixelColor(x, y).red() > 200
    }
    assert len(inked) > 40
    assert all(8 <= x < 40 and 8 <= y < 40 for x, y in inked)


@pytest.mark.parametrize("family", theme("dark").family)
def test_every_family_has_an_icon(family: str) -> None:
    assert family in resources.icons()


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_node_type_has_an_icon_of_its_own_or_of_its_family(name: str) -> None:
    op = REGISTRY[name]
    assert op.family in theme("dark").family
    assert {op.icon, op.family} & set(resources.icons())
