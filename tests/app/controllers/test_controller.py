"""How a screen comes by the actions of its controllers, and the other small ones."""

from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from subspacelens_tui.app.controllers.borders import BordersController
from subspacelens_tui.app.controllers.controller import Controller, TypedAhead, adopt
from subspacelens_tui.app.controllers.export import Exportable, ExportController
from subspacelens_tui.app.controllers.selection import LayerController, SelectionController
from subspacelens_tui.app.saved_state import SavedState
from subspacelens_tui.app.widgets.pane_body import SideBySide
from tests.app.controllers.conftest import NotedState
from tests.app.test_widgets import analysis


class One(Controller):
    """Has one action."""

    def action_one(self) -> str:
        return "one"

    def other(self) -> None:
        raise AssertionError("no action")


def test_a_screen_has_the_actions_of_its_controllers() -> None:
    screen: Any = Screen()
    adopt(screen, One())
    assert screen.action_one() == "one"
    assert not hasattr(screen, "other")


def test_no_action_takes_the_place_of_another() -> None:
    class Other(One):
        """Has the same action."""

    with pytest.raises(TypeError, match="Screen and Other both have action_one"):
        adopt(Screen(), One(), Other())


GROUPS = (
    SideBySide(
        "layers,middle,right",
        (frozenset({"layers"}), frozenset({"rank"}), frozenset({"log"})),
        (30, 50, 40),
        True,
    ),
    SideBySide("rank,log", (frozenset({"rank"}), frozenset({"log"})), (20, 20), False),
)


class Borders:
    """Borders of two groups."""

    def __init__(self, path: Path, focused: str | None) -> None:
        self.saved, self.resized, self.told = SavedState(path), 0, [""]
        self.controller = BordersController(
            self.saved, lambda: GROUPS, lambda: focused, self.resize, self.told.append
        )

    def resize(self) -> None:
        self.resized += 1


def test_a_border_that_is_moved_by_keys_is_kept(tmp_path: Path) -> None:
    borders = Borders(tmp_path / "state.json", "log")
    borders.controller.action_move_border(2, 0)
    borders.controller.action_move_border(0, -1)
    wanted = {"layers,middle,right": [30, 52, 38], "rank,log": [19, 21]}
    assert borders.controller.sizes == wanted
    assert SavedState(tmp_path / "state.json").now.splits == wanted
    assert borders.controller.shares(GROUPS[0]) == [30, 52, 38]
    borders.controller.action_reset_borders()
    assert borders.controller.shares(GROUPS[0]) == ()
    assert SavedState(tmp_path / "state.json").now.splits == {}
    assert borders.resized == 3


def test_a_border_is_kept_when_the_mouse_lets_go(tmp_path: Path) -> None:
    borders = Borders(tmp_path / "state.json", None)
    borders.controller.drag("rank", "left", -5, released=False)
    assert borders.controller.sizes == {"layers,middle,right": [25, 55, 40]}
    assert borders.saved.now.splits == {}
    borders.controller.drag("rank", "bottom", 3, released=True)
    assert borders.saved.now.splits == {"rank,log": [23, 17]}
    # The outer edges are no borders.
    borders.controller.drag("log", "right", 9, released=True)
    borders.controller.drag("layers", "top", 9, released=True)
    assert list(borders.saved.now.splits) == ["rank,log"]


def test_without_a_pane_there_is_no_border(tmp_path: Path) -> None:
    borders = Borders(tmp_path / "state.json", None)
    borders.controller.action_move_border(2, 0)
    assert borders.told[-1].startswith("no border to move")
    assert not borders.resized


def test_layers_in_the_order_of_the_list(state: NotedState) -> None:
    moved: list[int] = []
    layers = LayerController(state, lambda: [4, 0, 7], lambda: moved.append(state.layer))
    layers.action_layer(-1)
    layers.action_layer(-1)
    layers.action_layer(1)
    layers.action_layer(1)
    layers.action_last_layer()
    layers.action_select_layer(-3)
    layers.action_first_layer()
    assert moved == [4, 0, 7, 11, 0], "each change is told once"


def test_settings_are_chosen(state: NotedState) -> None:
    asked: list[Any] = []
    choices = SelectionController(state, lambda dialog, answered: asked.append(answered))

    def settings() -> Any:
        assert state.selection is not None
        return state.selection.settings

    choices.action_next_choice("labels", 1)
    assert settings().labels == "fine"
    choices.action_choose("labels", 0)
    assert settings().labels == "coarse"
    choices.action_eps(1)
    assert settings().eps == 0.63
    choices.action_type_eps()
    asked[0](2.5)
    assert settings().eps == 2.5
    asked[0](None)
    assert settings().eps == 2.5
    choices.action_iso_rate()
    assert state.notice == "the selected layer has no R yet: there is nothing to make the others equal to"
    state.show(analysis())
    assert state.selection is not None
    assert state.analysis is not None
    main = next(iter(analysis().results.values()))
    state.analysis = type(state.analysis)(state.selection, {state.selection.main: main})
    choices.action_iso_rate()
    assert settings().iso_rate == 100
    choices.action_eps(-1)
    assert settings().iso_rate == 80
    choices.action_iso_rate()
    assert (settings().iso_rate, settings().eps) == (None, 2.5)


async def test_exporting_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exports").write_text("in the way")
    told: list[str] = []
    complaints: list[str] = []
    copied: list[str] = []
    numbers: list[dict[str, Any]] = []
    work: list[Any] = []
    controller = ExportController(
        lambda: Exportable("Rank", "Rank", "planted", ("rank", 1), "text", (), numbers),
        told.append,
        complaints.append,
        copied.append,
        work.append,
    )
    controller.action_copy()
    controller.action_copy_numbers()
    assert copied == ["text"]
    assert told == ["copied: Rank", "there are no numbers behind Rank yet"]
    controller.action_export_pane()
    await work.pop()
    assert told[-1] == "there are no numbers behind Rank yet: nothing to export"
    numbers.append({"layer": 0, "value": 1.5})
    controller.action_copy_numbers()
    assert copied[-1] == "layer\tvalue\n0\t1.5\n"
    controller.action_export_pane()
    await work.pop()
    assert complaints[0].startswith(f"cannot export to {tmp_path / 'exports' / 'planted'}: ")


class Choosing(Controller):
    def __init__(self) -> None:
        self.done: list[int] = []

    def action_choose(self, value: int) -> None:
        self.done.append(value)


def test_what_is_typed_ahead_is_done_in_its_order_once_all_is_ready() -> None:
    choosing, ready = Choosing(), False
    typed = TypedAhead(lambda: ready, choosing)
    choose = typed.actions()["action_choose"]
    choose(1)
    choose(2)
    assert choosing.done == []
    ready = True
    typed.release()
    choose(3)
    typed.release()
    assert choosing.done == [1, 2, 3]
    assert list(signature(choose).parameters) == ["value"]  # Textual hands over as many arguments
