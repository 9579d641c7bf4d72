"""The layer where the classes overlap least at each captured step, and whether it moves."""

import textwrap
from collections.abc import Iterable, Sequence

from subspacelens_tui.analysis.least_overlap_by_step import SeparationRow
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted_widget import Piece, Row, cut_row
from subspacelens_tui.app.panes.pane import Deferred, Numbers, Pane
from subspacelens_tui.sessions.ranges import ranges
from subspacelens_tui.sessions.sanitise import plain

_STEP, _TIMESTEP, _LAYER, _VALUE, _NULL = 5, 7, 6, 8, 6
_COLUMNS = _STEP + _LAYER + _VALUE + _NULL
_WITH_TIMESTEP = 44


class OverlapByStepPane(Pane):
    """One row a step: the layer, its overlap, that of permuted labels, and what cannot be told from it."""

    pane_name = "separation"
    heading = "Smallest overlap by step"
    tab = "By step"
    jump = "5"
    place = "overlap"
    in_column = "right"
    needs = frozenset({Deferred.LEAST_OVERLAP_BY_STEP})

    def title_detail(self) -> str:
        """Labels and branch."""
        return " · ".join(self.analysis.selection.main) if self.analysis else ""

    def subtitles(self) -> Sequence[str]:
        """What else the pane shows."""
        return [self.others]

    def numbers(self) -> Numbers:
        """The rows of the table."""
        found = self.analysis.separation if self.analysis else None
        if found is None:
            return []
        return [
            {
                "step": row.step,
                "timestep": row.timestep,
                "layer": row.layer,
                "overlap_mean": row.overlap,
                "null_mean": row.null.mean if row.null else None,
                "candidates": ranges(row.candidates),
                "images": found.images,
            }
            for row in found.rows
        ]

    def sample(self) -> str:
        """How many images the table is of."""
        found = self.analysis.separation if self.analysis else None
        return f"N {found.images}" if found else ""

    def absence(self) -> str:
        """Why there is no table; empty if there is one."""
        found = self.analysis.separation if self.analysis else None
        return super().absence() or ("" if found else "comparing the steps …")

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The table, around the current step if it is long, then what it says about the steps together."""
        assert self.analysis is not None
        found = self.analysis.separation
        assert found is not None
        words: list[Row] = [
            [(line, self.ink())] for line in textwrap.wrap(plain(found.words), max(10, width))
        ]
        step = self.analysis.selection.settings.step
        timesteps = width >= _WITH_TIMESTEP and any(row.timestep is not None for row in found.rows)
        table = [self._row(row, row.step == step, timesteps) for row in found.rows]
        # All steps, or the one that is shown and those around it.
        room, least = height - 1 - len(words), min(len(table), 2)
        if width < _COLUMNS or room < least:
            return self.too_small(width, height, _COLUMNS, 1 + least + len(words))
        if len(table) > room:
            here = next((place for place, row in enumerate(found.rows) if row.step == step), 0)
            first = min(max(0, here - (room - 1) // 2), len(table) - room + 1)
            more = [(f"{len(table) - room + 1} more steps", self.ink("dim"))]
            table = [*table[first : first + room - 1], more]
        elif len(table) < room:
            table.append([])
        head = fit("step", _STEP, "right") + (fit("t", _TIMESTEP, "right") if timesteps else "")
        head += fit("layer", _LAYER, "right") + fit("overlap", _VALUE, "right")
        head += fit("null", _NULL, "right") + "  candidates"
        return [cut_row(row, width) for row in ([(head, self.ink("dim"))], *table, *words)]

    def _row(self, row: SeparationRow, here: bool, timesteps: bool) -> list[Piece]:
        layer = numbers.NONE if row.layer is None else f"L{row.layer}"
        null = numbers.fraction(row.null.mean if row.null else None, 3)
        timestep = "" if row.timestep is None else f"{row.timestep:.4g}"
        return [
            (fit(str(row.step), _STEP, "right"), self.ink("accent" if here else "dim")),
            (fit(timestep, _TIMESTEP, "right") if timesteps else "", self.ink("dim")),
            (fit(layer, _LAYER, "right"), self.ink("strong")),
            (fit(numbers.fraction(row.overlap, 3), _VALUE, "right"), self.ink()),
            (fit(null, _NULL, "right"), self.ink("dim")),
            (f"  {ranges(row.candidates) or numbers.NONE}", self.ink("dim")),
        ]
