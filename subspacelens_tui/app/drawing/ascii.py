"""The whole screen in ASCII, for fonts and terminals that have nothing else.

A line filter of Textual sees every cell that is drawn, frames and scrollbars of its own widgets included.
Each character stands for one of the same width. Letters of other alphabets stay: they are text, not drawing.
"""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from subspacelens_tui.ascii_fallback import ascii_of


class AsciiFilter(LineFilter):
    """Puts ASCII in the place of everything that is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Textual's hook: one row of a widget."""
        return [
            segment
            if segment.text.isascii()
            else Segment(ascii_of(segment.text), segment.style, segment.control)
            for segment in segments
        ]
