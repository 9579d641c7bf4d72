"""The sessions of a folder, one a row: state, name, model, images, and as much more as there is room for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from textual import events
from textual.message import Message

from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.app.widgets.run_bar import mark
from subspacelens_tui.sessions import Phase, RunState
from subspacelens_tui.sessions.byte_sizes import readable
from subspacelens_tui.sessions.listing import ORDERS, Listing, Order
from subspacelens_tui.sessions.sanitise import plain

_STATE, _IMAGES, _WHEN = 15, 9, 14
_NAME_AT_LEAST = 14
# Name and model have so much, or all they need, before they share with columns that say less.
_ROOMY, _BETWEEN = 48, 4


@dataclass(frozen=True)
class _Column:
    """A column that is there if there is room.

    Attributes:
        heading: over it.
        width: in cells, with a blank before it.
        cell: its text.
        order: what the list is ordered by where it is ordered by this.
        leaves: the least that name and model must be left with.
    """

    heading: str
    width: int
    cell: Callable[[Listing], str]
    order: str
    leaves: int = _ROOMY

    def fitted(self, text: str) -> str:
        """Words to the left, with a blank before them; numbers to the right."""
        words = self.order in ("tags", "prompts")
        return "  " + fit(text, self.width - 2) if words else fit(text, self.width, "right")


class SessionTable(Painted, can_focus=True):
    """The rows that match the filter; damaged sessions with their reason.

    Not a `DataTable`: one changed cell sends two hundred times the bytes there (`benchmarks/widgets.py`).

    Attributes:
        listings: all sessions; None while they are being read.
        wanted: the filter.
        order: of the rows.
        advice: what to say when there is none.
        marked: names of those that were marked, in the order of marking.
    """

    class Opened(Message):
        """A session is to be opened."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.listings: Sequence[Listing] | None = None
        self.wanted = ""
        self.order = next(iter(ORDERS.values()))
        self.advice: Sequence[str] = ()
        self.marked: list[str] = []
        self._chosen: str | None = None
        self._top = 0

    def update(self, listings: Sequence[Listing] | None, advice: Sequence[str]) -> None:
        """Show these."""
        self.listings, self.advice = listings, advice
        self.repaint()

    def filter(self, wanted: str) -> None:
        """Show only sessions in which all words of this are found."""
        self.wanted = wanted
        self.repaint()

    def sort(self, order: Order) -> None:
        """Show them in this order."""
        self.order = order
        self.repaint()

    @property
    def shown(self) -> list[Listing]:
        """The sessions that match the filter, in their order."""
        return self.order.sorted(x for x in self.listings or () if x.matches(self.wanted))

    @property
    def chosen(self) -> Listing | None:
        """The selected session."""
        shown = self.shown
        return next((x for x in shown if x.name == self._chosen), shown[0] if shown else None)

    def choose(self, name: str) -> None:
        """Select a session by its name, once it is there."""
        self._chosen = name
        self.repaint()

    def mark(self) -> None:
        """Mark the selected session, or take its mark away."""
        if self.chosen is not None:
            name = self.chosen.name
            self.marked = [n for n in self.marked if n != name] + [name] * (name not in self.marked)
            self.repaint()

    def unmark(self) -> None:
        """Take all marks away."""
        self.marked = []
        self.repaint()

    @property
    def marked_listings(self) -> list[Listing]:
        """The marked sessions that are there and can be opened, in the order of marking."""
        there = {x.name: x for x in self.listings or () if x.problem is None}
        return [there[name] for name in self.marked if name in there]

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

    def _columns(self, width: int) -> tuple[int, int, list[_Column]]:
        """Widths of name and model, and the columns between that there is room for."""
        room = width - 2 - _STATE - _IMAGES - 2
        seen = []
        # The one that the list is ordered by goes first.
        for column in sorted(_COLUMNS, key=lambda column: column.order != self.order.name):
            if not any(map(column.cell, self.listings or ())):
                continue
            if room - column.width >= self._leaves(column):
                seen.append(column)
                room -= column.width
        longest = max((len(plain(x.name)) for x in self.listings or ()), default=0) + 2
        name = min(max(_NAME_AT_LEAST, longest), max(_NAME_AT_LEAST, room * 3 // 5))
        return name, max(0, room - name), [column for column in _COLUMNS if column in seen]

    def _leaves(self, column: _Column) -> int:
        if column.order == self.order.name:
            return 2 * _NAME_AT_LEAST
        known = self.listings or ()
        longest = (max((len(plain(words(of))) for of in known), default=0) for words in _WORDS)
        return max(2 * _NAME_AT_LEAST, min(column.leaves, sum(longest) + _BETWEEN))

    def _headings(self, width: int) -> Row:
        name, model, columns = self._columns(width)
        text = "  " + fit("session", name) + fit("state", _STATE) + fit("images", _IMAGES, "right")
        text += "".join(column.fitted(column.heading) for column in columns)
        return cut_row([(text + "  " + fit("model", model), self.ink("dim"))], width)

    def _row(self, listing: Listing, chosen: bool, width: int) -> Row:
        name, model, columns = self._columns(width)
        signs = ("▶" if chosen else " ") + ("+" if listing.name in self.marked else " ")
        pieces: list[Piece] = [(signs, self.ink("accent"))]
        pieces.append((fit(plain(listing.name), name - 1) + " ", self.ink("strong")))
        pieces += self._state(listing)
        pieces += [(column.fitted(column.cell(listing)), self.ink("dim")) for column in columns]
        if listing.problem is not None:
            pieces.append(("  " + plain(listing.problem.replace(f"{listing.path}/", "")), self.ink("error")))
        else:
            pieces.append(("  " + fit(plain(listing.model_words), model), self.ink()))
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


_WORDS: tuple[Callable[[Listing], str], ...] = (lambda of: of.name, lambda of: of.model_words)
_COLUMNS = (
    _Column("when", _WHEN, lambda of: _when(of.created), "created", 2 * _NAME_AT_LEAST),
    _Column("size", 11, lambda of: readable(of.bytes), "size", 2 * _NAME_AT_LEAST),
    _Column("tags", 18, lambda of: plain(", ".join(of.tags)), "tags", 2 * _NAME_AT_LEAST),
    _Column("prompts", 15, lambda of: plain(of.prompt_set), "prompts"),
    _Column("steps", 7, lambda of: "" if of.steps is None else str(of.steps), "steps"),
    _Column("guidance", 10, lambda of: ",".join(f"{scale:g}" for scale in of.guidance), "guidance"),
)
