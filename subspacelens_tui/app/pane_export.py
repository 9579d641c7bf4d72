"""A pane in files: as it is seen, as a plot for publication, and the numbers behind it."""

import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.segment import Segment, Segments
from textual.strip import Strip

from subspacelens_tui.analysis.output import ExportError, Plot, Provenance, write_plot, write_table
from subspacelens_tui.analysis.output.files import TABLE_FORMATS, UNDECODED, need
from subspacelens_tui.app.drawing.strips_png import pane_png
from subspacelens_tui.app.panes.pane import Numbers

# Rich's SVGs would have whoever opens them fetch a font from elsewhere.
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Written:
    """What was written, and what was not, with the reason."""

    paths: tuple[Path, ...]
    lacking: tuple[str, ...]


def file_name(*parts: object) -> str:
    """A stem for files from words that may hold anything."""
    words = (_UNSAFE.sub("-", str(part)).strip("-") for part in parts)
    return "-".join(word[:40] for word in words if word)


def free_name(folder: Path, name: str) -> str:
    """The stem, or one with `-2`, `-3`, … after it: nothing that was exported before is written over."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(stem for stem in names if not any(folder.glob(f"{stem}.*")))


def export(
    folder: Path,
    name: str,
    title: str,
    seen: Sequence[Strip],
    numbers: Numbers,
    plot: Plot | None,
    about: Provenance,
) -> Written:
    """Write all of a pane into a folder, which is made if need be.

    Args:
        folder: where to.
        name: stem of the files.
        title: of the pane.
        seen: its rows on the screen.
        numbers: behind it.
        plot: the same for publication, if there is one.
        about: whence the numbers are; every file says it.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    svg = folder / f"{name}.svg"
    svg.write_text(pane_svg(seen, title, about.svg_metadata()), encoding="utf-8", errors=UNDECODED)
    paths, lacking, rows = [svg], [], about.rows(numbers)
    for kind in TABLE_FORMATS:
        try:
            need(kind)
            paths.append(write_table(folder / f"{name}.{kind}", rows, about.text()))
        except ExportError as error:
            lacking.append(str(error))
    try:
        need("png")
        paths.append(pane_png(seen, folder / f"{name}.png", about.text()))
        if plot is not None:
            paths += write_plot(plot, folder, data=(), about=about)
    except ExportError as error:
        lacking.append(str(error))
    return Written(tuple(paths), tuple(lacking))


def pane_svg(seen: Sequence[Strip], title: str, metadata: str = "") -> str:
    """Rows of the screen as an SVG: text stays text. `metadata` is an element to stand in it."""
    width = max((strip.cell_length for strip in seen), default=1)
    console = Console(
        width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor", record=True
    )
    for strip in seen:
        console.print(Segments([*strip, Segment.line()]), end="")
    drawn = _FONTS.sub("", console.export_svg(title=title, unique_id="pane"))
    start, end, rest = drawn.partition(">")
    return f"{start}{end}{metadata}{rest}"
