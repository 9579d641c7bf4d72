"""What is computed beside the figures, while the session is still being recorded."""

import asyncio
import threading

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.app.jobs import Job
from subspacelens_tui.app.worker import Worker
from tests.app.conftest import PATIENCE
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
