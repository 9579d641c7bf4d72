"""What is computed beside the metrics, while the session is still being recorded."""

import asyncio
import math
import threading
from typing import Any

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import background_jobs
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.worker import Worker
from tests.app.conftest import PATIENCE, OpenApp
from tests.conftest import PlantedSessionFactory


async def test_what_somebody_waits_for_is_done_soon(planted: PlantedSessionFactory) -> None:
    session = planted(layers=2, width=8).start().record(batches=2)
    worker, order = Worker(session.path), asyncio.Queue[str]()
    moment = threading.Event()

    def job(name: str, seconds: float, urgent: bool) -> Job:
        def work(analyzer: Analyzer, cancelled: IsCancelled) -> bool:
            return moment.wait(seconds)

        return Job(name, name, work, lambda result, reason: order.put_nowait(name), urgent)

    def ignored(news: object) -> None:
        pass

    # Resting for forty times as long is longer than anyone is patient here.
    worker.want(job("beside", 2.0, urgent=False))
    async with asyncio.TaskGroup() as group:
        following = group.create_task(worker.run(0.1, ignored, ignored, ignored))
        async with asyncio.timeout(PATIENCE):
            assert await order.get() == "beside"
            worker.want(job("beside, next", 0.0, urgent=False))
            worker.want(job("waited for", 0.0, urgent=True))
            assert await order.get() == "waited for"
        worker.close()
        following.cancel()


async def test_nobody_rests_for_a_recorder_that_has_ended(planted: PlantedSessionFactory) -> None:
    session = planted(layers=2, width=8).start().record(batches=2)
    worker, order = Worker(session.path), asyncio.Queue[str]()

    def job(name: str) -> Job:
        return Job(name, name, lambda *_: True, lambda result, reason: order.put_nowait(name))

    async with asyncio.TaskGroup() as group:
        following = group.create_task(worker.run(0.1, *[lambda news: None] * 3))
        async with asyncio.timeout(PATIENCE):
            worker.want(job("while it records"))
            assert await order.get() == "while it records"
            worker._jobs_rest_until = math.inf
            worker.want(job("then"))
            session._events.write("stopped", reason="asked to")
            assert await order.get() == "then"
        worker.close()
        following.cancel()


async def test_a_key_that_changes_the_display_only_does_not_restart_the_null(
    on: OpenApp, planted: PlantedSessionFactory, permutations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []
    result = Analyzer.result

    def counted(analyzer: Analyzer, settings: Settings, *others: Any) -> Result:
        asked.append(settings)
        return result(analyzer, settings, *others)

    async with on(planted(layers=2, seeds=3).start().record()) as app:
        before = app.screen.analysis
        assert before.permutations == permutations
        monkeypatch.setattr(Analyzer, "result", counted)
        await app.press("t")
        assert not app.screen.selection.together
        assert asked == []
        assert app.screen.analysis.results == {before.selection.main: before.main}
        await app.press("t")
        assert asked == []
        assert app.screen.analysis.results == before.results
        # Other error bars: the null stays, and is not drawn anew either.
        await app.press("i")
        assert {settings.permutations for settings in asked} == {permutations}
        after = app.screen.analysis.main
        assert after.settings.errors == "image"
        assert [layer.null for layer in after.layers] == [layer.null for layer in before.main.layers]
        asked.clear()
        await app.press(*"iiii")
        assert app.screen.selection.settings.errors is None
        assert not app.screen.analysis.main.layers[0].errors


async def test_keys_that_go_back_and_forth_compute_nothing_twice(
    on: OpenApp, planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    done = background_jobs.Jobs.finish

    def counted(jobs: background_jobs.Jobs, job: Job, result: object) -> None:
        if jobs.result(job) is None:
            computed.append(job.name)
        done(jobs, job, result)

    monkeypatch.setattr(background_jobs.Jobs, "finish", counted)
    session = planted(layers=2, seeds=4).start().record(2)
    async with on(session) as app:
        await app.press("l")
        assert "layer" in computed
        shown = app.screen.analysis
        computed.clear()
        for key in ("l", "down", "up", "l"):
            await app.press(key)
        # Of the layer that had not been looked at.
        assert computed.count("layer") == 1
        assert app.screen.analysis == shown
        # What was computed of fewer images is not of these.
        computed.clear()
        session.record()
        await app.settled()
        assert {"layer", "overlap error"} <= set(computed)
        assert app.screen.analysis != shown
