"""Every control of the session screen, by key, by mouse and by palette."""

import asyncio
import gc
import weakref
from dataclasses import replace

import pytest
from textual.command import CommandList
from textual.widgets import Button, Input

from subspacelens_tui.app import numbers, refinement_stages
from subspacelens_tui.app.dialogs.ask import Ask
from subspacelens_tui.app.dialogs.eps import EpsDialog
from subspacelens_tui.app.dialogs.help import HelpScreen
from subspacelens_tui.app.key_table import ANYWHERE
from subspacelens_tui.app.panes.log import LogPane
from subspacelens_tui.app.panes.overlap_matrix import OverlapMatrixPane
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.app.selection import CHOICES
from subspacelens_tui.app.session_keys import SESSION
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.scrubber import Scrubber
from subspacelens_tui.sessions.control import ask, requested
from tests.app.conftest import PATIENCE, OpenApp
from tests.conftest import PlantedSessionFactory as Planted


@pytest.mark.parametrize("permutations", [refinement_stages.MANY])
async def test_a_finished_session_shows_every_pane(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        shown = app.text()
        for words in (
            "planted › planted",
            "✓ finished 36/36",
            "Layers · coarse · cond",
            "Excess ΔR",
            "Effective rank",
            "Overlap",
            "Metrics",
            "×200",
            "36/36 all images",
            "animals × food",
            "z ",
        ):
            assert words in shown, words
        assert app.screen.analysis is not None
        assert app.screen.analysis.permutations == 200


SETTINGS = [
    ("l", "[coarse]", "[fine]"),
    ("minus", "[0.5]", "[0.4]"),
    ("plus", "[0.5]", "[0.63]"),
    ("b", "[cond]", "[uncond]"),
    ("s", "[19]", "[5]"),
    ("S", "[19]", "[5]"),
    ("f", "[raw]", "[centred]"),
    ("F", "[raw]", "[trace]"),
    ("g", "[3]", "[6]"),
    ("r", "[auto 6]", "[7]"),
    ("R", "[auto 6]", "[5]"),
    ("u", "null [auto]", "[free]"),
    ("i", "│[auto]", "[image]"),
]


async def test_each_setting_has_its_key(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=2, guidance=(3.0, 6.0)).start().record(), size=(200, 50)) as app:
        first = app.screen.selection
        for key, before, after in SETTINGS:
            assert before in app.text(), key
            await app.press(key)
            assert after in app.text(), key
            assert before not in app.text(), key
            new = app.screen.analysis
            assert new is not None
            assert new.selection == app.screen.selection != first, key
            assert new.error is None, key
            app.screen.state.look(first)
            await app.settled()


