"""The whole command line, from the declarations of commands and options."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NoReturn

from subspacelens_tui import __version__
from subspacelens_tui.cli.app import APP
from subspacelens_tui.cli.commands import COMMANDS
from subspacelens_tui.cli.program import PROGRAM
from subspacelens_tui.options.common import SESSIONS
from subspacelens_tui.options.option import add_options
from subspacelens_tui.standard_streams import complain

_OPTION = re.compile(r"--[\w-]+")
# One number or several; no option begins so.
_NEGATIVE = re.compile(r"-\.?\d[-+.,\deE]*")


class _Parser(argparse.ArgumentParser):
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Also of `--strengths -1,0,1`, which argparse takes for two options."""
        return super().parse_known_args([*_joined(sys.argv[1:] if args is None else args)], namespace)

    def error(self, message: str) -> NoReturn:
        # One line; argparse would print the usage as well.
        complain(self.prog, message, f" (see {self.prog} --help)")
        sys.exit(2)


def _joined(words: Sequence[str]) -> Iterator[str]:
    """With negative numbers tied to the option before them: `--strengths=-1,0,1`."""
    before: str | None = None
    for word in words:
        if before is not None and _OPTION.fullmatch(before) and _NEGATIVE.fullmatch(word):
            yield f"{before}={word}"
            before = None
            continue
        if before is not None:
            yield before
        before = word
    if before is not None:
        yield before


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
