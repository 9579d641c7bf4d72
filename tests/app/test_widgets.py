"""What single widgets draw, row by row: golden text."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widget import Widget

from subspacelens_tui.analysis.classes import group_starts
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.panes.inspector import Inspector
from subspacelens_tui.app.panes.layer_list import LayerList
from subspacelens_tui.app.panes.overlap_matrix import OverlapMatrixPane
from subspacelens_tui.app.selection import Selection
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.widgets.run_bar import RunBar
from subspacelens_tui.app.widgets.scrubber import Scrubber
from subspacelens_tui.geometry import NullSummary
from subspacelens_tui.sessions import Phase, RunState
from subspacelens_tui.sessions.state import RankState
from tests.conftest import PlantedSessionFactory as Planted

CLASSES = ("animals", "buildings", "food")
SETTINGS = Settings(labels="coarse", step=19, guidance=3.0, subspace_dim=4)


def analysis(classes: Sequence[str] = CLASSES, layers: int = 3, **missing: str) -> Analysis:
    rng = np.random.default_rng(0)
    count = len(classes)
    overlap = np.stack([_symmetric(rng, count) for _ in range(layers)])
    result = Result(
        settings=SETTINGS,
        images=30,
        classes=tuple(classes),
        class_sizes=(10,) * count,
        layers=tuple(_layer(i, dict(missing), overlap[i]) for i in range(layers)),
    )
    return Analysis(Selection(SETTINGS), {("coarse", "cond"): result}, permutations=200)


def _symmetric(rng: np.random.Generator, count: int) -> np.ndarray:
    matrix = 0.2 + 0.2 * rng.random((count, count))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _layer(index: int, missing: dict[str, str], overlap: np.ndarray) -> LayerResult:
    excess = 10.0 * index + 0.5
    null = NullSummary(
        mean=20.0, std=0.5, low=19.0, high=21.0, excess=excess, z=2 * excess, p=0.005, permutations=200
    )
    return LayerResult(
        layer=index,
        name=f"transformer_blocks.{index}",
        width=1152,
        eps=0.5,
        rank_ceiling=30,
        values={
            "R": 100.0 + index,
            "Rc": 80.0 - excess,
            "delta_R": 20.0 + excess,
            "ratio": None if "ratio" in missing else 0.6,
            "effective_rank": 25.0,
            "overlap_mean": 0.3,
            "hoyer": 0.25,
        },
        arrays={"overlap": overlap},
        nulls={"delta_R": null},
        missing=missing,
    )


class Stage(App[None]):
    """One widget of a given size."""

    CSS = "Screen { overflow: hidden; }"

    def __init__(self, widget: Widget, size: tuple[int, int]) -> None:
        super().__init__()
        self._widget = widget
        widget.styles.width, widget.styles.height = size
        widget.styles.border = ("none", "white")

    def compose(self) -> ComposeResult:
        yield self._widget


def rows(widget: Widget) -> str:
    lines = (widget.render_line(y) for y in range(widget.size.height))
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


async def drawn(widget: Any, size: tuple[int, int], *args: Any, **keywords: Any) -> str:
    async with Stage(widget, size).run_test(size=(140, 50)) as pilot:
        widget.update(*args, **keywords)
        await pilot.pause()
        assert all(segment.style is not None for y in range(size[1]) for segment in widget.render_line(y))
        return rows(widget)


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "truecolor")
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")


async def test_matrix_with_numbers() -> None:
    assert await drawn(OverlapMatrixPane(), (36, 8), None, analysis(), 1) == MATRIX


async def test_matrix_of_25_classes_in_little_room() -> None:
    names = [f"class{i:02}" for i in range(25)]
    text = await drawn(OverlapMatrixPane(), (36, 30), None, analysis(names), 0)
    lines = text.splitlines()
    assert len(lines) == 30
    assert sum(line.startswith("cla") for line in lines) == 26  # 25 rows and the named cell
    assert lines[-1].startswith("class00 × class01 .2")


async def test_heads_are_written_downwards_where_cells_are_narrow_and_groups_are_ruled(
    planted: Planted,
) -> None:
    session = planted(seeds=2).start()
    manifest = session.manifest
    subjects = [prompt.labels["fine"] for prompt in manifest.prompts]
    starts = group_starts(manifest, "fine", subjects)
    groups = [prompt.labels["coarse"] for prompt in manifest.prompts]
    assert [groups[place] != groups[place - 1] for place in range(1, len(groups))] == [
        place in starts for place in range(1, len(groups))
    ]
    assert group_starts(manifest, "coarse", sorted(set(groups))) == ()
    pane, found = OverlapMatrixPane(), analysis(subjects)
    settings = replace(SETTINGS, labels="fine")
    result = replace(found.results["coarse", "cond"], settings=settings)
    found = Analysis(Selection(settings), {("fine", "cond"): result}, permutations=200)
    recording = Recording("run", manifest, 3, state(Phase.FINISHED), "run", (), (), {3.0: 18})
    pane.digits = False
    text = (await drawn(pane, (40, 24), recording, found, 0)).splitlines()
    head = text.index(next(line for line in text if line.startswith("L0")))
    columns = ["".join(line.ljust(40)[x] for line in text[: head + 1]).strip() for x in range(40)]
    names = [name for name in columns[len(max(subjects, key=len)) :] if name]
    assert names == [subject[: head + 1] for subject in subjects]
    assert text[head + 1].count("▏") == len(starts)


async def test_matrix_larger_than_its_room_scrolls_with_its_cursor() -> None:
    names = [f"{i:02}" for i in range(60)]
    pane = OverlapMatrixPane()
    async with Stage(pane, (30, 12)).run_test(size=(80, 30)) as pilot:
        pane.update(None, analysis(names), 0)
        pane.action_cell(59, 58)
        await pilot.pause()
        assert rows(pane).splitlines()[-1].startswith("59 × 59")
        assert "59" in rows(pane).splitlines()[9]


async def test_inspector_gives_reasons_for_what_is_missing() -> None:
    text = await drawn(Inspector(), (36, INSPECTOR.count("\n") + 1), None, analysis(ratio="R is 0"), 2)
    assert text == INSPECTOR


async def test_inspector_scrolls_where_it_does_not_fit() -> None:
    pane = Inspector()
    async with Stage(pane, (36, 10)).run_test(size=(80, 30)) as pilot:
        pane.update(None, analysis(), 1)
        await pilot.pause()
        pane.action_scroll_metrics(3)
        assert rows(pane).splitlines()[2].startswith("excess")
        pane.action_scroll_metrics(1000)
        assert rows(pane).splitlines()[-1] == "N 30  d 1152  K 3  n 10"
        pane.action_scroll_metrics(-1000)
        assert rows(pane).splitlines()[2].startswith("R ")


async def test_layer_list() -> None:
    assert await drawn(LayerList(), (36, 5), None, analysis(), 1) == LAYERS


async def test_layer_list_says_more_of_each_layer_where_there_is_room() -> None:
    pane = LayerList()
    lines = (await drawn(pane, (40, 13), None, analysis(), 1)).splitlines()
    assert [line.split()[0] for line in lines[1::4]] == ["0", "▶", "2"]
    assert "Rc 79.5" in lines[2]
    assert not lines[4].strip()


async def test_layer_list_keeps_the_selected_layer_in_sight() -> None:
    pane = LayerList()
    text = await drawn(pane, (30, 6), None, analysis(layers=28), 20)
    assert "▶ 20" in text


def state(phase: Phase, **fields: Any) -> RunState:
    return RunState(phase, fields.pop("detail", ""), 312, 500, **fields)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (120, " SubspaceLens  planted › run"),
        (80, " planted › run"),
        (50, " planted › run"),
    ],
)
async def test_run_bar_drops_what_matters_least(planted: Planted, width: int, line: str) -> None:
    device = {"name": "NVIDIA H200", "utilisation": 71, "used": 41e9, "total": 141e9}
    now = state(Phase.RECORDING, rate=2.4, step=7, device=device)
    recording = Recording("run", planted("run").manifest, 6, now, "run", (), (), {3.0: 312})
    text = await drawn(RunBar(), (width, 1), recording)
    assert text.startswith(line)
    assert "● recording 312/500" in text
    assert ("NVIDIA H200 71 % 41/141 GB" in text) == (width == 120)
    assert ("ETA 1:18" in text) == (width >= 50)


@pytest.mark.parametrize("lost", [1, 9])
async def test_run_bar_names_ranks_that_are_gone(planted: Planted, lost: int) -> None:
    ranks = tuple(
        RankState(n, 12, Phase.FAILED if n < lost else Phase.STALE if n == 9 else Phase.RECORDING, "")
        for n in range(12)
    )
    now = state(Phase.RECORDING, rate=2.4, ranks=ranks)
    recording = Recording("run", planted("run").manifest, 6, now, "run", (), (), {3.0: 312})
    text = await drawn(RunBar(), (120, 1), recording)
    assert ("rank 0 failed" if lost == 1 else "9 ranks failed") + ", rank 9 silent" in text
    assert "12 ranks" in text


async def test_scrubber() -> None:
    text = await drawn(Scrubber(), (70, 1), recorded=312, planned=500, chosen=100, live=True)
    assert text == SCRUBBER


async def test_only_what_changed_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    pane = LayerList()
    async with Stage(pane, (36, 20)).run_test(size=(80, 30)) as pilot:
        pane.update(None, analysis(layers=12), 3)
        await pilot.pause()
        refreshed: list[Region] = []
        monkeypatch.setattr(pane, "refresh", lambda *regions, **_: refreshed.extend(regions))
        pane.update(None, analysis(layers=12), 3)
        assert refreshed == []
        pane.update(None, analysis(layers=12), 4)
        assert {region.y for region in refreshed} == {4, 5}


MATRIX = """\
          animals           food
