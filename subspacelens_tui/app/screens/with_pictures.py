"""What screens with generated images share: reading them as they come, drawing them as the terminal can."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from textual.screen import Screen

from subspacelens_tui.app.drawing.picture_canvas import Canvas, canvas_for
from subspacelens_tui.app.drawing.picture_cells import colours_of
from subspacelens_tui.app.pictures.source import Pictures
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.terminal_graphics import Terminal
from subspacelens_tui.app.textual_private import send_minimal_updates, write_raw
from subspacelens_tui.app.widgets.picture_grid import PictureGrid
from subspacelens_tui.sessions import SessionError

_POLL, _POLL_SSH = 1.0, 2.0


L = TypeVar("L")
L_co = TypeVar("L_co", covariant=True)


class Listed(Pictures, Protocol[L_co]):
    """Pictures with what there is of them."""

    async def listing(self) -> L_co:
        """What there is by now; the same object as long as nothing came."""


class WithPictures(Screen[None], Generic[L]):
    """A screen with `PictureGrid`s of what a source lists."""

    setup: Setup
    _listing: L | None = None

    def _show_listing(self, listing: L) -> None:
        """Show these images."""
        raise NotImplementedError

    def _complain(self, complaint: str | None) -> None:
        """Say why they cannot be read; None once they can."""
        raise NotImplementedError

    def _set_up_pictures(self, source: Listed[L]) -> None:
        """To be called once, when the screen is made."""
        self._draws_over = send_minimal_updates(self, self._over)
        self._source = source

    def _picture_grid(self, name: str) -> PictureGrid:
        return PictureGrid(self._source, self._canvas(Terminal()), self._write, id=name)

    def _begin_pictures(self) -> None:
        """Read now and, while the session grows, again and again."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.run_worker(self._choose_canvas()))
        self.run_worker(self._begin())

    async def _begin(self) -> None:
        await self._choose_canvas()
        self.read()
        self.set_interval(_POLL_SSH if self.setup.over_ssh else _POLL, self.read)

    async def _choose_canvas(self) -> None:
        """Draw pictures in the best way there is; the terminal is asked what it can do the first time."""
        terminal = Terminal()
        if self.setup.preferences.pictures != "half-blocks" and not self.app.is_headless:
            terminal = await self.setup.graphics.ask(self._write)
        for grid in self.query(PictureGrid):
            grid.draw_on(self._canvas(terminal))

    def _canvas(self, terminal: Terminal) -> Canvas:
        preferences = self.setup.preferences
        colours = "none" if self.app.no_color else colours_of(self.app.console.color_system)
        return canvas_for(
            preferences.pictures if self._draws_over else "half-blocks",
            terminal,
            colours,
            self.app.current_theme.dark,
            preferences.markers == "ascii",
            self.setup.graphics.in_tmux,
        )

    def _write(self, data: str) -> None:
        write_raw(self.app, data)

    def _over(self, sent: Sequence[tuple[int, int, int]] | None) -> str:
        return "".join(grid.over_cells(sent) for grid in self.query(PictureGrid))

    def read(self) -> None:
        """Look for new images, off the event loop."""
        if self.app.screen is self:
            self.run_worker(self._read(), group="read", exclusive=True)

    async def _read(self) -> None:
        try:
            listing = await self._source.listing()
        except (SessionError, OSError) as error:
            self._complain(str(error))
            return
        self._complain(None)
        for grid in self.query(PictureGrid):
            grid.read_anew(await self._source.changed(grid.images_seen))
        if listing is not self._listing:
            self._listing = listing
            self._show_listing(listing)
