"""How numbers and tables look on stdout."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# A number cut short is a wrong number: what does not fit a terminal goes on in its next line.
_WIDTH = 10_000
_LEFT = ("name", "state", "model", "created", "labels", "design", "")


def number(value: float | None) -> str:
    """Four digits, or a dash where there is no figure."""
    if value is None:
        return "–"
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:.3e}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table: words to the left, numbers to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        made.add_column(header, justify="left" if header in _LEFT else "right")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def console() -> Console:
    """A console on stdout that never cuts a table."""
    return Console(file=sys.stdout, width=_WIDTH, highlight=False, soft_wrap=False)


def print_json(content: Any) -> None:
    """Print an object as JSON; NaN is a defect here, not a value.

    In ASCII: what a stranger named a class must not reach the terminal as it is, and \\u loses nothing.
    """
    print(json.dumps(content, indent=1, allow_nan=False).replace("\x7f", "\\u007f"))
