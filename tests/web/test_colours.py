"""The colours of the pages: text that can be read in light and dark, and series that can be told apart by everyone's eyes."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from tests.web.colour_vision import VISIONS, contrast, distance

TOKENS = Path(__file__).parents[2] / "web" / "static" / "web" / "css" / "tokens.css"
TEXT = 4.5  # WCAG 2.2 AA, 1.4.3
GRAPHICS = 3.0  # 1.4.11: what one has to see to use or read a thing
APART = 9.5  # in Oklab times a hundred; a just noticeable difference is about 2
THEMES = ("light", "dark")
SERIES = [f"chart-{number}" for number in range(1, 11)]


def tokens(theme):
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", TOKENS.read_text())
    return {name: light if theme == "light" else dark for name, light, dark in pairs}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ink", ["ink", "ink-2", "accent", "ok", "warn", "bad", "info", "idle"])
@pytest.mark.parametrize("ground", ["surface", "paper", "raised", "sunken", "hover"])
def test_text_can_be_read_on_every_ground(theme, ink, ground):
    colours = tokens(theme)

    assert contrast(colours[ink], colours[ground]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tone", ["ok", "warn", "bad", "info", "idle"])
def test_states_can_be_read_on_their_wash(theme, tone):
    colours = tokens(theme)

    assert contrast(colours[tone], colours[f"{tone}-wash"]) >= TEXT
    assert contrast(colours["ink"], colours[f"{tone}-wash"]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
def test_buttons_and_selected_rows_can_be_read(theme):
    colours = tokens(theme)

    assert contrast(colours["accent-ink"], colours["accent"]) >= TEXT
    assert contrast(colours["accent"], colours["accent-wash"]) >= TEXT
    assert contrast(colours["edge"], colours["surface"]) >= GRAPHICS


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_ten_series_can_be_told_apart(theme, vision):
    colours = tokens(theme)
    closest = min(combinations(SERIES, 2), key=lambda pair: distance(colours[pair[0]], colours[pair[1]], vision))

    assert distance(colours[closest[0]], colours[closest[1]], vision) >= APART, closest


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", SERIES)
def test_a_line_can_be_seen_on_the_surface(theme, name):
    colours = tokens(theme)

    assert contrast(colours[name], colours["surface"]) >= GRAPHICS


def test_the_simulation_knows_which_colours_are_confused():
    """A check that passes everything would prove nothing: red and green of one lightness fall together for who lacks a cone."""
    red, green = "#b2554b", "#7d7a1e"

    assert distance(red, green, "usual") > 12
    assert distance(red, green, "deuteranopia") < 6


def test_what_scripts_read_is_registered_as_a_colour():
    """Else a canvas would be given the words `light-dark(…)`, which it cannot paint with."""
    registered = set(re.findall(r"@property --([\w-]+) \{ syntax: \"<color>\"", TOKENS.read_text()))

    assert {*SERIES, "chart-grid", "ink-2", "bad", "surface"} <= registered
