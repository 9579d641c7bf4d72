"""What is computed beside the metrics of the selection when there is time, one thing after the other."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.progress import IsCancelled


@dataclass(frozen=True)
class Job:
    """Something to compute.

    Attributes:
        name: what it is for; of one name only the newest is done.
        key: what it is of; what was done already is not done again.
        work: does it, on the thread of the analysis.
        done: called on the event loop with the result, or None and the reason there is none.
        urgent: whether somebody waits for it; then it goes first, and others make room.
        kept: whether its result is kept for when the same is wished for again, after another of its name.
    """

    name: str
    key: Hashable
    work: Callable[[Analyzer, IsCancelled], object] = field(compare=False)
    done: Callable[[object, str | None], None] = field(compare=False)
    urgent: bool = False
    kept: bool = False


# Results of some layers of some label schemes and branches.
_KEPT = 64


class Jobs:
    """The jobs that are wanted, in the order of their names' first wish, and those that are done."""

    def __init__(self) -> None:
        self._wanted: dict[str, Job] = {}
        self._done: dict[str, Hashable] = {}
        self._results: OrderedDict[tuple[str, Hashable], object] = OrderedDict()

    def want(self, job: Job) -> bool:
        """Wish for a job; True if there is something new to do."""
        before = self._wanted.get(job.name)
        self._wanted[job.name] = job
        return before != job and self._done.get(job.name) != job.key

    def drop(self, name: str) -> None:
        """Wish for nothing of this name any more; its last result is forgotten."""
        self._wanted.pop(name, None)
        self._done.pop(name, None)

    def next(self) -> Job | None:
        """The first that is to be done."""
        waiting = [job for job in self._wanted.values() if self._done.get(job.name) != job.key]
        return next((job for job in waiting if job.urgent), waiting[0] if waiting else None)

    def must_yield(self, job: Job) -> bool:
        """Whether an urgent one waits for this one to end."""
        following = self.next()
        return not job.urgent and following is not None and following.urgent

    def wanted(self, job: Job) -> bool:
        """Whether this one is still wished for."""
        return self._wanted.get(job.name) == job

    def result(self, job: Job) -> object | None:
        """What is kept of the same job, or None."""
        return self._results.get((job.name, job.key)) if job.kept else None

    def finish(self, job: Job, result: object | None) -> None:
        """It is done, with a result or without."""
        self._done[job.name] = job.key
        if job.kept and result is not None:
            self._results[job.name, job.key] = result
            self._results.move_to_end((job.name, job.key))
            if len(self._results) > _KEPT:
                self._results.popitem(last=False)

    def hand_on(self, job: Job) -> bool:
        """Be done with a job by what is kept of the same; False if nothing is."""
        if (result := self.result(job)) is None:
            return False
        self.finish(job, result)
        job.done(result, None)
        return True

    def forget_results(self) -> None:
        """What they were computed from has changed."""
        self._results.clear()
