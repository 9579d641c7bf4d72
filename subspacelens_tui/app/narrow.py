"""Sending only the cells that changed: Textual sends each changed span from the left edge of its widget on.

Over a slow connection that is what a live update mostly consists of. Everything else is left to Textual. What
is drawn over cells, such as sixels, is sent along with them: text that comes later would wipe it out.
"""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.strip import Strip

Span = tuple[int, int, int]
"""Cells of the screen: their row, the first column, the end."""

Over = Callable[[Sequence[Span] | None], str]
"""What is drawn over cells that are sent; over all of the screen if None."""


class NarrowUpdate(ChopsUpdate):
    """A partial update cut to its spans on both sides, and what is drawn over them."""

    def __init__(self, update: ChopsUpdate, over: Over) -> None:
        super().__init__(update.chops, update.spans, update.chop_ends)
        self._over = over

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal, as text."""
        cells = "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in self._pieces())
        return cells + self._over(self.spans)

    def _pieces(self) -> Iterator[tuple[int, int, Strip]]:
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                # A chop without a strip is a part of the row that nothing was drawn into.
                if strip is not None and x < right and end > left:
                    start = max(x, left)
                    yield start, y, strip.crop(start - x, min(end, right) - x)


class WholeUpdate(LayoutUpdate):
    """An update of the whole screen, and what is drawn over it."""

    def __init__(self, update: LayoutUpdate, over: Over) -> None:
        super().__init__(update.strips, update.region)
        self._over = over

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal, as text."""
        return super().render_segments(console) + self._over(None)


class NarrowCompositor(Compositor):
    """Textual's compositor with narrow partial updates.

    Args:
        over: what is drawn over cells that are sent.
    """

    def __init__(self, over: Over) -> None:
        super().__init__()
        self._over = over

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """The whole screen."""
        return WholeUpdate(super().render_full_update(simplify), self._over)

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has changed since the last update."""
        update = super().render_partial_update()
        return NarrowUpdate(update, self._over) if isinstance(update, ChopsUpdate) else update
