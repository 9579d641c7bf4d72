"""Sessions with features that are not finite: what the screens say instead of waiting for ever."""

from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui.app.print_session import show
from subspacelens_tui.app.screens.sweep import SweepScreen
from subspacelens_tui.app.widgets.sweep_map import SweepMap
from subspacelens_tui.sessions import Phase
from tests.app.conftest import OpenApp, with_pictures
from tests.conftest import PlantedSession
from tests.conftest import PlantedSessionFactory as Planted

Tensor = np.ndarray
COND, UNCOND = 0, 1


def spoil(session: PlantedSession, change: Callable[[Tensor], None]) -> PlantedSession:
    """Change every block (n, branch, step, width) of a session; no event says so, as in those of old."""
    for path in (session.path / "features").iterdir():
        tensors = load_file(path)
        for name, tensor in tensors.items():
            if name.startswith("blocks"):
                change(tensor)
        save_file(tensors, path)
    return session


def all_of(branch: int | slice, step: int | slice) -> Callable[[Tensor], None]:
    def change(tensor: Tensor) -> None:
        tensor[:, branch, step, 1] = np.nan

    return change


EVERYWHERE = all_of(slice(None), slice(None))


@pytest.mark.parametrize("size", [(120, 40), (60, 15)])
async def test_every_pane_says_why_it_is_empty(on: OpenApp, planted: Planted, size: tuple[int, int]) -> None:
    session = spoil(planted().start().record(), EVERYWHERE)
    async with on(session, size=size) as app:
        assert "computing" not in app.text()
        assert "! finished, 36 of 36 images left out" in app.text() or size[0] < 120
        seen = set()
        # Each pane alone; those that share a place by their name.
        for pane in app.screen.panes:
            app.screen.action_show(pane.id)
            await app.settled()
            assert pane.display
            if pane.id != "log":
                assert "no values: all 36 images have features that" in " ".join(pane.as_text().split())
            assert "computing" not in app.text()
            seen.add(pane.id)
        assert seen >= {"layers", "excess", "spectrum", "course", "separation", "inspector"}
        level, message = app.screen.message()
        assert level == "warning"
        assert "(step 19, cond, first in layer 0, transformer_blocks.0)" in message


async def test_some_images_left_out_are_a_warning(on: OpenApp, planted: Planted) -> None:
    def change(tensor: Tensor) -> None:
        tensor[2, COND, 1, 0] = np.inf

    async with on(spoil(planted().start().record(), change)) as app:
        assert app.screen.analysis.main.images == 32
        assert "! finished, 4 of 36 images left out" in app.text()
        assert "! 4 of 36 images are left out" in app.text()
        # Step 5 has all of them; what is known of the session stays.
        await app.press("S")
        assert app.screen.selection.settings.step == 5
        assert app.screen.analysis.main.images == 36
        assert "finished, 4 of 36 images left out" in app.text()


@pytest.mark.parametrize("branch", [COND, UNCOND])
async def test_one_branch_only(on: OpenApp, planted: Planted, branch: int) -> None:
    """Both branches, their difference, and the one that has no images: panes that can be drawn are."""
    session = spoil(planted().start().record(), all_of(branch, slice(None)))
    async with on(session) as app:
        for _ in range(4):
            which = app.screen.selection.branch
            text = app.text()
            assert "computing" not in text
            assert "no values at these settings" not in text
            found = app.screen.analysis
            assert [result.layers == () for _, result in found.of_branches] == [
                name == ("cond", "uncond")[branch] for name, _ in found.of_branches
            ]
            lost = found.absent != ""
            assert lost == (which != ("uncond", "cond")[branch])
            assert ("all 36 images have features that" in " ".join(text.split())) == lost
            await app.press("b")


