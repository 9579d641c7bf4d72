"""A screen in ASCII, and colours that are told apart."""

import unicodedata

import pytest
from rich.cells import cell_len

from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.app.drawing import palette
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.preferences.schema import Curves, Ramp
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.ascii_fallback import ascii_of
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted


def test_whatever_is_drawn_is_ascii_and_as_wide() -> None:
    drawn = [chr(c) for c in [*range(0x2190, 0x2200), *range(0x2500, 0x2600), *range(0x2801, 0x2900)]]
    for character in [*drawn, *"✓✗‖‹›…–−×±ε²Δ"]:
        assert cell_len(ascii_of(character)) == cell_len(character), character
        assert ascii_of(character).isascii(), unicodedata.name(character)
    assert ascii_of("╭─ ΔR ━╮ ▁▃█ │ lion 狮子 é") == "+- DR -+ _:# | lion 狮子 é"


def test_every_metric_has_a_name_in_ascii() -> None:
    """Whether or not a screen is tall enough to show it."""
    for metric in METRICS.values():
        for words in (metric.label, metric.short, metric.unit, metric.remark):
            assert ascii_of(words).isascii(), (metric.key, words)
            assert cell_len(ascii_of(words)) == cell_len(words), (metric.key, words)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_whole_screen_in_ascii(on: OpenApp, planted: Planted, size: tuple[int, int]) -> None:
    setup = Setup(Preferences(markers="ascii"))
    async with on(planted().start().record(2), size=size, setup=setup) as app:
        for keys in ("b", "5", "4", "7", "z", "question_mark", "escape e", "escape ctrl+p"):
            await app.press(*keys.split())
            assert app.text().isascii(), [c for c in app.text() if not c.isascii()]
        await app.press("escape", "escape", "o")
        assert app.text().isascii()


@pytest.mark.parametrize("name", Ramp.__args__)
def test_a_ramp_ascends_in_luminance_and_survives_256_colours(name: str) -> None:
    try:
        palette.choose("okabe-ito", name)
        colours = [palette.ramp_style(step).bgcolor for step in range(palette.STEPS)]
    finally:
        palette.choose("okabe-ito", "viridis")
    triplets = [colour.triplet for colour in colours if colour is not None and colour.triplet is not None]
    brightness = [palette._luminance(triplet.hex) for triplet in triplets]
    assert len(triplets) == palette.STEPS
    assert brightness == sorted(set(brightness))
    levels = {0, 95, 135, 175, 215, 255}
    for triplet in triplets:
        grey = len(set(triplet)) == 1 and (triplet[0] - 8) % 10 == 0
        assert grey or set(triplet) <= levels, triplet


@pytest.mark.parametrize("name", Curves.__args__)
@pytest.mark.parametrize(("dark", "background"), [(True, "#121212"), (False, "#e0e0e0")])
def test_curves_stand_out_from_their_background(name: str, dark: bool, background: str) -> None:
    try:
        palette.choose(name, "viridis")
        colours = [palette.curve_colour(index, dark) for index in range(6)]
    finally:
        palette.choose("okabe-ito", "viridis")
    assert len(set(colours)) == 6
    behind = palette._luminance(background)
    for colour in colours:
        bright, dim = sorted((palette._luminance(colour), behind), reverse=True)
        # WCAG asks 3:1 of graphical objects.
        assert (bright + 0.05) / (dim + 0.05) >= 3, colour
