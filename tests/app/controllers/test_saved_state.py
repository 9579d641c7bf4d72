"""Opening a session as it was left, without a screen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.controllers.layout import LayoutController
from subspacelens_tui.app.controllers.saved_state import SavedStateController
from subspacelens_tui.app.panes.registry import PANES
from subspacelens_tui.app.saved_state import SavedState
from subspacelens_tui.app.selection import with_eps
from subspacelens_tui.app.snapshots import Recording
from tests.app.controllers.conftest import NotedState
from tests.app.controllers.test_layout import WIDE, NotedBody


class Opening:
    """A session about to be opened, with what a file remembers."""

    def __init__(self, recording: Recording, folder: Path, layer: int | None = None, **asked: Any) -> None:
        self.recording = recording
        self.state = NotedState(folder / "session")
        self.layout = LayoutController(PANES, self.state, NotedBody(WIDE))
        saved = SavedState(folder / "state.json")
        settings = Settings(**asked)
        self.controller = SavedStateController(self.state, self.layout, saved, settings, bool(asked), layer)

    def open(self) -> NotedState:
        self.controller.restore_layout()
        assert self.state.take_recording(self.recording)
        self.controller.open(self.recording)
        self.controller.choose_layer()
        return self.state


@pytest.fixture
def left(recording: Recording, tmp_path: Path) -> Path:
    """A folder where a session was left at another selection and layout."""
    opening = Opening(recording, tmp_path)
    state = opening.open()
    assert state.selection is not None
    state.look(replace(with_eps(state.selection, 2.0), together=False))
    state.layer, state.measure = 7, "excess"
    opening.layout.maximised, opening.layout.shows = "rank", {"overlap": "course"}
    opening.controller.keep()
    return tmp_path


def test_what_the_settings_do_not_hold_comes_back(left: Path, recording: Recording) -> None:
    opening = Opening(recording, left)
    state = opening.open()
    assert state.selection is not None
    assert (state.layer, state.measure, state.selection.together) == (7, "excess", False)
    assert (opening.layout.maximised, opening.layout.shows) == ("rank", {"overlap": "course"})
    assert state.noted.looked == [state.selection]
    assert state.complaint is None


def test_a_pane_is_maximised_in_the_session_that_was_left_so(left: Path, recording: Recording) -> None:
    other = Opening(recording, left)
    other.state.path = left / "another session"
    other.open()
    assert (other.layout.maximised, other.layout.shows) == (None, {"overlap": "course"})


def test_what_is_asked_for_goes_before_what_was_left(left: Path, recording: Recording) -> None:
    state = Opening(recording, left, layer=2, labels="fine", step=3).open()
    assert state.selection is not None
    assert (state.layer, state.selection.settings.labels, state.selection.together) == (2, "fine", True)
    assert state.complaint is not None
    assert state.complaint.startswith("the session has no step 3: it has ")


@pytest.mark.parametrize(("asked", "layer"), [(0, 0), (11, 11), (12, 11), (-1, 0)])
def test_a_layer_that_is_not_there_is_the_nearest(
    recording: Recording, tmp_path: Path, asked: int, layer: int
) -> None:
    state = Opening(recording, tmp_path, asked, labels="coarse").open()
    assert state.layer == layer
    assert state.complaint == (
        None if asked == layer else f"there is no layer {asked}: the session has 0 to 11"
    )


def test_a_layer_waits_for_the_model(recording: Recording, tmp_path: Path) -> None:
    opening = Opening(replace(recording, blocks=0), tmp_path, 5, labels="coarse")
    state = opening.open()
    assert state.layer == 0
    state.recording = recording
    opening.controller.choose_layer()
    opening.controller.choose_layer()
    assert state.layer == 5


def test_before_the_model_is_there_no_step_is_kept(recording: Recording, tmp_path: Path) -> None:
    opening = Opening(replace(recording, blocks=0), tmp_path)
    state = opening.open()
    opening.controller.keep()
    found = SavedState(tmp_path / "state.json").selection(state.path)
    assert found is not None
    assert found.step is None
    assert found.labels == "coarse"
