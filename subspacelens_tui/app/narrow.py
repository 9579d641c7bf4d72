"""Sending only the cells that changed: Textual sends each changed span from the left edge of its widget on.

Over a slow connection that is what a live update mostly consists of. Everything else is left to Textual.
"""

from collections.abc import Callable, Iterator

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.strip import Strip


class NarrowUpdate(ChopsUpdate):
    """A partial update cut to its spans on both sides."""

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal, as text."""
        return "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in self._pieces())

    def _pieces(self) -> Iterator[tuple[int, int, Strip]]:
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                # A chop without a strip is a part of the row that nothing was drawn into.
                if strip is not None and x < right and end > left:
                    start = max(x, left)
                    yield start, y, strip.crop(start - x, min(end, right) - x)


class NarrowCompositor(Compositor):
    """Textual's compositor with narrow partial updates.

    Args:
        when_whole: called whenever the screen is drawn whole.
    """

    def __init__(self, when_whole: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._when_whole = when_whole

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """The whole screen."""
        if self._when_whole is not None:
            self._when_whole()
        return super().render_full_update(simplify)

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has changed since the last update."""
        update = super().render_partial_update()
        return (
            update
            if not isinstance(update, ChopsUpdate)
            else NarrowUpdate(update.chops, update.spans, update.chop_ends)
        )
