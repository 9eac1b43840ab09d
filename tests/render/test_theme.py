"""The look's promises about colour and type, measured from the tokens."""

import pytest
from PySide6.QtGui import QRawFont

import resources
from gui import fonts
from gui.theme import Theme, contrast, luminance, mix, theme, tokens

MOODS = ("dark", "light")
GROUNDS = ("canvas", "panel", "node", "field")
# Worst contrast over the grounds, as LOOK.md states it: text, text 2, text 3, accent, success,
# warn, error.
STATED = {
    "dark": (12.6, 6.8, 4.6, 5.8, 7.4, 8.2, 6.0),
    "light": (15.3, 7.1, 4.8, 4.9, 4.9, 5.3, 5.0),
}
INKS = ("text", "text2", "text3", "accent", "success", "warn", "error")


def test_contrast_of_black_on_white() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert luminance("#808080") == pytest.approx(0.2159, abs=1e-4)


def test_mix_runs_from_under_to_over() -> None:
    assert mix("#102030", "#F0E0D0", 0.0) == "#102030"
    assert mix("#102030", "#F0E0D0", 1.0) == "#F0E0D0"
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"


@pytest.mark.parametrize("mood", MOODS)
def test_text_contrast_is_as_stated(mood: str) -> None:
    colours = theme(mood)
    for ink, stated in zip(INKS, STATED[mood], strict=True):
        worst = min(contrast(getattr(colours, ink), getattr(colours, g)) for g in GROUNDS)
        assert worst == pytest.approx(stated, abs=0.06), ink
        assert worst >= 4.5, ink


@pytest.mark.parametrize("mood", MOODS)
def test_every_recorded_ratio_holds(mood: str) -> None:
    given, colours = tokens()["themes"][mood], theme(mood)
    for ink, ratios in given["contrast"].items():
        for ground, ratio in ratios.items():
            measured = contrast(getattr(colours, ink), getattr(colours, ground))
            assert measured == pytest.approx(ratio, abs=0.06), (ink, ground)
    for family, ratio in given["familyContrastOnNode"].items():
        measured = contrast(colours.family[family], colours.node)
        assert measured == pytest.approx(ratio, abs=0.06), family
        assert measured >= 3.0, family  # graphics, WCAG 1.4.11
    for token, ratio in given["portContrastOnCanvas"].items():
        assert contrast(given["port"][token], colours.canvas) == pytest.approx(ratio, abs=0.06)


@pytest.mark.parametrize("mood", MOODS)
def test_names_read_on_every_header(mood: str) -> None:
    colours = theme(mood)
    for family in colours.family:
        assert contrast(colours.text, colours.header(family)) >= 7.0, family


@pytest.mark.parametrize("mood", MOODS)
def test_ramps_keep_their_ends_and_grow(mood: str) -> None:
    colours: Theme = theme(mood)
    for name, stops in colours.ramps.items():
        assert len(stops) == 17
        assert colours.ramp(name, -1.0) == colours.ramp(name, 0.0) == stops[0].upper()
        assert colours.ramp(name, 2.0) == colours.ramp(name, 1.0) == stops[-1].upper()
    light = [luminance(colours.ramp("activation", step / 32)) for step in range(33)]
    assert light == sorted(light)


def test_unknown_theme_is_refused() -> None:
    with pytest.raises(ValueError, match="expected dark or light"):
        theme("sepia")


@pytest.mark.parametrize("style", fonts.STYLES)
def test_text_is_set_in_the_bundled_fonts(style: str) -> None:
    name, family = fonts.STYLES[style]
    size, _, weight = tokens()["size"]["type"][name]
    raw = QRawFont.fromFont(fonts.font(style))
    assert raw.familyName().startswith(tokens()["size"]["type"][family])
    assert raw.pixelSize() == size
    assert raw.weight() == weight


def test_figures_are_tabular() -> None:
    for style in fonts.STYLES:
        assert fonts.measure("1111", style) == pytest.approx(fonts.measure("8080", style))


def test_fonts_stay_small_and_licensed() -> None:
    sizes = {file: len(resources.font(file)) for file in resources.FONTS}
    assert sum(sizes.values()) < 2_000_000
    for stem in ("Inter", "JetBrainsMono"):
        text = resources.locate("fonts", f"{stem}-OFL.txt").read_text("utf-8")
        assert "SIL Open Font License, Version 1.1" in text
