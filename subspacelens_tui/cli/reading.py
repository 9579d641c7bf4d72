"""The commands that read sessions.

Each command imports what it needs: `--help` is instant, and the app never sees torch.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.cli.program import need_terminal

if TYPE_CHECKING:
    from subspacelens_tui.analysis import Settings
    from subspacelens_tui.sessions import Session


def app(arguments: argparse.Namespace) -> int:
    """The list of sessions."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import sessions_folder

    need_terminal("the list of sessions: `subspacelens-tui list` prints it")
    return run(sessions_folder(arguments.sessions))


def replay(arguments: argparse.Namespace) -> int:
    """Open a session."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    folder = sessions_folder(arguments.sessions)
    session = find_session(arguments.session, folder)
    need_terminal("a session: `subspacelens-tui show` prints its panes, `analyze` its figures")
    return run(folder, session, _checked_view(arguments, session), arguments.layer)


def show(arguments: argparse.Namespace) -> int:
    """Print the panes of a session once."""
    from subspacelens_tui.app.show import show
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    session = find_session(arguments.session, sessions_folder(arguments.sessions))
    return show(session, _checked_view(arguments, session), arguments.layer)


def list_all(arguments: argparse.Namespace) -> int:
    """List the sessions."""
    from subspacelens_tui.analysis.report import print_listing
    from subspacelens_tui.sessions.catalog import list_sessions, sessions_folder

    print_listing(list_sessions(sessions_folder(arguments.sessions)), as_json=arguments.json)
    return 0


def analyze(arguments: argparse.Namespace) -> int:
    """Print figures of a session."""
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.report import print_figures, print_sweep, print_tables, print_tokens
    from subspacelens_tui.analysis.sweep import sweep
    from subspacelens_tui.analysis.tables import article_tables
    from subspacelens_tui.analysis.tokens.figures import token_figures

    session = _open(arguments, arguments.session)
    settings, analyzer = _settings(arguments), Analyzer(session)
    if arguments.tables:
        print_tables(article_tables(analyzer, settings), as_json=arguments.json)
    elif arguments.sweep:
        print_sweep(sweep(analyzer, settings, arguments.sweep), as_json=arguments.json)
    elif arguments.tokens:
        print_tokens(session, token_figures(session, settings, _say_layer), as_json=arguments.json)
    else:
        print_figures(session, analyzer.figures(settings), as_json=arguments.json)
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Print the difference of two sides."""
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.compare import compare, side_settings
    from subspacelens_tui.analysis.report import print_comparison

    sides = []
    for side in (arguments.a, arguments.b):
        name, _, changes = side.partition("@")
        settings = side_settings(_settings(arguments), changes)
        sides.append(Analyzer(_open(arguments, name)).figures(settings))
    print_comparison((arguments.a, arguments.b), compare(*sides), as_json=arguments.json)
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Write figures to files."""
    from subspacelens_tui.analysis.export import export
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    session = open_session(find_session(arguments.session, sessions_folder(arguments.sessions)))
    for path in export(session, Path(arguments.to)):
        print(path)
    return 0


def _open(arguments: argparse.Namespace, name: str) -> Session:
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.labels import add_labels

    session = open_session(find_session(name, sessions_folder(arguments.sessions)))
    if arguments.labels_file is not None:
        add_labels(session, Path(arguments.labels_file))
    return session


def _view(arguments: argparse.Namespace) -> Settings:
    from subspacelens_tui.analysis import Settings

    return Settings(
        labels=arguments.labels,
        eps=arguments.eps,
        branch=arguments.branch,
        step=arguments.step,
        guidance=arguments.guidance,
        features=arguments.features,
        rank=arguments.rank,
    )


def _checked_view(arguments: argparse.Namespace, folder: Path) -> Settings:
    """The settings to open a session with, refused here where the line is still seen."""
    from subspacelens_tui.analysis import SettingsError
    from subspacelens_tui.sessions import open_session

    settings, session = _view(arguments), open_session(folder)
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


def _say_layer(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rlayer {done}/{total}", end="" if done < total else "\n", file=sys.stderr, flush=True)
