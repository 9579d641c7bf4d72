"""What the commands that read sessions share.

Each function imports what it needs: `--help` is instant, and the app never sees torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subspacelens_tui.cli.command import given
from subspacelens_tui.cli.program import say

if TYPE_CHECKING:
    from subspacelens_tui.analysis import Settings
    from subspacelens_tui.app.preferences import Preferences
    from subspacelens_tui.sessions import Session


def open_session(arguments: argparse.Namespace, name: str, say_notes: bool = True) -> Session:
    """A session with the label schemes of `--labels-file`."""
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.labels import add_labels

    session = open_session(find_session(name, sessions_folder(arguments.sessions)))
    if (file := labels_file(arguments)) is not None:
        notes = add_labels(session, file)
        for note in notes if say_notes else ():
            say(note)
    return session


def labels_file(arguments: argparse.Namespace) -> Path | None:
    """That of `--labels-file`."""
    return None if arguments.labels_file is None else Path(arguments.labels_file)


def settings_of(arguments: argparse.Namespace, **unless_given: Any) -> Settings:
    """What the options ask of the analysis."""
    from subspacelens_tui.analysis import Settings

    return Settings(**unless_given | given(arguments, Settings))


def checked_selection(arguments: argparse.Namespace, folder: Path, preferences: Preferences) -> Settings:
    """The settings to open a session with, refused here where the line is still seen."""
    from subspacelens_tui.analysis.layers import layer_of
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.labels import add_labels

    session = open_session(folder)
    if (file := labels_file(arguments)) is not None:
        for note in add_labels(session, file):
            say(note)
    # Not every session has the scheme that the user likes best.
    labels = preferences.labels if preferences.labels in session.manifest.label_schemes else None
    settings = settings_of(arguments, eps=preferences.eps, labels=labels)
    settings.resolve(session)
    if arguments.layer is not None and session.manifest.blocks:
        layer_of(session.manifest, arguments.layer)
    return settings


def say_problems(session: Session) -> None:
    """What is wrong with a session, where the output has no room for it."""
    for problem in session.problems:
        say(f"{session.name}: {problem}")


def say_losses(lines: Sequence[str]) -> None:
    """What was recorded and is not in what was printed: of many lines the first, for notes have them all."""
    more = f" (and {len(lines) - 1} more, see the notes)" if len(lines) > 1 else ""
    for line in lines[:1]:
        say(line + more)
