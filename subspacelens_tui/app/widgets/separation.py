"""The layer where the classes overlap least at each captured step, and whether it moves."""

import textwrap
from collections.abc import Iterable, Sequence

from subspacelens_tui.analysis.separation import ranges
from subspacelens_tui.app import numbers
from subspacelens_tui.app.fitting import fit
from subspacelens_tui.app.widgets.painted import Piece, Row, cut_row
from subspacelens_tui.app.widgets.pane import Numbers, Pane
from subspacelens_tui.sessions.plain import plain

_STEP, _TIMESTEP, _LAYER, _VALUE = 5, 7, 6, 8
_WITH_TIMESTEP = 44


class SeparationPane(Pane):
    """One row a step: the layer, its overlap, that of permuted labels there, and what it could be as well."""

    heading = "Least overlap by step"
    tab = "Steps"
    jump = "5"
    place = "overlap"

    def title_detail(self) -> str:
        """Labels and branch."""
        return " · ".join(self.analysis.view.main) if self.analysis else ""

    def subtitles(self) -> Sequence[str]:
        """What else the pane shows."""
        return [self.others]

    def numbers(self) -> Numbers:
        """The rows of the table."""
        found = self.analysis.separation if self.analysis else None
        return [
            {
                "step": row.step,
                "timestep": row.timestep,
                "layer": row.layer,
                "overlap_mean": row.overlap,
                "null_mean": row.null.mean if row.null else None,
                "candidates": ranges(row.candidates),
            }
            for row in (found.rows if found else ())
        ]

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The table, then what it says about the steps together."""
        found = self.analysis.separation if self.analysis else None
        if self.analysis is None or found is None:
            yield ()
            if self.analysis and self.analysis.main and self.analysis.main.layers:
                yield cut_row([("comparing the steps …", self.ink("dim"))], width)
            else:
                yield from self.absence_rows(width)
            return
        known = width >= _WITH_TIMESTEP and any(row.timestep is not None for row in found.rows)
        head = fit("step", _STEP, "right") + (fit("t", _TIMESTEP, "right") if known else "")
        head += fit("layer", _LAYER, "right") + fit("overlap", _VALUE, "right")
        head += fit("null", _VALUE, "right") + "  could be"
        yield cut_row([(head, self.ink("dim"))], width)
        for row in found.rows:
            here = row.step == self.analysis.view.settings.step
            layer = numbers.NONE if row.layer is None else f"L{row.layer}"
            null = numbers.fraction(row.null.mean if row.null else None, 3)
            timestep = "" if row.timestep is None else f"{row.timestep:.4g}"
            pieces: list[Piece] = [
                (fit(str(row.step), _STEP, "right"), self.ink("accent" if here else "dim")),
                (fit(timestep, _TIMESTEP, "right") if known else "", self.ink("dim")),
                (fit(layer, _LAYER, "right"), self.ink("strong")),
                (fit(numbers.fraction(row.overlap, 3), _VALUE, "right"), self.ink()),
                (fit(null, _VALUE, "right"), self.ink("dim")),
                (f"  {ranges(row.candidates) or numbers.NONE}", self.ink("dim")),
            ]
            yield cut_row(pieces, width)
        yield ()
        for line in textwrap.wrap(plain(found.words), max(10, width)):
            yield [(line, self.ink())]
