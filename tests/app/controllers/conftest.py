"""A session's state without a screen, and a worker that only notes what is asked of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.selection import first_selection
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.sessions import Phase, RunState
from tests.conftest import PlantedSessionFactory as Planted


class NotedWorker:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.looked: list[Any] = []
        self.jobs: list[Job] = []
        self.nudges = 0

    def look(self, selection: Any) -> None:
        self.looked.append(selection)

    def want(self, job: Job) -> None:
        self.jobs.append(job)

    def nudge(self) -> None:
        self.nudges += 1


class NotedState(SessionState):
    """Counts its changes."""

    def __init__(self, path: Path) -> None:
        self.noted = NotedWorker()
        self.changes = 0
        super().__init__(path, self.noted, self._count)  # type: ignore[arg-type]

    def _count(self) -> None:
        self.changes += 1

    def show(self, analysis: Analysis) -> None:
        """Have metrics of the current view."""
        assert self.selection is not None
        self.analysis = replace(analysis, selection=self.selection)

    @property
    def images(self) -> int | None:
        """Images that the view is of."""
        assert self.selection is not None
        return self.selection.settings.images


@pytest.fixture
def recording(planted: Planted) -> Recording:
    """Four rounds of nine prompts of a finished session of twelve layers."""
    manifest = planted(seeds=4).start().manifest
    state = RunState(phase=Phase.FINISHED, detail="", recorded=36, planned=36)
    manifest = manifest.model_copy(update={"blocks": [manifest.blocks[0]] * 12})
    recorded = dict.fromkeys(manifest.guidance, 36)
    return Recording("planted", manifest, 12, state, "run", (), (), recorded)


@pytest.fixture
def state(recording: Recording, tmp_path: Path) -> NotedState:
    """A session that was just opened."""
    state = NotedState(tmp_path / "session")
    assert state.take_recording(recording)
    state.open(first_selection(Settings(), recording.manifest)[0])
    return state
