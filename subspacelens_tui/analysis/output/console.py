"""How numbers and tables look on stdout."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from subspacelens_tui.ascii_fallback import encodable

# A number cut short is a wrong number: what does not fit a terminal goes on in its next line.
_WIDTH = 10_000
_WORDS_AT_LEAST, _GAP = 12, 2
_LEFT = ("name", "state", "model", "created", "labels", "design", "prompts", "tags", "")


# Heads the half-widths of 95 % intervals: the one thing that ± stands for in tables and on screens.
INTERVAL = "±95%"


def number(value: float | None) -> str:
    """Four digits, or a dash where there is no metric."""
    if value is None:
        return "–"
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:.3e}"


class PlainTable:
    """A plain table for a console: words to the left, numbers to the right, no blanks at the ends of rows.

    On a terminal words are cut so that rows fit it, numbers never; in a pipe everything is whole.

    Args:
        headers: of the columns.
        rows: their cells.
    """

    def __init__(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self._headers = [encodable(header, sys.stdout) for header in headers]
        self._words = [header in _LEFT for header in headers]
        self._rows = [[encodable(cell, sys.stdout) for cell in row] for row in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's hook: what is printed."""
        made = Table(box=None, pad_edge=False, header_style="bold")
        for header, words in zip(self._headers, self._words, strict=True):
            made.add_column(header, justify="left" if words else "right", no_wrap=not words)
        for row in self._rows:
            made.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
        for line in console.render_lines(made, options.update(width=self._width()), pad=False):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                yield from line[:-1]
                yield Segment(line[-1].text.rstrip(), line[-1].style)
            yield Segment.line()

    def _width(self) -> int:
        if not sys.stdout.isatty():
            return _WIDTH
        columns = zip(self._headers, *self._rows, strict=True)
        widths = [max(map(cell_len, column)) for column in columns]
        least = [
            min(width, _WORDS_AT_LEAST) if words else width
            for width, words in zip(widths, self._words, strict=True)
        ]
        return max(shutil.get_terminal_size().columns, sum(least) + _GAP * (len(least) - 1))


def console() -> Console:
    """A console on stdout that never cuts a table."""
    return Console(file=sys.stdout, width=_WIDTH, highlight=False, soft_wrap=False)


def print_json(content: Any) -> None:
    """Print an object as JSON; NaN is a defect here, not a value.

    In ASCII: what a stranger named a class must not reach the terminal as it is, and \\u loses nothing.
    """
    print(json.dumps(content, indent=1, allow_nan=False).replace("\x7f", "\\u007f"))