async def test_the_metrics_are_those_of_the_settings(on: OpenApp, planted: Planted) -> None:
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.sessions import open_session

    session = planted().start().record()
    async with on(session) as app:
        await app.press("l", "minus", "b", "s", "f")
        analysis = app.screen.analysis
        assert analysis is not None
        assert analysis.main is not None
        many = refinement_stages.MANY
        settings = replace(app.screen.selection.settings, permutations=many, overlap_permutations=many // 5)
        expected = Analyzer(open_session(session.path)).result(settings)
        # The errors of the ranks came later, by themselves.
        for layer, same in zip(analysis.main.layers, expected.layers, strict=True):
            assert replace(layer, errors={metric: layer.errors[metric] for metric in same.errors}) == same
        assert (settings.labels, settings.branch, settings.step, settings.features) == (
            "fine",
            "uncond",
            5,
            "centred",
        )


async def test_both_branches_and_their_difference(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press("b", "b")
        assert set(app.screen.analysis.results) == {
            ("coarse", "cond"),
            ("coarse", "uncond"),
            ("fine", "cond"),
            ("fine", "uncond"),
        }
        assert "cond ━ uncond ╍" in app.text()
        await app.press("b")
        assert "cond − uncond" in app.text()
        assert "░ null" not in app.text()
        # The list, the matrix and the metrics show the difference too.
        screen = app.screen
        found = screen.analysis.difference_of(2)
        await app.press("j", "j", "5")
        named = {pane.pane_name: pane for pane in screen.panes}
        for name in ("layers", "overlap", "inspector"):
            assert "cond − uncond · coarse" in named[name].title_text
        row = next(line for line in named["layers"].as_text().splitlines() if "▶" in line).split()
        assert row[2] == numbers.number(found["delta_R"].difference, signed=True)
        line = next(line for line in named["inspector"].as_text().splitlines() if line.startswith("ΔR"))
        assert line.split()[1:4] == [
            *(numbers.number(value) for value in (found["delta_R"].a, found["delta_R"].b)),
            numbers.number(found["delta_R"].difference, signed=True),
        ]
        sides = [screen.analysis.of("coarse", branch).overlap[2] for branch in ("cond", "uncond")]
        a, b, value = named["overlap"].selected_cell()
        assert value == pytest.approx((sides[0] - sides[1])[0, 1])
        assert {(of["class_a"], of["class_b"]): of["difference"] for of in named["overlap"].numbers()}[
            a, b
        ] == value


async def test_a_pane_keeps_the_keys_and_has_the_axis_that_was_chosen(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=3, seeds=2).start().record()) as app:
        await app.press("3", "z", "z")
        assert app.screen.focused.pane_name == "rates"
        pane = app.screen.focused
        await app.press("A")
        field = app.app.screen.query_one(Input)
        for bad, says in (("5 0", "5 is not below 0"), ("x", "two numbers"), ("nan 1", "finite")):
            field.value = bad
            await app.press("enter")
            assert says in app.text()
        field.value = "0 4000"
        await app.press("enter")
        assert pane.limits == (0.0, 4000.0)
        assert "4000" in pane.as_text()
        await app.press("G")
        # A logarithmic axis does not begin at zero.
        assert (pane.is_log, pane.limits) == (True, None)
        assert "1e1" in pane.as_text()
        await app.press("G", "1", "A")
        assert app.app.screen is app.screen
        assert "layers has no axes" in app.text()


async def test_the_value_under_the_mouse_is_said(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=5, seeds=2).start().record()) as app:
        pane = next(pane for pane in app.screen.panes if pane.pane_name == "rates")
        await app.pilot.hover(pane, offset=(pane.size.width, pane.size.height - 4))
        assert pane.here == 4
        assert pane.as_text().splitlines()[1].startswith("L4 ")
        value = numbers.number(app.screen.analysis.main.layers[4].delta_R)
        assert value in pane.as_text().splitlines()[1]
        await app.pilot.hover(app.screen.query_one(KeyBar))
        assert pane.here == app.screen.selected == 0


async def test_typed_eps_is_taken_or_refused_with_a_message_that_stays(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press("e")
        assert isinstance(app.app.screen, EpsDialog)
        field = app.app.screen.query_one(Input)
        for bad in ("0", "-2", "nan", "x"):
            field.value = bad
            await app.press("enter")
            assert isinstance(app.app.screen, EpsDialog)
            assert "ε must be a positive number" in app.text()
            assert app.screen.selection.settings.eps == 0.5
        field.value = "0.07"
        await app.press("enter")
        assert app.app.screen is app.screen
        assert app.screen.analysis.main.settings.eps == 0.07
        await app.press("e", "escape")
        assert app.screen.selection.settings.eps == 0.07


async def test_one_layer_for_all_panes(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=12).start().record()) as app:
        await app.press("down", "j", "j", "up")
        assert app.screen.selected == 2
        assert all(pane.selected == 2 for pane in app.screen.panes)
        assert "transformer_blocks.2" in app.text()
        await app.press("end")
        assert app.screen.selected == 11
        await app.press("down")
        assert app.screen.selected == 11
        await app.press("home", "k")
        assert app.screen.selected == 0
        await app.pilot.click("#layers", offset=(5, 5))
        assert app.screen.selected == 3
        await app.pilot.click("#excess", offset=(48, 4))
        assert app.screen.selected == 11


async def test_the_list_sorts_by_a_column_and_the_keys_follow(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=12).start().record()) as app:
        await app.pilot.click("#layers", offset=(14, 1))
        layers = app.screen.query_one("#layers")
        excess = [app.screen.analysis.main.layers[i].null.excess for i in layers.order()]
        assert excess == sorted(excess, reverse=True)
        app.screen.action_select_layer(layers.order()[0])
        await app.press("down")
        assert app.screen.selected == layers.order()[1]


async def test_values_can_be_clicked(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record(), size=(200, 50)) as app:
        row = next(line for line in app.text().splitlines() if "branch" in line)
        await app.pilot.click("#controls", offset=(row.index("uncond") + 2, 0))
        await app.settled()
        assert app.screen.selection.branch == "uncond"
        await app.pilot.click("#controls", offset=(row.index("fine") + 1, 0))
        await app.settled()
        assert app.screen.selection.settings.labels == "fine"


