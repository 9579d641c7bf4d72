"""What is asked of the worker beside the metrics of the view, without a screen."""

from dataclasses import replace
from typing import Any

import pytest

from subspacelens_tui.analysis.least_overlap_by_step import Separations
from subspacelens_tui.analysis.sparse_results import SparseResult
from subspacelens_tui.app.controllers.deferred_metrics import DeferredMetrics
from subspacelens_tui.app.panes.pane import Deferred
from subspacelens_tui.app.panes.registry import PANES
from subspacelens_tui.app.selection import with_eps
from tests.app.controllers.conftest import NotedState
from tests.app.sparse_result import sparse_result
from tests.app.test_widgets import analysis


@pytest.fixture
def shown(state: NotedState) -> NotedState:
    """A session whose metrics are as good as they will be."""
    found = analysis(layers=12)
    assert state.selection is not None
    state.analysis = replace(found, selection=state.selection, results={state.selection.main: found.main})
    return state


def asked(state: NotedState, *needed: Deferred) -> list[str]:
    DeferredMetrics(state, lambda: needed).ask()
    return [job.name for job in state.noted.jobs]


@pytest.mark.parametrize(
    ("needed", "jobs"),
    [
        ((), set()),
        ((Deferred.SPLIT_HALVES,), {"halves"}),
        ((Deferred.LEAST_OVERLAP_BY_STEP,), {"separation"}),
        ((Deferred.CKA,), {"cka"}),
        ((Deferred.OVER_EPS,), {"over ε"}),
        ((Deferred.SPARSE,), {"sparse"}),
        ((Deferred.PAIRS,), set()),  # a recorder needs the core
        (tuple(Deferred), {"halves", "separation", "cka", "over ε", "sparse"}),
    ],
)
def test_only_what_panes_that_are_seen_need(
    shown: NotedState, needed: tuple[Deferred, ...], jobs: set[str]
) -> None:
    assert set(asked(shown, *needed)) == {"layer"} | jobs


def test_every_need_is_met_and_some_pane_has_it() -> None:
    assert {need for pane in PANES for need in pane.needs} == set(Deferred)


def test_not_before_the_other_metrics_are_as_good_as_they_will_be(shown: NotedState) -> None:
    assert shown.analysis is not None
    shown.analysis = replace(shown.analysis, refining=True)
    assert asked(shown, *Deferred) == []
    shown.analysis = None
    assert asked(shown, *Deferred) == []


def job(state: NotedState, name: str) -> Any:
    return next(job for job in state.noted.jobs if job.name == name)


def test_results_are_kept_with_the_images_they_are_of(shown: NotedState) -> None:
    asked(shown, *Deferred)
    job(shown, "halves").done(((0.5, 0.3),), None)
    job(shown, "separation").done(None, "one step only")
    found = shown.analysis
    assert found is not None
    assert (found.halves, found.halves_images) == (((0.5, 0.3),), 30)
    assert found.separation == Separations((), "one step only", 30)


def test_results_of_another_view_are_dropped(shown: NotedState) -> None:
    asked(shown, *Deferred)
    assert shown.selection is not None
    assert shown.analysis is not None
    shown.analysis = replace(shown.analysis, selection=with_eps(shown.selection, 9.0))
    job(shown, "halves").done(((0.5, 0.3),), None)
    job(shown, "layer").done(None, "failed")
    assert (shown.analysis.halves, shown.analysis.closer) == ((), {})


def test_a_layer_that_fails_says_why(shown: NotedState) -> None:
    shown.layer = 2
    asked(shown)
    job(shown, "layer").done(None, "out of memory")
    assert shown.analysis is not None
    assert shown.analysis.closer[2].missing["normality"] == "out of memory"


def test_lenses_come_layer_by_layer_the_selected_one_first(shown: NotedState) -> None:
    every = sparse_result(12)
    shown.layer, order = 7, []
    asked(shown, Deferred.SPARSE)
    for _ in range(12):
        wanted = [job for job in shown.noted.jobs if job.name == "sparse"][-1]
        layer = wanted.key[2]  # type: ignore[index]
        order.append(layer)
        wanted.done(replace(every, layers=(every.layers[layer],)), None)
    assert order == [7, *range(7), *range(8, 12)]
    assert shown.analysis is not None
    assert isinstance(shown.analysis.sparse, SparseResult)
    assert shown.analysis.sparse.layers == every.layers
    before = len(shown.noted.jobs)
    assert "sparse" not in asked(shown, Deferred.SPARSE)[before:]


def test_lenses_that_cannot_be_had_say_why(shown: NotedState) -> None:
    asked(shown, Deferred.SPARSE)
    job(shown, "sparse").done(None, "all images are of one subject")
    assert shown.analysis is not None
    assert shown.analysis.sparse == "all images are of one subject"
