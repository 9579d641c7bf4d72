"""While a recording grows, each value on the screen is of the images that its pane says, or is marked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.panes.inspector import Inspector
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.scrubber import Scrubber
from subspacelens_tui.app.widgets.sweep_map import SweepMap
from subspacelens_tui.sessions import open_session
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSession
from tests.conftest import PlantedSessionFactory as Planted

NAMES = {
    "R": ("R", numbers.number),
    "Rc": ("Rc", numbers.number),
    "ΔR": ("delta_R", numbers.number),
    "erank": ("effective_rank", numbers.number),
    "PR": ("participation_ratio_unbiased", numbers.number),
    "PR naive": ("participation_ratio", numbers.number),
    "stable r": ("stable_rank", numbers.number),
    "overlap": ("overlap_mean", lambda value: numbers.fraction(value, 3)),
    "Hoyer": ("hoyer", lambda value: numbers.fraction(value, 3)),
}


@lru_cache
def analysed(path: Path, settings: Settings) -> Result:
    """By an analyzer of our own."""
    return Analyzer(open_session(path)).result(settings)


def images_of(pane: Pane) -> int:
    """How many images a pane says that it is of."""
    found = re.match(r"N (\d+)", str(pane.border_subtitle))
    assert found, (pane.id, pane.border_subtitle)
    return int(found.group(1))


def inspected(app: Driver) -> dict[str, list[str]]:
    """The rows of the inspector by their names."""
    lines = app.screen.query_one(Inspector).as_text().splitlines()[2:]
    return {line[:9].strip(): line[9:].split() for line in lines}


def check(app: Driver, session: PlantedSession) -> None:
    """Every pane has the metrics of as many images as it says."""
    for pane in app.screen.panes:
        if not pane.display or pane.id == "log":
            continue
        assert pane.analysis is not None
        main, images = pane.analysis.main, images_of(pane)
        assert main is not None
        expected = analysed(session.path, replace(main.settings, images=images))
        rows = pane.numbers()
        if pane.id in ("layers", "rates", "rank"):
            metric = {"rank": "effective_rank"}.get(str(pane.id), "delta_R")
            mine = [row[metric] for row in rows if row["labels"] == main.settings.labels]
            assert mine == pytest.approx(expected.curve(metric)), pane.id
        elif pane.id == "excess":
            mine = [row["excess"] for row in rows if row["labels"] == main.settings.labels]
            assert mine == pytest.approx(expected.curve("excess"), abs=1e-9)
        elif pane.id == "overlap" and expected.overlap is not None:
            matrix = expected.overlap[app.screen.selected]
            assert [row["overlap"] for row in rows] == pytest.approx(matrix.ravel().tolist())
        elif pane.id == "inspector":
            layer = expected.layers[app.screen.selected]
            for name, (metric, written) in NAMES.items():
                value = getattr(layer, metric)
                if value is not None:
                    assert inspected(app)[name][0] == written(value), (images, name)
            assert f"N {images}  d " in pane.as_text()


@contextmanager
def nothing_deferred(app: Driver) -> Iterator[None]:
    """What costs seconds is not computed in here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.screen.worker._jobs, "next", lambda: None)
        yield


@pytest.mark.parametrize("over_ssh", [False, True])
async def test_every_value_is_of_the_images_that_its_pane_says(
    on: OpenApp, planted: Planted, over_ssh: bool
) -> None:
    session = planted(batch=3, layers=2, seeds=2).start().record(1)
    async with on(session, size=(120, 60), setup=Setup(over_ssh=over_ssh)) as app:
        for batch in range(4):
            check(app, session)
            session.record(1)
            if batch % 2:
                with nothing_deferred(app):
                    await app.settled()
                    check(app, session)
            # As the background gets on, and over SSH as the panes have their turn.
            for _ in range(30):
                await app.pilot.pause()
                check(app, session)
            while app.screen.updates.late:
                app.screen.updates.show_next()
                check(app, session)
            await app.settled()
        check(app, session)


