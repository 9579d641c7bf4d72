"""The commands that read sessions.

Each command imports what it needs: `--help` is instant, and the app never sees torch.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subspacelens_tui.cli.preferences import setup
from subspacelens_tui.cli.program import PROGRAM, need_terminal
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.standard_streams import print_path

if TYPE_CHECKING:
    from subspacelens_tui.analysis import Settings
    from subspacelens_tui.analysis.result import Result
    from subspacelens_tui.app.preferences import Preferences
    from subspacelens_tui.sessions import Session

_VIEW = ("labels", "eps", "branch", "step", "guidance", "features", "subspace_dim")


def app(arguments: argparse.Namespace) -> int:
    """The list of sessions."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import sessions_folder

    need_terminal("the list of sessions: `subspacelens-tui list` prints it, `show` a session of it")
    return run(sessions_folder(arguments.sessions), setup=setup(arguments))


def replay(arguments: argparse.Namespace) -> int:
    """Open a session."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    folder = sessions_folder(arguments.sessions)
    session = find_session(arguments.session, folder)
    need_terminal("a session: `subspacelens-tui show` prints its panes, `analyze` its figures")
    used = setup(arguments)
    asked = _checked_view(arguments, session, used.preferences)
    # Without options it opens as it was left.
    settings = asked if any(getattr(arguments, name) is not None for name in _VIEW) else None
    return run(folder, session, settings, arguments.layer, used)


def show(arguments: argparse.Namespace) -> int:
    """Print the panes of a session once."""
    from subspacelens_tui.app.print_session import show
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    session = find_session(arguments.session, sessions_folder(arguments.sessions))
    used = setup(arguments)
    settings = _checked_view(arguments, session, used.preferences)
    _say_problems(open_session(session))
    return show(
        session,
        settings,
        arguments.layer,
        preferences=used.preferences,
    )


def list_all(arguments: argparse.Namespace) -> int:
    """List the sessions."""
    from subspacelens_tui.analysis.output import print_listing
    from subspacelens_tui.sessions.catalog import list_sessions, sessions_folder

    print_listing(list_sessions(sessions_folder(arguments.sessions)), as_json=arguments.json)
    return 0


def analyze(arguments: argparse.Namespace) -> int:
    """Print metrics of a session."""
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.every_image import every_image_figures
    from subspacelens_tui.analysis.output import print_figures, print_sweep, print_tables, print_tokens
    from subspacelens_tui.analysis.sweep import sweep
    from subspacelens_tui.analysis.tables import article_tables
    from subspacelens_tui.analysis.token_results import token_figures

    session = _open(arguments, arguments.session)
    settings, analyzer, as_json = _settings(arguments), Analyzer(session), arguments.json
    if arguments.tables:
        with progress() as say:
            tables = article_tables(analyzer, settings, progress=say)
        print_tables(tables, as_json)
        _say_losses(tables.losses)
    elif arguments.sweep:
        with progress() as say:
            swept = sweep(analyzer, settings, arguments.sweep, progress=say)
        _refuse_empty(session, swept.absent)
        print_sweep(swept, as_json)
        _say_losses(swept.losses)
    elif arguments.tokens:
        with progress() as say:
            tokens = token_figures(session, settings, functools.partial(say, "layers"))
        _refuse_empty(session, tokens.figures.absent)
        print_tokens(session, tokens, as_json)
        _say_losses(tokens.figures.losses)
    elif arguments.every_image:
        with progress() as say:
            figures = every_image_figures(session, settings, progress=say)
        _refuse_empty(session, figures.absent)
        print_figures(session, figures, as_json)
        _say_losses(figures.losses)
    else:
        with progress() as say:
            figures = analyzer.figures(settings, progress=say)
        _refuse_empty(session, figures.absent)
        print_figures(session, figures, as_json)
        _say_losses(figures.losses)
    return 0


def _refuse_empty(session: Session, absent: str) -> None:
    """Say why there is nothing to print, rather than print a table without rows."""
    from subspacelens_tui.analysis.left_out import NoImagesError

    if absent:
        raise NoImagesError(f"{session.name}: {absent}")


def _say_losses(lines: Sequence[str]) -> None:
    """What was recorded and is not in what was printed: of many lines the first, for notes have them all."""
    from subspacelens_tui.sessions.sanitise import plain

    more = f" (and {len(lines) - 1} more, see the notes)" if len(lines) > 1 else ""
    for line in lines[:1]:
        print(f"{PROGRAM}: {plain(line)}{more}", file=sys.stderr)


def compare(arguments: argparse.Namespace) -> int:
    """Print the difference of two sides."""
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.compare import compare, side_settings, split_side
    from subspacelens_tui.analysis.output import print_comparison

    sides: list[Result] = []
    for side in (arguments.a, arguments.b):
        name, changes = split_side(side)
        settings = side_settings(_settings(arguments), changes)
        with progress() as say:
            session = _open(arguments, name, say_notes=not sides)
            sides.append(Analyzer(session).figures(settings, progress=say))
    print_comparison((arguments.a, arguments.b), compare(*sides), as_json=arguments.json)
    _say_losses([line for figures in sides for line in figures.losses])
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Write metrics to files."""
    from subspacelens_tui.analysis.output import export, parse_formats

    formats = parse_formats(arguments.format)
    session = _open(arguments, arguments.session)
    _say_problems(session)
    settings = replace(
        _view(arguments),
        permutations=arguments.permutations,
        seed=arguments.seed,
        errors=None if arguments.errors == "none" else arguments.errors,
    )
    losses: list[str] = []
    with progress() as say:
        paths = export(session, Path(arguments.to), settings, formats, say, losses.append)
    _say_losses(losses)
    for path in paths:
        print_path(path)
    return 0