async def test_guidance_that_was_never_reached(on: OpenApp, planted: Planted) -> None:
    session = planted(guidance=(3.0, 6.0)).start().record(1)
    session._events.write("stopped", reason="asked to stop")
    async with on(session) as app:
        await app.press("g")
        assert app.screen.selection.settings.guidance == 6.0
        assert "computing" not in app.text()
        assert "no image was recorded at guidance 6" in " ".join(app.text().split())


async def test_a_recording_that_fails_says_why_in_its_panes(on: OpenApp, planted: Planted) -> None:
    session = planted().start()
    async with on(session) as app:
        session._events.write("failed", reason="not finite: block 9 at step 0")
        await app.settled()
        assert "nothing was recorded: not finite: block 9" in " ".join(app.text().split())


async def test_a_live_recording_that_is_allowed_to(on: OpenApp, planted: Planted) -> None:
    session = planted().start()
    async with on(session) as app:
        session._events.write("batch", images=list(range(9)), seconds=1, not_finite=[0, 3])
        session._events.write("note", reason="not finite: block 9 at step 0")
        session.record(1)
        await app.settled()
        await app.press("7")
        (log,) = (pane.as_text() for pane in app.screen.panes if pane.id == "log")
        assert "9 images in 1.00 s, 2 not finite" in log
        assert "note      not finite: block 9 at step 0" in log


async def test_the_sweep_says_which_configurations_have_no_images(on: OpenApp, planted: Planted) -> None:
    session = spoil(planted(layers=4, seeds=2).start().record(), all_of(slice(None), 1))
    async with on(session) as app:
        await app.press("m")
        assert isinstance(app.app.screen, SweepScreen)
        first, last = app.app.screen.query_one(SweepMap).rows
        assert first.values is not None
        assert len(first.values) == 4
        assert "all 18 images have features that are not finite (step 19" in last.reason


async def test_a_comparison_of_nothing_says_so(on: OpenApp, planted: Planted) -> None:
    session = spoil(planted(layers=4, seeds=2).start().record(), all_of(UNCOND, slice(None)))
    async with on(session) as app:
        await app.press("c")
        assert "there is nothing to compare on side B: all 18 images have features" in app.text()


async def test_the_list_of_sessions(open_app: OpenApp, planted: Planted) -> None:
    session = planted().start().record()
    session._events.write("batch", images=list(range(36)), seconds=1, not_finite=list(range(12)))
    async with open_app(session.path.parent) as app:
        await app.pilot.pause()
        await app.settled()
        assert "! 12 left out" in app.text()
        assert "finished, 12 of 36 images left out: 12 images have features that are not finite" in app.text()


async def test_pictures_that_were_not_kept(on: OpenApp, planted: Planted) -> None:
    session = with_pictures(planted().start())
    session._events.write("batch", images=list(range(36)), seconds=1, without_picture=[0])
    (session.path / "images" / "000000.webp").unlink()
    async with on(session) as app:
        assert app.screen.recording.state.phase is Phase.FINISHED
        assert "! finished, 1 of 36 pictures missing" in app.text()
        await app.press("a")
        assert app.app.screen is not app.screen


def test_show_says_it_and_its_exit_status_too(planted: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    session = spoil(planted().start().record(), EVERYWHERE)
    assert show(session.path) == 1
    said = capsys.readouterr()
    assert "finished, 36 of 36 images left out" in said.out
    assert "no values: all 36 images have" in said.out
    (line,) = said.err.splitlines()
    assert line.startswith("subspacelens-tui: planted: all 36 images have features that are not finite")
    some = spoil(planted("some").start().record(), lambda tensor: tensor[:1].fill(np.nan))
    assert show(some.path) == 0
    said = capsys.readouterr()
    assert "finished, 4 of 36 images left out" in said.out
    assert said.err.startswith("subspacelens-tui: some: 4 of 36 images are left out: ")
    nothing = planted("nothing")
    assert show(nothing.path) == 1
    assert "no image was recorded yet (waiting: no recorder has started yet)" in capsys.readouterr().err
