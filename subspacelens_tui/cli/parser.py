"""The whole command line, from the declarations of commands and options."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import NoReturn

from subspacelens_tui import __version__
from subspacelens_tui.cli.app import APP
from subspacelens_tui.cli.commands import COMMANDS
from subspacelens_tui.cli.program import PROGRAM
from subspacelens_tui.options.common import SESSIONS
from subspacelens_tui.options.option import add_options
from subspacelens_tui.standard_streams import complain


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line; argparse would print the usage as well.
        complain(self.prog, message, f" (see {self.prog} --help)")
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """The parser of everything that may be typed."""
    whole = _Parser(
        prog=PROGRAM,
        description="Watch how each layer of a diffusion transformer organises concepts while it generates.",
    )
    whole.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    whole.set_defaults(command=APP, sessions=None)
    add_options(whole, (replace(SESSIONS, help=argparse.SUPPRESS), *APP.options))
    subparsers = whole.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help)
        subparser.set_defaults(command=command, **command.always)
        add_options(subparser, (SESSIONS, *command.options))
    return whole
