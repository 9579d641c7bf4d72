"""What is declared of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from subspacelens_tui.options.option import Option


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Attributes:
        name: as typed.
        help: one line.
        run: from the parsed arguments to the exit status. It imports what it needs: `--help` is instant, and
            the app never sees torch.
        options: in the order in which help lists them, after `--sessions`, which all commands have.
        order: of the commands in help.
        needs_arrays: whether NumPy or torch is loaded.
        always: values of options that other commands have and this one does not.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    options: tuple[Option, ...]
    order: int
    needs_arrays: bool = True
    always: Mapping[str, Any] = field(default_factory=dict)


def given(arguments: argparse.Namespace, kind: type[Any]) -> dict[str, Any]:
    """The options that are fields of a dataclass, apart from those left to its defaults."""
    found = {asked.name: getattr(arguments, asked.name, None) for asked in fields(kind)}
    return {name: value for name, value in found.items() if value is not None}