async def test_the_matrix_has_a_cursor_and_numbers(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press("5")
        assert isinstance(app.app.focused, OverlapMatrixPane)
        await app.press("down", "right")
        assert "food × vehicles" in app.text()
        assert app.screen.selected == 0
        await app.press("n")
        assert not app.app.focused.digits
        await app.pilot.click("#overlap", offset=(12, 2))
        assert "animals × animals" in app.text()


async def test_panes_are_jumped_to_cycled_and_maximised(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        order = []
        for _ in range(6):
            await app.press("tab")
            order.append(app.app.focused.id)
        assert order == ["excess", "rates", "rank", "overlap", "inspector", "layers"]
        await app.press("shift+tab")
        assert app.app.focused.id == "inspector"
        await app.press("z")
        assert [pane.id for pane in app.screen.panes if pane.display] == ["inspector"]
        await app.press("4")
        assert [pane.id for pane in app.screen.panes if pane.display] == ["rank"]
        await app.press("escape")
        assert len([pane for pane in app.screen.panes if pane.display]) == 6
        await app.press("7")
        assert "recording" in app.text()
        assert "9 images in 0.50 s" in app.text()


async def test_the_curves_switch_between_excess_and_rates(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record(), size=(120, 30)) as app:

        def curves() -> list[str]:
            return [pane.id for pane in app.screen.panes if pane.display and pane.id in ("excess", "rates")]

        assert curves() == ["excess"]
        await app.press("d")
        assert curves() == ["rates"]
        await app.press("d")
        assert curves() == ["excess"]
        await app.press("d", "2")
        assert curves() == ["excess"]
        await app.press("t")
        assert list(app.screen.analysis.results) == [("coarse", "cond")]


async def test_scrubbing_shows_the_metrics_of_that_many_images(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press("less_than_sign")
        assert app.screen.analysis.main.images == 27
        assert "27/36  " in app.text()
        await app.press("comma", "comma")
        assert app.screen.analysis.main.images == 25
        await app.press("greater_than_sign")
        assert app.screen.analysis.main.images == 27
        await app.press("greater_than_sign", "full_stop")
        assert app.screen.selection.settings.images is None
        assert app.screen.analysis.main.images == 36
        await app.pilot.click("#scrubber", offset=(50, 0))
        await app.settled()
        assert 9 < app.screen.analysis.main.images < 27
        await app.press("space")
        assert app.screen.analysis.main.images == 36


async def test_too_few_images_are_explained(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        app.screen.on_scrubber_moved(type("Moved", (), {"images": 1})())
        await app.settled()
        assert app.screen.analysis.main.images == 1
        assert app.screen.analysis.main.layers[0].missing
        await app.press("6", "z")
        reason = next(iter(app.screen.analysis.main.layers[0].missing.values()))
        assert reason.split(":")[0][:30] in app.text()


async def test_a_growing_session_updates_while_one_looks(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record(1)
    async with on(session) as app:
        assert "● recording 9/36" in app.text()
        assert app.screen.analysis.main.images == 9
        session.record(1)
        await app.settled()
        assert "● recording 18/36" in app.text()
        assert app.screen.analysis.main.images == 18
        await app.press("space")
        session.record(1)
        await app.settled()
        assert "● recording 27/36" in app.text()
        assert app.screen.analysis.main.images == 18
        await app.press("space")
        assert app.screen.analysis.main.images == 27
        session.record()
        await app.settled()
        assert "✓ finished 36/36" in app.text()
        assert app.screen.analysis.permutations == refinement_stages.MANY


async def test_a_session_watched_from_its_first_moment(on: OpenApp, planted: Planted) -> None:
    session = planted()
    async with on(session) as app:
        assert "◌ waiting 0/36" in app.text()
        assert "no recorder has started yet" in app.text()
        session._events.write("started", host="elsewhere", pid=1)
        session._events.write("loading", what="the \x1b[31mtransformer")
        await app.settled()
        assert "◐ loading model" in app.text()
        assert "the ␛[31mtransformer" in app.text()
        session._events.write("recording")
        session.record()
        await app.settled()
        assert "✓ finished" in app.text()


@pytest.mark.parametrize(
    ("event", "fields", "words"),
    [
        ("paused", {}, "‖ paused"),
        ("stopped", {"reason": "asked to"}, "■ stopped"),
        ("failed", {"reason": "out of memory"}, "the recording failed: out of memory"),
    ],
)
async def test_each_phase_is_plain(
    on: OpenApp, planted: Planted, event: str, fields: dict[str, str], words: str
) -> None:
    session = planted().start().record(1)
    session._events.write(event, **fields)
    ask(session.path, "pause" if event == "paused" else "run")
    async with on(session) as app:
        assert words in app.text()


async def test_pause_resume_and_stop_are_asked_of_the_recorder(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record(1)
    async with on(session) as app:
        await app.press("p")
        assert requested(session.path) == "pause"
        assert "pausing …" in app.text()
        session._events.write("paused")
        await app.settled()
        assert "‖ paused" in app.text()
        await app.press("p")
        assert requested(session.path) == "run"
        await app.press("x")
        assert isinstance(app.app.screen, Ask)
        await app.press("escape")
        assert requested(session.path) == "run"
        await app.press("x", "s")
        assert requested(session.path) == "stop"
        assert "stopping …" in app.text()


async def test_nothing_to_pause_is_said(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press("p")
        assert "nothing is being recorded here" in app.text()
        await app.press("l")
        assert "nothing is being recorded here" not in app.text()


@pytest.mark.parametrize(
    ("answer", "asked", "left"), [("k", "run", True), ("s", "stop", True), ("escape", "run", False)]
)
async def test_quitting_while_recording_asks(
    on: OpenApp, planted: Planted, answer: str, asked: str, left: bool
) -> None:
    session = planted().start().record(1)
    async with on(session) as app:
        await app.pilot.press("q")
        assert isinstance(app.app.screen, Ask)
        await app.pilot.press(answer)
        await app.pilot.pause()
        async with asyncio.timeout(PATIENCE):
            if others := [worker for worker in app.app.workers if worker.group != "worker"]:
                await app.app.workers.wait_for_complete(others)
        assert requested(session.path) == asked
        assert (app.app._exit, app.app.return_code) == (left, 0 if left else None)


async def test_the_dialog_answers_to_the_mouse(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record(1)) as app:
        await app.press("q")
        await app.pilot.click(app.app.screen.query(Button).last())
        await app.pilot.pause()
        assert app.app.screen is app.screen


async def test_quitting_a_finished_session_does_not_ask(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.pilot.press("q")
        assert app.app.return_code == 0


async def test_help_names_every_key(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=2).start().record(), size=(120, 160)) as app:
        await app.press("question_mark")
        assert isinstance(app.app.screen, HelpScreen)
        shown = app.text()
        for key in (*SESSION, *OverlapMatrixPane.keys, *ANYWHERE):
            assert key.says in shown
        await app.press("escape")
        assert app.app.screen is app.screen


async def test_every_key_s_action_exists(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        for key in (*SESSION, *OverlapMatrixPane.keys, *ANYWHERE):
            name = key.action.split("(")[0]
            owner = app.app if name.startswith("app.") else app.screen
            assert hasattr(owner, f"action_{name.removeprefix('app.')}"), key.action


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_every_key_can_be_pressed_anywhere(
    on: OpenApp, planted: Planted, size: tuple[int, int]
) -> None:
    leaves = ("app.", "leave", "back", "sessions", "type_eps", "export")
    leaves += ("gallery", "label_file", "cell_pair", "cell_pictures", "sweep", "compare")
    leaves += ("axis_range", "claims", "info")
    async with on(planted(guidance=(3.0, 6.0), layers=2, seeds=2).start().record(), size=size) as app:
        await app.pilot.press("5")
        for key in (*OverlapMatrixPane.keys, *SESSION, *Scrubber.keys, *LogPane.keys):
            if not key.action.startswith(leaves):
                await app.pilot.press(key.keys.split(",")[0])
                assert app.app.screen is app.screen, key.action
        await app.settled()
        assert app.app.screen is app.screen


async def test_the_recording_plays_again_round_by_round(
    on: OpenApp, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = "subspacelens_tui.app.controllers.playback._FRAMES_A_ROUND"
    monkeypatch.setattr(frames, 1e9)
    async with on(planted(seeds=3).start().record()) as app:
        await app.press("v")
        assert app.screen.selection.settings.images == 9
        assert "playing 1×" in app.text()
        await app.press("V", "V", "V")
        assert "playing 8×" in app.text()
        seen, look = [], app.screen.worker.look
        monkeypatch.setattr(
            app.screen.worker,
            "look",
            lambda selection: (seen.append(selection.settings.images), look(selection)),
        )
        monkeypatch.setattr(frames, 1)
        async with asyncio.timeout(PATIENCE):
            while app.screen.selection.settings.images is not None:
                await app.pilot.pause()
        assert seen == [18, 27, None]
        await app.settled()
        assert "playing" not in app.text()
        await app.press("v", "v")
        assert "playing" not in app.text()


async def test_a_pane_is_copied_as_text(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press("1", "y")
        lines = app.app.clipboard.splitlines()
        assert lines[0] == "Layers · coarse · cond · step 19"
        assert lines[1].split() == ["L", "ΔR", "excess", "Rc/R", "erank"]
        assert sum(line.strip("▶ ")[:1].isdigit() for line in lines[2:]) == 6
        assert "copied: Layers" in app.text()


async def test_intervals_and_nulls_of_every_metric(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record(), size=(200, 60)) as app:
        await app.press("end")
        layer = app.screen.analysis.main.layers[5]
        inspector = app.screen.query_one("#inspector").as_text()
        for metric in ("delta_R", "Rc"):
            assert f"±{numbers.number(layer.errors[metric].half_width)}" in inspector
            assert numbers.number(layer.nulls[metric].mean) in inspector
        assert numbers.fraction(layer.nulls["overlap_mean"].mean, 3) in inspector


async def test_what_costs_seconds_is_computed_for_the_selected_layer(on: OpenApp, planted: Planted) -> None:
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.sessions import open_session

    session = planted(layers=3).start().record()
    async with on(session, size=(200, 60)) as app:
        await app.press("down")
        main = app.screen.analysis.main
        assert set(app.screen.analysis.closer) == {0, 1}
        settings = replace(main.settings, thorough=True)
        thorough = Analyzer(open_session(session.path)).result(settings).layers
        assert app.screen.analysis.closer[1] == thorough[1]
        # The ranks of all layers have their errors by then.
        for mine, expected in zip(main.layers, thorough, strict=True):
            assert mine.errors["effective_rank"] == expected.errors["effective_rank"]
        await app.press("6", "z")
        result = app.text()
        for value in (
            thorough[1].split_half_ceiling,
            thorough[1].normality.pooled,
            thorough[1].hoyer_laplace,
        ):
            assert numbers.fraction(value, 3) in result
        assert f"±{numbers.fraction(thorough[1].errors['overlap_mean'].half_width, 3)}" in result
        await app.press("z", "pagedown")
        assert "N 36" in app.screen.query_one("#inspector").as_text()


async def test_the_frame_says_what_the_bands_are(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record(), size=(200, 60)) as app:
        null = f"░ null 95 %: {refinement_stages.MANY} permutations, subjects, within-seed"
        foot = f"{null} · │ 95 % CI, seed+subject"
        assert foot in app.text()
        layer = app.screen.analysis.main.layers[0]
        bar, p = layer.errors["excess"], numbers.probability(layer.null.p, refinement_stages.MANY)
        head = f"{numbers.number(layer.null.excess, signed=True)} {numbers.interval(bar.low, bar.high)} p {p}"
        assert head in app.text()
        await app.press("b", "b", "b")
        assert "│ 95 % CI, seed+subject" in app.text()
        assert "░ null" not in app.text()
        await app.press("i", "i", "i", "i", "i")
        assert app.screen.selection.settings.errors is None
        assert "95 % CI" not in app.text()


async def test_the_first_null_line_says_that_it_is_an_estimate(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        seen = app.screen.analysis
        first = replace(seen, permutations=4, refining=True)
        app.screen._take_analysis(first)
        await app.pilot.pause()
        assert "null: first estimate, 4 permutations" in app.text()
        assert "null 95 %" not in app.text()


async def test_a_null_that_cannot_be_had_says_why(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record(), size=(200, 60)) as app:
        await app.press("u", "u", "u")
        assert app.screen.selection.settings.design == "fine-within-coarse"
        layer = app.screen.analysis.main.layers[0] if app.screen.analysis.main else None
        reason = layer.missing["nulls"] if layer else app.screen.analysis.error
        assert reason[:20] in app.text()


async def test_the_palette_knows_every_value(on: OpenApp, planted: Planted) -> None:
    session = planted(seeds=2, layers=2, guidance=(3.0, 6.0)).start().record()
    async with on(session) as app:
        manifest = app.screen.recording.manifest
        for name, choice in CHOICES.items():
            # The last value, and then the first: one of them is not the present one.
            values = choice.values(manifest, app.screen.selection)
            for value in (values[-1], values[0]):
                await app.pilot.press("ctrl+p")
                app.app.screen.query_one(Input).value = f"{name}: {value}"
                async with asyncio.timeout(PATIENCE):
                    while not app.app.screen.query_one(CommandList).option_count:
                        await app.pilot.pause()
                await app.press("enter")
                await app.press("enter") if app.app.screen is not app.screen else None
                assert choice.current(app.screen.selection) == value, name


async def test_damaged_features_are_a_message_not_a_crash(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record(3)
    victim = sorted((session.path / "features").glob("*.safetensors"))[1]
    victim.write_bytes(victim.read_bytes()[:500])
    async with on(session) as app:
        assert "is damaged" in app.text()
        assert app.screen.analysis.main.images == 18


async def test_a_folder_that_vanishes_is_a_message(on: OpenApp, planted: Planted, tmp_path) -> None:
    session = planted()
    async with on(session) as app:
        (session.path / "session.json").unlink()
        await app.settled()
        assert "✗" in app.text()
        assert "is no longer there" in app.text()


async def test_no_session_there_is_a_message(open_app: OpenApp, tmp_path) -> None:
    async with open_app(tmp_path, tmp_path / "nowhere") as app:
        await app.pilot.pause()
        assert "is no session" in app.text()
        await app.press("escape")
        assert isinstance(app.app.screen, SessionsScreen)


async def test_opened_at_a_layer_with_settings(on: OpenApp, planted: Planted) -> None:
    from subspacelens_tui.analysis import Settings

    async with on(planted().start().record(), layer=4, settings=Settings(labels="fine", eps=0.1)) as app:
        assert app.screen.selected == 4
        assert (app.screen.selection.settings.labels, app.screen.selection.settings.eps) == ("fine", 0.1)
    async with on(planted("other").start().record(), layer=40) as app:
        assert app.screen.selected == 5
        assert "there is no layer 40" in app.text()


async def test_two_viewers_of_one_recording_see_the_same(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record(2)
    async with on(session) as first, on(session) as second:
        session.record()
        await first.settled()
        await second.settled()
        assert first.text() == second.text()


async def test_hostile_text_is_drawn_as_text(on: OpenApp, planted: Planted) -> None:
    session = planted()
    text = (session.path / "session.json").read_text()
    text = text.replace('"animals"', '"[red]\\u001b[2Jani\\u202e"').replace('"coarse"', '"co[/b]rse\\\\"')
    (session.path / "session.json").write_text(text)
    session.start().record()
    async with on(session) as app:
        assert "\x1b" not in app.text()
        await app.press("z")
        assert "co[/b]rse\\" in app.text()


async def test_over_ssh_new_metrics_come_pane_by_pane(
    on: OpenApp, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subspacelens_tui.app.screens.session._TURN", 3600.0)
    session = planted(seeds=3).start().record(1)
    async with on(session, setup=Setup(over_ssh=True)) as app:
        screen = app.screen
        while screen.updates.late:
            screen.updates.show_next()
        before = screen.analysis
        session.record(1)
        await app.settled()
        seen = [pane for pane in screen.panes if pane.is_on_screen]
        assert screen.analysis is not before
        assert [pane.analysis for pane in seen] == [before] * len(seen)
        await app.press("j")
        assert {pane.selected for pane in seen} == {1}
        screen.updates.show_next()
        new = [pane for pane in seen if pane.analysis is screen.analysis]
        assert new == seen[:1]
        await app.press("l")
        assert {pane.analysis.selection for pane in seen if pane.analysis} == {screen.selection}


async def test_a_closed_session_lets_its_features_go(on: OpenApp, planted: Planted) -> None:
    async with on(planted(seeds=2).start().record()) as app:
        kept = weakref.ref(app.screen.worker._analyzer)
        gc.freeze()  # as at the first curves: from then on nothing that refers to itself is found
        try:
            await app.press("o")
            assert isinstance(app.app.screen, SessionsScreen)
            assert kept() is None
        finally:
            gc.unfreeze()


async def test_what_comes_while_the_screen_goes_is_passed_over(on: OpenApp, planted: Planted) -> None:
    async with on(planted(seeds=2, layers=2).start()) as app:
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        removal = screen.app.pop_screen()
        screen._show()
        await removal
        screen._show()
