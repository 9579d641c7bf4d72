"""The trainings of sparse autoencoders that lie in a session's folder: where they are, and how they stand."""

from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.sessions.events import EventReader
from subspacelens_tui.sessions.files import names_inside
from subspacelens_tui.sessions.state import Phase, StateTracker

FOLDER, JOB = "sae", "job.json"
_MOST = 10_000


def jobs_of(session: Path) -> list[Path]:
    """The folders of the trainings of a session."""
    names = names_inside(session, FOLDER, at_most=_MOST)
    folders = [session / FOLDER / name for name in sorted(names)]
    return [folder for folder in folders if (folder / JOB).is_file()]


@dataclass(frozen=True)
class TrainingState:
    """How a training stands.

    Attributes:
        phase, detail: as of a recording; RECORDING means that it trains.
        done, total: steps of all autoencoders.
        eta: seconds left; None if that is not known.
    """

    phase: Phase
    detail: str
    done: int
    total: int
    eta: float | None

    @property
    def alive(self) -> bool:
        """Whether a trainer is at work."""
        return self.phase.running and self.phase is not Phase.WAITING

    @property
    def words(self) -> str:
        """On one line."""
        if self.phase is not Phase.RECORDING:
            what = "starting" if self.phase is Phase.LOADING else str(self.phase)
            return f"{what}: {self.detail}" if self.detail else what
        left = "" if self.eta is None else f"  ETA {int(self.eta) // 60}:{int(self.eta) % 60:02d}"
        return f"step {self.done} of {self.total}{left}"


class TrainingWatch:
    """Follows a training by its event log.

    Args:
        folder: of the job.
    """

    def __init__(self, folder: Path) -> None:
        self._events, self._tracker = EventReader(folder), StateTracker()
        self._done = self._total = 0
        self._eta: float | None = None

    def now(self) -> TrainingState:
        """Take in what is new."""
        events = self._events.new()
        if self._events.restarted:
            self._tracker = StateTracker()
        self._tracker.take(events)
        for event in events:
            done, total, eta = (event.get(key) for key in ("step", "steps", "eta"))
            if isinstance(done, int) and isinstance(total, int):
                self._done, self._total = done, total
                self._eta = float(eta) if isinstance(eta, int | float) else None
        state = self._tracker.now(0, 1)
        return TrainingState(state.phase, state.detail, self._done, self._total, self._eta)


def training_phases(session: Path) -> list[Phase]:
    """How each of the trainings of a session stands."""
    return [TrainingWatch(folder).now().phase for folder in jobs_of(session)]
