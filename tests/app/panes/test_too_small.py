"""A pane without metrics says which it is: too little room, no values and why, or that they are computed."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subspacelens_tui.analysis.over_eps import OverEps
from subspacelens_tui.analysis.statistics.pairs_of_layers import MatrixNull
from subspacelens_tui.app.panes import registry
from subspacelens_tui.app.panes.effective_rank import EffectiveRankPane
from subspacelens_tui.app.panes.excess import ExcessPane
from subspacelens_tui.app.panes.inspector import Inspector
from subspacelens_tui.app.panes.layer_list import LayerList
from subspacelens_tui.app.panes.log import LogPane
from subspacelens_tui.app.panes.overlap_by_layer import OverlapByLayerPane
from subspacelens_tui.app.panes.overlap_by_step import OverlapByStepPane
from subspacelens_tui.app.panes.overlap_matrix import OverlapMatrixPane
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.panes.spectrum import SpectrumPane
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.widgets.comparison import ComparisonPlot
from subspacelens_tui.app.widgets.sweep_map import SweepMap
from subspacelens_tui.sessions import Phase, RunState
from tests.app.conftest import Driver, OpenApp, with_pictures
from tests.app.sparse_result import sparse_result
from tests.app.test_widgets import Stage, analysis, drawn, rows
from tests.conftest import PlantedSessionFactory as Planted

SMALL = [(20, 5), (39, 100), (300, 9)]
SIZES = [*SMALL, (40, 10), (40, 12), (300, 12), (50, 15), (80, 24), (120, 20), (300, 100)]
PANES = tuple(pane for pane in registry.PANES if pane is not LogPane)
OF_OVERLAP, OF_RANKS = (OverlapMatrixPane, OverlapByLayerPane), (EffectiveRankPane, SpectrumPane)


Recorded = Callable[..., Recording]


@pytest.fixture
def recorded(planted: Planted) -> Recorded:
    """How a session stands of which so many images are recorded at guidance 3."""
    manifest = planted("run").manifest

    def made(images: int, phase: Phase = Phase.RECORDING) -> Recording:
        now = RunState(phase, "", images, 36)
        return Recording("run", manifest, 6, now, "run", (), (), {3.0: images})

    return made


def without(of: Analysis, *result: str, reason: str = "") -> Analysis:
    """The same metrics without some, and perhaps the reason."""
    main = of.main
    assert main is not None
    missing = dict.fromkeys(result, reason) if reason else {}
    layers = tuple(
        replace(layer, values={**layer.values, **dict.fromkeys(result)}, arrays={}, missing=missing)
        for layer in main.layers
    )
    found = replace(main, layers=layers)
    return replace(of, results={of.selection.main: found})


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("pane", PANES)
@pytest.mark.parametrize("size", [(60, 12), (16, 3), (30, 2)])
async def test_what_is_read_or_computed_is_not_missing(
    recorded: Recorded, pane: type[Pane], size: tuple[int, int]
) -> None:
    assert words(await drawn(pane(), size, None, None, 0)).startswith("reading the")
    nothing = await drawn(pane(), (60, 12), recorded(0), None, 0)
    assert words(nothing) == "recording: the first curves come with the second image"
    over = await drawn(pane(), (60, 12), recorded(0, Phase.STOPPED), None, 0)
    assert words(over) == "stopped: nothing was recorded"
    computed = await drawn(pane(), size, recorded(9), None, 0)
    assert words(computed).startswith("computing …")
    none = replace(analysis(), results={("coarse", "cond"): replace(analysis().main, layers=(), images=0)})
    elsewhere = recorded(9)
    elsewhere = replace(elsewhere, recorded={1.0: 9, 3.0: 0})
    assert words(await drawn(pane(), (60, 12), elsewhere, none, 0)) == "no images at guidance 3 yet"


@pytest.mark.parametrize("pane", [*OF_OVERLAP, *OF_RANKS])
async def test_what_has_no_values_says_why_or_that_they_come(recorded: Recorded, pane: type[Pane]) -> None:
    result = ("overlap_mean",) if pane in OF_OVERLAP else ("effective_rank",)
    now = recorded(9)
    why = without(analysis(), *result, reason="there is one class only (food)")
    assert "there is one class only (food)" in words(await drawn(pane(), (60, 12), now, why, 0))
    coming = replace(without(analysis(), *result), refining=True)
    assert words(await drawn(pane(), (60, 12), now, coming, 0)) == "computing …"
    never = without(analysis(), *result)
    assert words(await drawn(pane(), (60, 12), now, never, 0)) == "no values at these settings"


async def test_a_value_that_is_on_its_way_is_not_one_that_there_is_not() -> None:
    coming = replace(without(analysis(), "effective_rank"), refining=True)
    for found, sign in ((coming, "…"), (replace(coming, refining=False), "–")):
        assert (await drawn(LayerList(), (36, 5), None, found, 0)).splitlines()[2].split()[-2] == sign
        inspector = await drawn(Inspector(), (36, 24), None, found, 0)
        assert f"erank         {sign}" in inspector


@pytest.mark.parametrize("pane", [pane for pane in PANES if pane is not OverlapByStepPane])
async def test_every_size_has_metrics_or_says_what_it_needs(pane: type[Pane]) -> None:
    of = analysis(layers=12)
    assert of.main is not None
    points = np.column_stack([np.geomspace(0.01, 10, 30), np.linspace(0.7, 1.1, 30), np.full(30, 0.05)])
    arrays = {"spectra": np.array([9.0, 3.0, 1.0]), "gains": points}
    layers = tuple(
        replace(
            layer,
            arrays={**layer.arrays, **arrays},
            values={**layer.values, "expansion_z": layer.layer - 4.0},
        )
        for layer in of.main.layers
    )
    null = MatrixNull(0.01, np.full((12, 12), 90.0), None, 0)
    alike = replace(of.main, matrices={"cka": 1 - np.eye(12) / 9}, matrix_nulls={"cka": null})
    over_eps = (0, OverEps(layers[:1], of.main))
    main = replace(of.main, layers=layers)
    of = replace(of, results={of.selection.main: main}, alike=alike, over_eps=over_eps)
    of = replace(of, sparse=sparse_result(12))
    shown, widget = 0, pane()
    async with Stage(widget, (60, 12)).run_test(size=(140, 50)) as pilot:
        widget.update(None, of, 0)
        for width, height in itertools.product((4, 9, 14, 17, 18, 36, 60), (1, 2, 3, 4, 5, 6, 7, 12)):
            widget.styles.width, widget.styles.height = width, height
            await pilot.pause()
            assert widget.size == (width, height)
            text = rows(widget)
            assert "no values" not in text
            if not (small := words(text).startswith(("too", "needs"))):
                shown += 1
            assert small or (width >= 10 and height >= 2), text
            assert not small or width < 18 or height < 6, text
    assert shown > 5


async def test_what_is_needed_is_said_with_the_frame() -> None:
    assert await drawn(ExcessPane(), (40, 5), None, analysis(), 0) == "too small: needs 6 rows\n\n\n\n"
    assert await drawn(ExcessPane(), (14, 2), None, analysis(), 0) == "too small:\nneeds 6 rows"
    assert await drawn(ExcessPane(), (14, 1), None, analysis(), 0) == "needs 6 rows"
    assert words(await drawn(ExcessPane(), (9, 6), None, analysis(), 0)) == "too small: needs 11 columns"
    assert words(await drawn(SweepMap(), (3, 2), "excess", ())) == ""


async def test_a_comparison_without_values_says_why() -> None:
    plot = ComparisonPlot("sides")
    assert words(await drawn(plot, (60, 3), None, "R", 0, "computing …")) == "computing …"


async def resized(app: Driver, size: tuple[int, int]) -> str:
    await app.pilot.resize_terminal(*size)
    await app.pilot.pause()
    return app.text()


SCREENS = ("", "question_mark", "escape e", "escape m", "escape c", "escape a", "escape o", "n")
PANES_OF_ONE_SCREEN = ("2", "w", "w", "4", "w", "5", "w", "w", "6", "7")
# Whether a screen is seen at all is the same whichever of its panes is focused.
OF_PANES = [(40, 10), (50, 15), (300, 100)]


@pytest.mark.parametrize(("screens", "sizes"), [(SCREENS, SIZES), (PANES_OF_ONE_SCREEN, OF_PANES)])
async def test_every_screen_at_every_size(
    on: OpenApp, planted: Planted, screens: Sequence[str], sizes: Sequence[tuple[int, int]]
) -> None:
    async with on(with_pictures(planted(layers=2, seeds=2, guidance=(3.0, 6.0)).start())) as app:
        for keys in screens:
            await app.press(*keys.split())
            for size in sizes:
                text = await resized(app, size)
                whole = words(text).startswith("too small: needs 40 columns and 10 rows")
                assert whole == (size in SMALL), (keys, size)
                assert not whole or len(words(text)) == len("too small: needs 40 columns and 10 rows")
                assert "no values" not in text, (keys, size)
                assert "computing …" not in text, (keys, size)
                if size in ((80, 24), (300, 100)):
                    assert "too small" not in text, (keys, size)
            await app.pilot.resize_terminal(120, 40)
            await app.settled()


@pytest.mark.parametrize("width", [40, 60, 300])
async def test_a_dialog_is_seen_whole_wherever_the_screen_is(
    on: OpenApp, planted: Planted, width: int
) -> None:
    async with on(planted(layers=2).start().record(), size=(width, 10)) as app:
        await app.press("e")
        field: Any = app.app.focused
        field.value = "x"
        await app.press("enter")
        said = words(app.text().replace("│", " "))
        assert "ε must be a positive number" in said
        assert "esc: cancel" in said