def _say_problems(session: Session) -> None:
    """What is wrong with a session, where the output has no room for it."""
    from subspacelens_tui.sessions.sanitise import plain

    for problem in session.problems:
        print(f"{PROGRAM}: {plain(session.name)}: {plain(problem)}", file=sys.stderr)


def _open(arguments: argparse.Namespace, name: str, say_notes: bool = True) -> Session:
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.labels import add_labels
    from subspacelens_tui.sessions.sanitise import plain

    session = open_session(find_session(name, sessions_folder(arguments.sessions)))
    if arguments.labels_file is not None:
        notes = add_labels(session, Path(arguments.labels_file))
        for note in notes if say_notes else ():
            print(f"{PROGRAM}: {plain(note)}", file=sys.stderr)
    return session


def _view(arguments: argparse.Namespace, **unless_given: Any) -> Settings:
    from subspacelens_tui.analysis import Settings

    given = {name: value for name in _VIEW if (value := getattr(arguments, name, None)) is not None}
    return Settings(**unless_given | given)


def _checked_view(arguments: argparse.Namespace, folder: Path, preferences: Preferences) -> Settings:
    """The settings to open a session with, refused here where the line is still seen."""
    from subspacelens_tui.analysis import SettingsError
    from subspacelens_tui.sessions import open_session

    session = open_session(folder)
    # Not every session has the scheme that the user likes best.
    labels = preferences.labels if preferences.labels in session.manifest.label_schemes else None
    settings = _view(arguments, eps=preferences.eps, labels=labels)
    settings.resolve(session)
    layers = len(session.manifest.blocks)
    if arguments.layer is not None and layers and not 0 <= arguments.layer < layers:
        raise SettingsError(f"there is no layer {arguments.layer}: {session.name} has 0 to {layers - 1}")
    return settings


def _settings(arguments: argparse.Namespace) -> Settings:
    return replace(
        _view(arguments),
        permutations=arguments.permutations,
        design=arguments.design,
        seed=arguments.seed,
        errors=None if arguments.errors == "none" else arguments.errors,
        iso_rate=arguments.iso_rate,
        thorough=arguments.thorough,
    )
