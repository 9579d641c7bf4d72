"""What is trained beside a session, and whether more of it is under way."""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import names_inside
from subspacelens_tui.sessions.trainings import TrainingWatch, jobs_of
from subspacelens_tui.sparse.layouts import CONFIG
from subspacelens_tui.sparse.training_job import TRAININGS

_MOST = 100_000
Finished = tuple[tuple[str, int], ...]
"""The autoencoders of a layer, whatever they are of, each with the time of its file in nanoseconds."""


@dataclass(frozen=True)
class Trainings:
    """How the trainings of a session stand.

    Attributes:
        finished: by layer; it differs once there is another autoencoder of the layer, or the same anew.
        at_work: the one that is under way, on one line; empty if none is.
    """

    finished: Mapping[int, Finished] = field(default_factory=dict)
    at_work: str = ""


class TrainingsWatch:
    """Follows all trainings of a session, those that begin later as well.

    Args:
        session: its folder.
    """

    def __init__(self, session: Path) -> None:
        self._session = session
        self._watches: dict[Path, TrainingWatch] = {}

    def now(self) -> Trainings:
        """How they stand; what of them cannot be read is left out."""
        try:
            folders = jobs_of(self._session)
            self._watches = {of: self._watches.get(of) or TrainingWatch(of) for of in folders}
            states = [watch.now() for watch in self._watches.values()]
            at_work = next((state.words for state in states if state.alive), "")
            return Trainings(_finished(folders), at_work)
        except (SessionError, OSError):
            return Trainings()


def _finished(folders: list[Path]) -> dict[int, Finished]:
    found: dict[int, list[tuple[str, int]]] = {}
    for folder in folders:
        for training in TRAININGS:
            for name in names_inside(folder, training, at_most=_MOST):
                if of := re.fullmatch(r"block\.(\d{1,9})", name):
                    with contextlib.suppress(OSError):
                        at = (folder / training / name / CONFIG).stat().st_mtime_ns
                        found.setdefault(int(of[1]), []).append((f"{folder.name}/{training}", at))
    return {layer: tuple(sorted(each)) for layer, each in found.items()}