async def test_what_costs_seconds_says_of_how_many_images_it_is(on: OpenApp, planted: Planted) -> None:
    session = planted(batch=9, layers=2, seeds=4).start().record(2)
    async with on(session, size=(120, 60)) as app:
        inspector = app.screen.query_one(Inspector)
        of_18 = analysed(session.path, Settings(images=18, labels="coarse", step=19, thorough=True)).layers[0]
        assert inspected(app)["own half"][0] == numbers.fraction(of_18.split_half_ceiling, 3)
        assert "at N =" not in inspector.as_text()
        errors = inspected(app)["erank"]
        assert "±" in errors[-1]
        with nothing_deferred(app):
            session.record(1)
            await app.settled()
            # No error of 18 images beside a rank of 27.
            assert inspected(app)["erank"][0] != errors[0]
            assert len(inspected(app)["erank"]) == 1
            assert inspected(app)["own half"][0] == numbers.fraction(of_18.split_half_ceiling, 3)
            older = [row for row in inspector.numbers() if row["images"] == 18]
            # One mark for each, but for those that need no images; halves and normality have a few numbers.
            marked = {re.sub("^(split_half|normality)_.*", r"\1", row["figure"]) for row in older}
            marked -= {"hoyer_gaussian", "hoyer_laplace"}
            assert marked >= {"split_half", "normality", "largest_coordinate_share", "knn_accuracy"}
            assert inspector.as_text().count("↑ at N = 18") == len(marked)
            assert {row["figure"] for row in older} >= {"split_half_ceiling", "normality_pooled"}
            assert not {row["figure"] for row in older} & {"effective_rank", "overlap_mean"}
        await app.settled()
        assert "at N =" not in inspector.as_text()
        assert {row["images"] for row in inspector.numbers()} == {27}


async def test_a_reason_does_not_outlive_its_images(on: OpenApp, planted: Planted) -> None:
    session = planted(batch=3, layers=2, seeds=2).start().record(1)
    async with on(session, size=(120, 60)) as app:
        assert "there is one class" in " ".join(app.screen.query_one(Inspector).as_text().split())
        with nothing_deferred(app):
            session.record(1)
            await app.settled()
            assert "one class" not in " ".join(app.text().split())
            assert inspected(app)["own half"][0] == "…"


async def test_halves_and_steps_of_fewer_images_are_marked(on: OpenApp, planted: Planted) -> None:
    session = planted(batch=9, layers=2, seeds=4).start().record(2)
    async with on(session, size=(200, 60)) as app:
        await app.press("5", "w")
        course = app.screen.query_one("#course", Pane)
        assert course.sample() == "N 18"
        with nothing_deferred(app):
            session.record(1)
            await app.settled()
            assert course.sample() == "N 27, halves: N 18"
            assert {(row["images"], row["split_half_images"]) for row in course.numbers()} == {(27, 18)}
        await app.press("w")
        steps = app.screen.query_one("#separation", Pane)
        assert images_of(steps) == 27
        with nothing_deferred(app):
            session.record(1)
            await app.settled()
            assert images_of(steps) == 27
            assert {row["images"] for row in steps.numbers()} == {27}
        await app.settled()
        assert images_of(steps) == 36


async def test_the_scrubber_says_which_images_the_metrics_are_of(on: OpenApp, planted: Planted) -> None:
    session = planted(batch=9, layers=2, seeds=4).start().record(1)
    async with on(session) as app:
        with pytest.MonkeyPatch.context() as patch:
            # Read anew, but not analysed yet.
            patch.setattr(app.screen.worker, "_due", lambda: False)
            session.record(1)
            await app.settled()
            assert "recording 18/36" in app.text()
            assert " 9/36 following" in app.screen.query_one(Scrubber).as_text()
        await app.settled()
        assert "18/36 following" in app.screen.query_one(Scrubber).as_text()


async def test_a_sweep_says_how_many_images_each_row_is_of(on: OpenApp, planted: Planted) -> None:
    session = planted(batch=9, layers=2, seeds=2, guidance=(2.0, 6.0)).start().record(1)
    async with on(session) as app:
        await app.press("m")
        shown = app.app.screen.query_one(SweepMap)
        rows = [line.split()[-5:] for line in shown.as_text().splitlines()[1:5]]
        assert [row.images for row in shown.rows] == [9, 9, None, None]
        assert all("9" in row for row in rows[:2])
        assert shown.as_text().count("no image was recorded at guidance 6 yet") == 2
