"""Which panes are seen, and which has the keys, without a screen."""

from typing import get_args

import pytest

from subspacelens_tui.app.controllers.arrangement import arrange
from subspacelens_tui.app.controllers.layout import LayoutController
from subspacelens_tui.app.panes.pane import Column, Pane
from subspacelens_tui.app.panes.registry import PANES, places
from subspacelens_tui.app.selection import MEASURES
from subspacelens_tui.app.session_keys import PANE_KEYS, SESSION
from tests.app.controllers.conftest import NotedState


class NotedBody:
    """A screen of a size, with one pane that has the keys."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.focused = "layers"
        self.arranged = 0

    def room(self) -> tuple[int, int]:
        return self.size

    def focused_pane(self) -> type[Pane] | None:
        return next((pane for pane in PANES if pane.pane_name == self.focused), None)

    def arrange_panes(self) -> None:
        self.arranged += 1

    def focus_pane(self, name: str) -> None:
        self.focused = name


WIDE, TALL, FOLDED, SINGLE = (120, 30), (120, 50), (80, 24), (50, 15)


def made(state: NotedState, size: tuple[int, int]) -> tuple[LayoutController, NotedBody]:
    body = NotedBody(size)
    return LayoutController(PANES, state, body), body


def visible(layout: LayoutController) -> set[str]:
    arrangement = layout.arrangement()
    return {pane.pane_name for pane in PANES if layout.is_seen(pane, arrangement)}


def test_every_pane_declares_itself() -> None:
    names = [pane.pane_name for pane in PANES]
    assert len(set(names)) == len(names)
    for place, panes in places().items():
        first, *others = panes
        assert first.pane_name == place, "the first pane of a place is called as it is"
        assert first.says
        assert not any(other.says for other in others)
        assert {pane.jump for pane in panes} == {first.jump}
        assert {pane.in_column for pane in panes} == {first.in_column}
    assert all(pane.heading and pane.tab and pane.in_column in get_args(Column) for pane in PANES)
    assert [key.name for key in PANE_KEYS] == [f"pane-{place}" for place in places()]
    assert set(PANE_KEYS) <= set(SESSION)


@pytest.mark.parametrize(
    ("size", "measure", "seen"),
    [
        (WIDE, "both", {"layers", "excess", "rank", "overlap", "inspector"}),
        (TALL, "both", {"layers", "excess", "rates", "rank", "overlap", "inspector"}),
        (TALL, "excess", {"layers", "excess", "rank", "overlap", "inspector"}),
        (WIDE, "delta_R", {"layers", "rates", "rank", "overlap", "inspector"}),
        (FOLDED, "both", {"layers", "excess"}),
        (SINGLE, "both", {"excess"}),
    ],
)
def test_what_is_seen_at_a_size(
    state: NotedState, size: tuple[int, int], measure: str, seen: set[str]
) -> None:
    layout, _ = made(state, size)
    assert measure in MEASURES
    state.measure = measure
    assert visible(layout) == seen


def test_a_pane_that_is_not_seen_is_shown_when_somebody_goes_to_it(state: NotedState) -> None:
    layout, body = made(state, WIDE)
    layout.action_jump("log")
    assert (visible(layout), body.focused) == ({"log"}, "log")
    layout.action_maximise()
    assert layout.maximised is None
    layout.action_jump("rates")
    assert state.measure == "delta_R"
    assert "rates" in visible(layout)
    assert body.focused == "rates"


def test_the_list_is_a_pane_like_others_only_where_one_is_seen(state: NotedState) -> None:
    for size, seen in ((SINGLE, {"layers"}), (FOLDED, {"layers", "rank"})):
        layout, body = made(state, size)
        layout.action_jump("rank")
        layout.action_jump("layers")
        assert (visible(layout), body.focused, layout.maximised) == (seen, "layers", None)


def test_panes_that_share_a_place_take_turns(state: NotedState) -> None:
    layout, body = made(state, WIDE)
    layout.action_jump("overlap")
    for name in ("course", "separation", "cka", "overlap"):
        layout.action_pane_view()
        assert body.focused == name
        assert name in visible(layout)
    body.focused = "layers"
    layout.action_pane_view()
    assert "spectrum" in visible(layout), "the list has no other: the last place that has one changes"
    assert body.focused == "layers"
    layout.action_show("separation")
    assert body.focused == "separation"


@pytest.mark.parametrize("size", [WIDE, TALL, FOLDED, SINGLE])
@pytest.mark.parametrize("by", [1, -1])
def test_tab_comes_by_every_pane_and_back(state: NotedState, size: tuple[int, int], by: int) -> None:
    layout, body = made(state, size)
    start, seen = body.focused, []
    for _ in range(len(places())):
        layout.action_pane(by)
        seen.append(body.focused)
        if body.focused == start:
            break
    assert len(set(seen)) == len(seen)
    # Where panes are folded all are reached, and else those that are seen.
    wanted = visible(layout) if size in (WIDE, TALL) else set(places())
    assert set(seen) | {start} == wanted


def test_alone_and_back(state: NotedState) -> None:
    layout, body = made(state, TALL)
    layout.action_jump("inspector")
    layout.action_maximise()
    assert visible(layout) == {"inspector"}
    layout.action_pane(1)
    assert visible(layout) == {"log"}
    layout.action_maximise()
    assert len(visible(layout)) == 6
    assert body.focused == "layers"


def test_the_curves_in_turn(state: NotedState) -> None:
    layout, _ = made(state, FOLDED)
    seen = []
    for _ in range(3):
        layout.action_next_measure()
        seen.append((state.measure, layout.active))
    assert seen == [("delta_R", "rates"), ("excess", "excess"), ("delta_R", "rates")]


def test_only_what_there_is_is_restored(state: NotedState) -> None:
    layout, _ = made(state, WIDE)
    layout.restore("no such place", {"overlap": "course", "rank": "course", "gone": "gone"})
    assert (layout.maximised, layout.shows) == (None, {"overlap": "course"})
    layout.restore("rank", {})
    assert layout.maximised == "rank"


def test_too_many_columns_are_no_reason_to_fold() -> None:
    assert arrange(PANES, (300, 100), "excess", None, "both").broad
    assert not arrange(PANES, (169, 100), "excess", None, "both").broad