L1            ╷  buildings    ╷
animals       1     ▸.37◂    .22
buildings    .37      1      .36
food         .22     .36      1

.20            .40  mean .30
animals × buildings .367"""
INSPECTOR = """\
L2       transformer_blocks.2
          value   null      z
R           102
Rc         59.5
ΔR         40.5   20.0  +41.0
excess    +20.5   p ≤ .005
Rc/R      R is 0
erank      25.0
erank λ       –
PR            –
PR naive      –
stable r      –
ceiling      30  N < d: set by N
overlap    .300
explained     –
 own half     …  two halves: …
Hoyer      .250
 Gauss        …  entries, same d
 Laplace      …  entries, same d
JB       share over …, the 1 % point
 pooled       …  of all
 centred      …  by class
 surrog.      …  Gauss, same cov.
 α            …
norm          –
 top dim      …  of Σz²
‖Δ‖/‖Z‖       –
radial        –
spectral      –
A_E           –
z_E           –
b             –
R²            –
 L_y          …
 norms        …
 A_lab        …
 A_ex         …
 z_rot        …
 both         …
 5-NN         …
 CKA c–u      …
N 30  d 1152  K 3  n 10"""
LAYERS = """\
   L    ΔR excess Rc/R erank
   0  20.5  +0.50  .60  25.0 ▏
▶  1  30.5  +10.5  .60  25.0 ███▋
   2  40.5  +20.5  .60  25.0 ███████
"""
SCRUBBER = """\
 images ━━━━━━━━●━━━━━━━━━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ 100/500 of 312"""
