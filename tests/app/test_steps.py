"""Denoising steps on the screens: with timesteps, as they become known, and where they are mislabelled."""

from dataclasses import replace
from typing import Any

import pytest

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.saved_state import SavedState
from subspacelens_tui.app.screens.sweep import SweepScreen
from subspacelens_tui.app.selection import first_selection, with_captured
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.snapshots import Recording
from subspacelens_tui.app.widgets.run_bar import RunBar
from subspacelens_tui.app.widgets.sweep_map import SweepMap
from subspacelens_tui.sessions import Phase, RunState
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.writer import replace_manifest
from tests.app.conftest import OpenApp
from tests.app.test_compare import compared
from tests.app.test_widgets import drawn
from tests.conftest import PlantedSession
from tests.conftest import PlantedSessionFactory as Planted

TIMESTEPS = [950.0 - 50 * step for step in range(20)]
MISLABELLED = "steps are mislabelled: its scheduler ran more than the 20 counted here"


def mislabelled(session: PlantedSession) -> PlantedSession:
    EventWriter(session.path).write("heartbeat", step=33, images=[0], device=None)
    return session


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_chosen_step_is_shown_with_its_timestep(
    on: OpenApp, planted: Planted, size: tuple[int, int]
) -> None:
    async with on(planted(timesteps=TIMESTEPS, seeds=2).start().record(), size=size) as app:
        assert "[19 (t 0)]" in app.text()
        await app.press("s")
        assert "[5 (t 700)]" in app.text()
        # The controls are whole beside it.
        for control in ("features", "rank", "null", "intervals"):
            assert f"{control} " in app.text()
        assert ("step 5 (t 700) ─" in app.text()) == (
            size[0] > 80
        )  # in the frames of panes, where there is room
        assert "step 5 (t 700)" in app.screen.panes[0].as_text()


async def test_an_older_session_has_steps_alone(on: OpenApp, planted: Planted) -> None:
    async with on(planted(seeds=2).start().record()) as app:
        assert "[19]" in app.text()
        assert "(t " not in app.text()


async def test_maps_tables_and_comparisons_have_timesteps(on: OpenApp, planted: Planted) -> None:
    session = planted(timesteps=TIMESTEPS, layers=4, seeds=2).start().record()
    async with on(session, size=(80, 24)) as app:
        await app.press("m", "up")
        assert isinstance(app.app.screen, SweepScreen)
        assert "guidance  step      t" in app.text()
        rows = [line.split()[1:4] for line in app.text().splitlines() if line.startswith(("▶ ", "  "))]
        assert ["3", "5", "700"] in rows
        assert "guidance 3, step 5 (t 700), L0" in app.text()
        assert [row["timestep"] for row in app.app.screen.query_one(SweepMap).numbers()] == [700.0] * 4 + [
            0.0
        ] * 4
        await app.pilot.click("#map", offset=(30, 2))  # the row of step 19, the first layers
        assert "step 19 (t 0), L" in app.text()
        await app.press("escape", "5", "w", "w")
        assert " step      t layer overlap  null  candidates" in app.text()
        assert [row["timestep"] for row in app.screen.query_one("#separation").numbers()] == [700.0, 0.0]
        await app.press("c")
        await compared(app)
        assert app.text().count("step 19 (t 0)") == 2


@pytest.mark.parametrize(
    ("width", "shown"), [(120, "  step  7/20 (t 600)"), (80, "  step  7/20 (t 600)"), (72, "  step  7/20")]
)
async def test_the_run_bar_says_which_step_of_how_many(planted: Planted, width: int, shown: str) -> None:
    now = RunState(Phase.RECORDING, "", 312, 500, rate=2.4, step=7)
    manifest = planted("run", timesteps=TIMESTEPS).manifest
    text = await drawn(RunBar(), (width, 1), Recording("run", manifest, 6, now, "run", (), (), {3.0: 312}))
    assert text.rstrip().endswith(shown)
    decoding = replace(now, step=20)
    text = await drawn(
        RunBar(), (width, 1), Recording("run", manifest, 6, decoding, "run", (), (), {3.0: 312})
    )
    assert text.rstrip().endswith("  step 20/20")


