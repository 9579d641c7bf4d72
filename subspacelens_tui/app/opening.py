"""Opening a session: the thread that reads and analyses it, and what it begins with."""

from pathlib import Path

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.initial_settings import opening_settings
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.worker import Worker


def worker_on(path: Path, settings: Settings | None, setup: Setup, first: bool = False) -> Worker:
    """A worker that begins with what a session opens with; the app's `first` one with its label file."""
    labels_file = setup.labels_file if first else None
    return Worker(path, settings or opening_settings(setup, path), labels_file)
