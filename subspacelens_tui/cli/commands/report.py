"""Write the report of a session: the article's figures, and a verdict for each of its claims."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.cli.analysis import open_session, say_losses, say_problems, settings_of
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.program import say
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.options.analysis import SELECTION, evidence
from subspacelens_tui.options.common import SESSION
from subspacelens_tui.options.option import Option, path
from subspacelens_tui.standard_streams import print_path

if TYPE_CHECKING:
    from subspacelens_tui.sessions import Session

_TAKEN = ("step", "guidance", "eps", "seed", "labels_file")
_EVIDENCE = evidence(permutations=200)


def run(arguments: argparse.Namespace) -> int:
    """Judge every claim and write the file."""
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.claims import report_of
    from subspacelens_tui.analysis.output.report import report_path, write_report

    session = open_session(arguments, arguments.session)
    control = _control(arguments, session)
    to = report_path(session.name, None if arguments.to is None else Path(arguments.to))
    for of in (session, control):
        if of is not None:
            say_problems(of)
    with progress() as say_progress:
        report = report_of(
            Analyzer(session),
            settings_of(arguments),
            None if control is None else Analyzer(control),
            progress=say_progress,
        )
    write_report(report, to)
    say_losses(report.losses)
    print_path(to)
    return 0


def _control(arguments: argparse.Namespace, session: Session) -> Session | None:
    """What is named; else what was recorded as the control of the session, if that is finished."""
    from subspacelens_tui.sessions.random_control import control_of

    if arguments.control is not None:
        return open_session(arguments, arguments.control, say_notes=False)
    if (control := control_of(session)) is not None:
        say(f"beside its control, {control.name}")
    return control


COMMAND = Command(
    "report",
    "redraw the article's figures for a session, with a verdict on each of its claims",
    run,
    (
        SESSION,
        Option(
            "--control",
            "SESSION",
            "a session to judge alongside it, such as one with random weights",
            path,
            more="at the same step and guidance; default: the one that `record --with-control` made, once finished",
        ),
        Option(
            "--to",
            "FILE",
            "the file: .html or .md (default: SESSION-report.html)",
            path,
            more="HTML is one file including its plots, and needs matplotlib; Markdown has tables only. An "
            "existing file is not overwritten",
        ),
        replace(
            _EVIDENCE[0],
            help="label permutations, 19 or more (default: %(default)s)",
            more="with fewer, no p can reach 5 %",
        ),
        *(option for option in (*SELECTION, *_EVIDENCE) if option.name in _TAKEN),
    ),
    order=85,
)
