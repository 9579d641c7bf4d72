"""The sessions of a folder, one a row: state, name, model, images, when, size."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from textual import events
from textual.message import Message

from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.app.widgets.run_bar import mark
from subspacelens_tui.sessions import Phase, RunState
from subspacelens_tui.sessions.byte_sizes import readable
from subspacelens_tui.sessions.catalog import Listing
from subspacelens_tui.sessions.sanitise import plain

_STATE, _IMAGES, _WHEN, _SIZE = 15, 9, 14, 9
_NAME_AT_LEAST = 14


class SessionTable(Painted, can_focus=True):
    """The rows that match the filter; damaged sessions with their reason.

    Not a `DataTable`: one changed cell sends two hundred times the bytes there (`benchmarks/widgets.py`).

    Attributes:
        listings: all sessions; None while they are being read.
        wanted: the filter.
        advice: what to say when there is none.
    """

    class Opened(Message):
        """A session is to be opened."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.listings: Sequence[Listing] | None = None
        self.wanted = ""
        self.advice: Sequence[str] = ()
        self._chosen: str | None = None
        self._top = 0

    def update(self, listings: Sequence[Listing] | None, advice: Sequence[str]) -> None:
        """Show these."""
        self.listings, self.advice = listings, advice
        self.repaint()

    def filter(self, wanted: str) -> None:
        """Show only sessions whose name or model contains this."""
        self.wanted = wanted
        self.repaint()

    @property
    def shown(self) -> list[Listing]:
        """The sessions that match the filter."""
        wanted = self.wanted.casefold()
        return [x for x in self.listings or () if wanted in f"{x.name} {x.model}".casefold()]

    @property
    def chosen(self) -> Listing | None:
        """The selected session."""
        shown = self.shown
        return next((x for x in shown if x.name == self._chosen), shown[0] if shown else None)

    def choose(self, name: str) -> None:
        """Select a session by its name, once it is there."""
        self._chosen = name
        self.repaint()

    def move(self, by: int) -> None:
        """Select another session."""
        shown = self.shown
        if shown and self.chosen is not None:
            place = shown.index(self.chosen)
            self._chosen = shown[min(len(shown) - 1, max(0, place + by))].name
            self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Headings and rows, or what to do if there are none."""
        shown, chosen = self.shown, self.chosen
        if not shown or chosen is None:
            yield ()
            for line in self._empty():
                yield cut_row([("  " + line, self.ink("dim"))], width)
            return
        place, rows = shown.index(chosen), height - 1
        self._top = max(min(self._top, place, len(shown) - rows), place - rows + 1, 0)
        yield self._headings(width)
        for listing in shown[self._top : self._top + rows]:
            yield self._row(listing, listing is chosen, width)

    def _empty(self) -> Sequence[str]:
        if self.listings is None:
            return ("reading the sessions …",)
        if self.listings:
            return (f"no session matches “{plain(self.wanted)}”: esc clears the filter",)
        return self.advice

    def _columns(self, width: int) -> tuple[int, int, bool, bool]:
        """Widths of name and model, and whether there is room for when and size."""
        room = width - 2 - _STATE - _IMAGES - 2
        when = room - _WHEN >= 2 * _NAME_AT_LEAST
        room -= _WHEN if when else 0
        size = room - _SIZE >= 2 * _NAME_AT_LEAST
        room -= _SIZE if size else 0
        longest = max((len(plain(x.name)) for x in self.listings or ()), default=0) + 2
        name = min(max(_NAME_AT_LEAST, longest), max(_NAME_AT_LEAST, room * 3 // 5))
        return name, max(0, room - name), when, size

    def _headings(self, width: int) -> Row:
        name, model, when, size = self._columns(width)
        text = "  " + fit("session", name) + fit("state", _STATE) + fit("images", _IMAGES, "right")
        text += fit("when", _WHEN, "right") if when else ""
        text += fit("size", _SIZE, "right") if size else ""
        return cut_row([(text + "  " + fit("model", model), self.ink("dim"))], width)

    def _row(self, listing: Listing, chosen: bool, width: int) -> Row:
        name, model, when, size = self._columns(width)
        pieces: list[Piece] = [("▶ " if chosen else "  ", self.ink("accent"))]
        pieces.append((fit(plain(listing.name), name - 1) + " ", self.ink("strong")))
        pieces += self._state(listing)
        if when:
            pieces.append((fit(_when(listing.created), _WHEN, "right"), self.ink("dim")))
        if size:
            pieces.append((fit(readable(listing.bytes), _SIZE, "right"), self.ink("dim")))
        if listing.problem is not None:
            pieces.append(("  " + plain(listing.problem.replace(f"{listing.path}/", "")), self.ink("error")))
        else:
            pieces.append(("  " + fit(plain(listing.model), model), self.ink()))
        if chosen:
            # One colour for the selected row: accents on top of it would be hard to read.
            padding = " " * max(0, width - row_width(pieces))
            pieces = [(text, self.ink("selected")) for text, _ in [*pieces, (padding, self.ink())]]
        return cut_row(pieces, width)

    def _state(self, listing: Listing) -> list[Piece]:
        if listing.state is None:
            return [(fit("✗ damaged", _STATE), self.ink("error")), (" " * _IMAGES, self.ink())]
        symbol, ink = mark(listing.state)
        images = f"{listing.state.recorded}/{listing.state.planned}"
        return [
            # There is no room for all its words; the line below has them.
            (fit(f"{symbol} {_state_word(listing.state)}", _STATE), self.ink(ink)),
            (fit(images, _IMAGES, "right"), self.ink()),
        ]

    def on_click(self, event: events.Click) -> None:
        """Select the session under the mouse; a second click opens it."""
        offset, shown = event.get_content_offset(self), self.shown
        if offset is None or not 0 <= offset.y - 1 < len(shown) - self._top:
            return
        self._chosen = shown[self._top + offset.y - 1].name
        self.repaint()
        if event.chain > 1:
            self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the selection."""
        self.move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the selection."""
        self.move(-1)


def _state_word(state: RunState) -> str:
    if state.phase is Phase.FINISHED and state.left_out:
        return f"{state.left_out} left out"
    return str(state.phase)


def _when(created: str) -> str:
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%d %b %H:%M")
    except (ValueError, OverflowError):
        return plain(created)[:_WHEN]
