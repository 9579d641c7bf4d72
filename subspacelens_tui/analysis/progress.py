"""Progress and cancellation of an analysis."""

from collections.abc import Callable
from dataclasses import dataclass

from subspacelens_tui.geometry import Cancelled

Progress = Callable[[str, int, int], None]
"""Called with what is computed ("permutations", …), how much of it is done, and how much there is."""
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class Watch:
    """Progress and cancellation of a computation; both may be left out.

    Attributes:
        cancelled: asked many times a second; once it says True, the computation ends with `Cancelled`.
        progress: called a few times a second, on the thread that computes.
    """

    cancelled: IsCancelled | None = None
    progress: Progress | None = None

    def check(self) -> None:
        """Raise `Cancelled` if so."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled

    def report(self, what: str, done: int, total: int) -> None:
        """Check, and say how far it is."""
        self.check()
        if self.progress is not None:
            self.progress(what, done, total)

    def of(self, what: str, before: int = 0, whole: int | None = None) -> Callable[[int, int], None]:
        """A (done, total) callback for one computation, or for a part of a `whole` after some `before` it."""
        return lambda done, total: self.report(what, before + done, whole or total)
