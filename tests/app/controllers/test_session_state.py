"""What the session screen shows, as the worker brings it and the user changes it."""

from dataclasses import replace

import pytest

from subspacelens_tui.app.controllers.status import status
from subspacelens_tui.app.selection import with_eps, with_images
from subspacelens_tui.app.snapshots import Recording
from subspacelens_tui.sessions import Phase
from tests.app.controllers.conftest import NotedState
from tests.app.test_widgets import analysis


def test_only_another_view_is_looked_at(state: NotedState) -> None:
    selection = state.selection
    assert selection is not None
    state.tell("a notice")
    before = state.changes
    state.look(selection)
    assert (state.noted.looked, state.changes, state.notice) == ([selection], before, "a notice")
    other = with_eps(selection, 2.0)
    state.look(other)
    assert (state.noted.looked, state.changes, state.notice) == ([selection, other], before + 1, None)


def test_metrics_of_a_view_that_is_not_looked_at_any_more_are_dropped(state: NotedState) -> None:
    selection = state.selection
    assert selection is not None
    found = replace(analysis(), selection=selection)
    assert state.take_analysis(found)
    state.look(with_eps(selection, 2.0))
    assert not state.take_analysis(found)
    assert state.analysis is found, "what is shown stays until there is better"


def test_deferred_metrics_stay_until_they_are_computed_anew(state: NotedState) -> None:
    assert state.selection is not None
    state.show(replace(analysis(), halves=((0.5, 0.4),), halves_images=30))
    assert state.take_analysis(replace(analysis(), selection=state.selection, permutations=7))
    assert state.analysis is not None
    assert (state.analysis.permutations, state.analysis.halves) == (7, ((0.5, 0.4),))


def test_a_growing_session_keeps_its_view_and_another_one_does_not(
    state: NotedState, recording: Recording
) -> None:
    state.show(analysis())
    state.layer = 11
    assert not state.take_recording(replace(recording, recorded={3.0: 40}))
    assert state.analysis is not None
    manifest = recording.manifest.model_copy(update={"guidance": (7.5,)})
    assert state.take_recording(replace(recording, manifest=manifest, blocks=4))
    assert state.analysis is None
    assert state.layer == 3


@pytest.mark.parametrize(
    ("phase", "images", "behind"),
    [(Phase.FINISHED, 30, None), (Phase.RECORDING, 30, 30), (Phase.STALE, 30, None)],
)
def test_metrics_are_behind_while_a_recorder_runs(
    state: NotedState, recording: Recording, phase: Phase, images: int, behind: int | None
) -> None:
    state.show(analysis())
    assert state.recording is not None
    assert state.analysis is not None
    results = {state.selection.main: next(iter(analysis().results.values()))} if state.selection else {}
    state.analysis = replace(state.analysis, results=results)
    state.recording = replace(recording, state=replace(recording.state, phase=phase))
    assert state.behind == behind
    assert state.may_run == (phase is not Phase.FINISHED)


def test_what_matters_most_is_said(state: NotedState, recording: Recording) -> None:
    assert status(state) == ("none", "")
    failed = replace(recording.state, phase=Phase.FAILED, detail="out of memory")
    state.recording = replace(recording, state=failed, problems=("a problem", "another"))
    assert status(state) == ("error", "the recording failed: out of memory")
    state.recording = replace(recording, problems=("a problem", "another"))
    assert status(state) == ("warning", "a problem (and 1 more, see the log: 7)")
    state.tell("copied")
    assert status(state) == ("note", "copied")
    assert status(state, "playing") == ("note", "playing")
    state.complain("no such layer")
    assert status(state, "playing") == ("error", "no such layer")
    state.take_trouble("it is gone")
    assert status(state) == ("error", "it is gone")
    state.recording = state.trouble = state.complaint = None
    assert status(state) == ("note", "reading the session …")


def test_images_of_the_chosen_scale_are_counted(state: NotedState) -> None:
    assert (state.recorded, state.planned) == (36, 36)
    assert state.selection is not None
    state.look(with_images(state.selection, 9))
    assert state.images == 9
    assert state.recorded == 36