class TestMislabelled:
    """Everything that opens a session in which steps are not what they are called says so."""

    async def test_on_its_screen_and_in_its_log(self, on: OpenApp, planted: Planted) -> None:
        async with on(mislabelled(planted(seeds=2).start().record()), size=(80, 24)) as app:
            assert f"! {MISLABELLED}" in " ".join(app.text().split())
            await app.press("7", "z")
            assert "problem   steps are mislabelled: its scheduler ran more than" in app.text()
            assert "problem" in [row["event"] for row in app.screen.query_one("#log").numbers()]

    async def test_in_its_sweep_and_comparison(self, on: OpenApp, planted: Planted) -> None:
        planted("right", layers=3, seeds=2).start().record()
        async with on(mislabelled(planted(layers=3, seeds=2).start().record()), size=(80, 24)) as app:
            await app.press("m")
            assert f"! {MISLABELLED}" in " ".join(app.text().split())
            await app.press("escape", "c")
            await compared(app)
            assert f"! A and B: {MISLABELLED}" in " ".join(app.text().split())
            await app.press("o")
            await compared(app)
            assert f"! A: {MISLABELLED}" in " ".join(app.text().split())

    async def test_in_the_list(self, open_app: OpenApp, planted: Planted) -> None:
        session = mislabelled(planted(layers=3, seeds=2).start().record())
        async with open_app(session.path.parent) as app:
            assert f"! {MISLABELLED}" in " ".join(app.text().split())


class TestAsTheyBecomeKnown:
    """A viewer that came before the model was loaded has the steps that were asked for."""

    def planned(self, planted: Planted, **changes: Any) -> PlantedSession:
        session = planted(capture_steps=(0, 10, 19), seeds=2)
        plan = {"blocks": [], "input_width": None, "default_capture": True, **changes}
        replace_manifest(session.path, session.manifest.model_copy(update=plan))
        return session.start()

    def loaded(self, session: PlantedSession) -> None:
        """The recorder has found 39 steps, of which these are kept."""
        session.capture_steps = (0, 19, 38)
        found = {
            "steps": 39,
            "capture_steps": [0, 19, 38],
            "timesteps": [float(38 - step) for step in range(39)],
        }
        session.manifest = session.manifest.model_copy(update=found)
        replace_manifest(session.path, session.manifest)

    async def test_the_last_stays_the_last(self, on: OpenApp, planted: Planted) -> None:
        session = self.planned(planted)
        async with on(session) as app:
            assert "[19]" in app.text()
            self.loaded(session)
            session.record()
            await app.settled()
            assert "[38 (t 0)]" in app.text()
            assert app.screen.analysis.error is None
            assert app.screen.analysis.main.images == 18

    async def test_the_last_is_not_remembered_by_its_number(
        self, on: OpenApp, planted: Planted, tmp_path: Any
    ) -> None:
        session, saved = self.planned(planted), SavedState(tmp_path / "state.json")
        async with on(session, setup=Setup(saved=saved)):
            pass
        self.loaded(session)
        session.record()
        async with on(session, setup=Setup(saved=SavedState(tmp_path / "state.json"))) as app:
            assert "[38 (t 0)]" in app.text()

    @pytest.mark.parametrize(("step", "becomes"), [(0, 0), (5, 9), (10, 19), (15, 29), (19, 38), (None, 38)])
    def test_each_keeps_its_place(self, planted: Planted, step: int | None, becomes: int) -> None:
        before = planted(capture_steps=(0, 5, 10, 15, 19)).manifest
        now = before.model_copy(update={"capture_steps": [0, 9, 19, 29, 38], "steps": 39})
        selection, _ = first_selection(Settings(step=step), before)
        assert with_captured(selection, before, now).settings.step == becomes
        assert with_captured(selection, before, before) == selection

    def test_of_fewer_steps_there_may_come_more(self, planted: Planted) -> None:
        before = planted(capture_steps=(0, 1)).manifest
        now = before.model_copy(update={"capture_steps": [0, 1, 2]})
        selection, _ = first_selection(Settings(), before)
        assert with_captured(selection, before, now).settings.step == 2
