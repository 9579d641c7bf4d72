"""What the terminal says of itself, taken from among the keys; and pictures as it then gets them."""

import asyncio
import base64
import io
import re
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.color import ColorSystem
from textual import events
from textual._xterm_parser import XTermParser
from textual.strip import Strip

from subspacelens_tui.app import terminal_graphics as module
from subspacelens_tui.app.drawing.kitty import kitty
from subspacelens_tui.app.drawing.picture_canvas import Canvas, canvas_for
from subspacelens_tui.app.drawing.picture_cells import Drawn
from subspacelens_tui.app.drawing.sixel import encoded, sixel
from subspacelens_tui.app.terminal_graphics import Graphics, Terminal, TerminalReplied, without_replies
from subspacelens_tui.app.textual_private import parser_with_replies
from tests.app.conftest import with_pictures
from tests.app.drawing.test_half_blocks import photo
from tests.conftest import PlantedSessionFactory as Planted
from tests.terminal import Terminal as Pty

KITTY, ATTRIBUTES, CELL = "\x1b_Gi=4211;OK\x1b\\", "\x1b[?62;4;22c", "\x1b[6;18;9t"


@pytest.mark.parametrize("whole", [True, False])
def test_replies_are_taken_from_among_the_keys(whole: bool) -> None:
    typed = ["a", KITTY, "b", "\x1b[A", ATTRIBUTES, "\x1b[?2026;2$y", CELL, "\x1b[<0;5;5M", "c"]
    text = "".join(typed)
    parser = parser_with_replies(XTermParser, without_replies, TerminalReplied)()
    # Cut anywhere but right behind an escape, which is a key of its own.
    pieces = [text] if whole else re.findall(r"\x1b.|.", text, re.DOTALL)
    messages = [message for piece in pieces for message in parser.feed(piece)]
    assert [m.reply for m in messages if isinstance(m, TerminalReplied)] == [KITTY, ATTRIBUTES, CELL]
    assert [m.key for m in messages if isinstance(m, events.Key)] == ["a", "b", "up", "c"]


def test_what_is_no_reply_is_left_to_textual() -> None:
    parser = parser_with_replies(XTermParser, without_replies, TerminalReplied)()
    messages = list(parser.feed("\x1b[200~ [?1c _Gi=1;OK [6;1;1t\x1b[201~x"))
    assert not [m for m in messages if isinstance(m, TerminalReplied)]
    assert isinstance(messages[0], events.Paste)
    assert list(parser.feed("")) == []


async def test_the_terminal_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_cell_by_size", lambda: None)
    graphics = Graphics({"TERM": "xterm-kitty"})
    asked: list[str] = []

    def answer(question: str) -> None:
        asked.append(question)
        for reply in (KITTY, CELL, "\x1b[?62;22c"):
            graphics.hear(reply)

    for _ in range(2):
        assert await graphics.ask(answer) == Terminal(kitty=True, sixel=False, cell=(9, 18))
    assert len(asked) == 1
    assert asked[0].endswith("\x1b[c")


@pytest.mark.parametrize(
    ("replies", "wanted"),
    [
        ((), Terminal()),
        ((ATTRIBUTES,), Terminal(sixel=True)),
        # The first number is the kind of terminal, not something it can do.
        (("\x1b[?4;6c",), Terminal()),
        (("\x1b_Gi=4211;ENOTSUPPORTED\x1b\\", CELL, ATTRIBUTES), Terminal(sixel=True, cell=(9, 18))),
    ],
)
async def test_answers_are_understood(
    monkeypatch: pytest.MonkeyPatch, replies: tuple[str, ...], wanted: Terminal
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    monkeypatch.setattr(module, "_cell_by_size", lambda: None)
    graphics = Graphics({"TERM": "xterm-256color"})
    assert await graphics.ask(lambda _: [graphics.hear(reply) for reply in replies]) == wanted


async def test_a_late_answer_counts_from_the_next_question_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    monkeypatch.setattr(module, "_cell_by_size", lambda: None)
    graphics = Graphics({"TERM": "xterm"})
    written: list[str] = []
    assert not (await graphics.ask(written.append)).sixel
    graphics.hear(ATTRIBUTES)
    assert (await graphics.ask(written.append)).sixel
    assert len(written) == 1


@pytest.mark.parametrize(("keys", "has_placeholders"), [("asvitdfU", True), ("asvitdf", False)])
async def test_a_kitty_without_placeholders_is_known_by_its_silence(
    keys: str, has_placeholders: bool
) -> None:
    graphics = Graphics({"TERM": "xterm-kitty"})

    def answer(question: str) -> None:
        """As kitty 0.26 was seen to: a key that it does not know makes the command a mistake."""
        asked = re.search(r"\x1b_G([^;]*);", question)
        assert asked
        if all(pair.partition("=")[0] in keys for pair in asked[1].split(",")):
            graphics.hear(KITTY)
        graphics.hear("\x1b[?62;c")

    assert (await graphics.ask(answer)).kitty == has_placeholders


@pytest.mark.parametrize(
    ("environment", "asks"),
    [
        ({"TERM": "xterm"}, ["\x1b_G", "\x1b[16t", "\x1b[c"]),
        # tmux would take a question of Kitty's for a title of the pane.
        ({"TERM": "xterm", "TMUX": "/tmp/tmux,1,0"}, ["\x1b[16t", "\x1b[c"]),
        ({"TERM": "screen-256color"}, ["\x1b[16t", "\x1b[c"]),
        ({"TERM": "linux"}, []),
        ({}, []),
    ],
)
async def test_only_terminals_that_may_answer_are_asked(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], asks: list[str]
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    written: list[str] = []
    await Graphics(environment).ask(written.append)
    found = re.findall(r"\x1b_G|\x1b\[16t|\x1b\[c", "".join(written))
    assert found == asks


BOTH = Terminal(kitty=True, sixel=True, cell=(9, 18))


@pytest.mark.parametrize(
    ("wanted", "terminal", "colours", "kind"),
    [
        ("auto", Terminal(), "truecolor", "half-blocks"),
        ("auto", BOTH, "truecolor", "sixel"),
        ("auto", Terminal(sixel=True), "truecolor", "half-blocks"),
        ("auto", Terminal(kitty=True), "256", "kitty"),
        ("auto", Terminal(kitty=True), "16", "half-blocks"),
        ("auto", BOTH, "none", "half-blocks"),
        ("half-blocks", BOTH, "truecolor", "half-blocks"),
        ("kitty", Terminal(), "truecolor", "kitty"),
        ("sixel", Terminal(), "256", "sixel"),
        ("sixel", Terminal(), "none", "half-blocks"),
    ],
)
def test_the_best_that_the_terminal_has(wanted: Any, terminal: Terminal, colours: Any, kind: str) -> None:
    assert canvas_for(wanted, terminal, colours, True, False, False).kind == kind


@pytest.mark.parametrize("few", [False, True])
def test_kitty_gets_the_image_and_placeholders_for_it(few: bool) -> None:
    drawn = kitty(photo(100), 8, 4, few, wrapped=False)
    commands = re.findall(r"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\", drawn.before)
    keys = dict(pair.split("=") for pair in commands[0][0].split(","))
    assert (keys["c"], keys["r"], keys["U"], keys["q"]) == ("8", "4", "1", "2")
    assert [head[-3:] for head, _ in commands] == ["m=1"] * (len(commands) - 1) + ["m=0"]
    assert max(len(payload) for _, payload in commands) <= 4096
    sent = Image.open(io.BytesIO(base64.b64decode("".join(payload for _, payload in commands))))
    assert np.array_equal(np.asarray(sent), np.asarray(photo(100)))
    style = drawn.rows[0][0][1]
    if few:
        assert style.color.downgrade(ColorSystem.EIGHT_BIT).number == int(keys["i"])
    else:
        assert int("".join(f"{part:02x}" for part in style.color.triplet), 16) == int(keys["i"])
    assert f"i={keys['i']}" in drawn.after
    # Each cell says its own row and column, so that any part of a row can be sent.
    strip = Strip([])
    cells = [[text[i : i + 3] for i in range(0, len(text), 3)] for ((text, _),) in drawn.rows]
    assert len({cell for row in cells for cell in row}) == 32
    from rich.segment import Segment

    strip = Strip([Segment(drawn.rows[1][0][0], style)])
    assert strip.cell_length == 8
    assert strip.crop(2, 5).text == "".join(cells[1][2:5])


def test_each_image_of_kitty_s_has_its_own_number_and_tmux_passes_it_on() -> None:
    drawn = [kitty(photo(8), 2, 1, True, wrapped=True) for _ in range(50)]
    assert len({each.rows[0][0][1] for each in drawn}) == 50
    assert drawn[0].before.startswith("\x1bPtmux;\x1b\x1b_Ga=T")
    assert drawn[0].before.endswith("\x1b\x1b\\\x1b\\")


def decoded(text: str) -> np.ndarray:
    """The pixels of a sixel sequence, by the manual."""
    body = re.fullmatch(r"\x1bP[0-9;]*q(.*)\x1b\\", text, re.DOTALL)[1]
    _, _, width, height = map(int, re.match(r'"(\d+);(\d+);(\d+);(\d+)', body).groups())
    pixels = np.full((height + 6, width, 3), -1)
    colours: dict[int, tuple[int, ...]] = {}
    x = y = 0
    now: tuple[int, ...] = ()
    tokens = r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)"
    for token in re.finditer(tokens, body[body.index("#") :]):
        number, red, green, blue, select, count, run, one, back, down = token.groups()
        if number:
            colours[int(number)] = (int(red), int(green), int(blue))
        elif select:
            now = colours[int(select)]
        elif back or down:
            x, y = 0, y + 6 * bool(down)
        else:
            for _ in range(int(count or 1)):
                for bit in range(6):
                    if (ord(run or one) - 63) >> bit & 1:
                        pixels[y + bit, x] = now
                x = x + 1
    return pixels[:height]


def test_sixels_are_the_picture() -> None:
    picture = photo(50)
    found = decoded(encoded(picture))
    assert found.shape == (50, 50, 3)
    assert found.min() >= 0
    assert np.abs(found * 2.55 - np.asarray(picture, dtype=float)).mean() < 12
    two = Image.fromarray(np.repeat(np.array([[[255, 0, 0]], [[0, 0, 255]]], dtype=np.uint8), 7, axis=0))
    assert decoded(encoded(two))[:, 0].tolist() == [[100, 0, 0]] * 7 + [[0, 0, 100]] * 7


def test_sixels_fill_their_cells_and_no_more() -> None:
    drawn = sixel(photo(), 8, 4, (9, 18))
    assert '"1;1;72;72' in drawn.over
    assert {text for row in drawn.rows for text, _ in row} == {" " * 8}
    other = sixel(photo(32).rotate(90), 8, 4, (9, 18))
    assert drawn.rows[0][0][1] != other.rows[0][0][1]


def test_pictures_are_scaled_to_what_is_seen() -> None:
    assert Canvas("truecolor").pixels(16, 8) == 16
    assert Canvas("truecolor", cell=(9, 18), kind="sixel").pixels(16, 8) == 144
    drawn: Drawn = Canvas("truecolor", kind="kitty").draw(photo(), 200, 150)
    assert drawn.width <= 98


PATIENT = """
import sys
from pathlib import Path
from subspacelens_tui.app.main import run
from subspacelens_tui.app import terminal_graphics
terminal_graphics._PATIENCE = 600  # this machine may be busy
session = Path(sys.argv[1])
sys.exit(run(session.parent, session))
"""


class Answering(Pty):
    """A terminal that answers as one with sixels does."""

    raw = b""
    answered = False

    def read(self, seconds: float) -> bool:
        goes_on = super().read(seconds)
        if not self.answered and b"\x1b[c" in self.raw:
            self.answered = True
            # Among keys that are typed meanwhile.
            self.type("c" + CELL + ATTRIBUTES + "C")
        return goes_on


def test_a_real_terminal_gets_sixels_and_no_key_is_lost(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = with_pictures(planted(seeds=1).start())
    command = [sys.executable, "-c", PATIENT, str(session.path)]
    terminal = Answering(command, 80, 24)
    feed = terminal._stream.feed

    def noted(data: bytes) -> None:
        terminal.raw += data
        # pyte knows neither sixels nor the questions.
        feed(re.sub(rb"\x1bP[^\x1b]*\x1b\\|\x1b_G[^\x1b]*\x1b\\|\x1b\[16t", b"", data))

    monkeypatch.setattr(terminal._stream, "feed", noted)
    try:
        terminal.wait_for("finished 9/9")
        terminal.type("a")
        terminal.wait_for("9 of 9 images")
        while terminal.raw.count(b"\x1bP0;1q") < 8:
            assert terminal.read(1)
        # Each is drawn at its place, and the cursor goes back where it was.
        assert re.search(rb"\x1b7\x1b\[3;2H\x1bP0;1q[^\x1b]*\x1b\\\x1b8", terminal.raw)
        assert "[all]" in terminal.text
        terminal.type("q")
        assert terminal.exit_status() == 0
    finally:
        terminal.close()


def test_waiting_for_an_answer_blocks_nothing() -> None:
    async def typed_meanwhile() -> str:
        graphics = Graphics({"TERM": "xterm"})
        asking = asyncio.ensure_future(graphics.ask(lambda _: None))
        await asyncio.sleep(0)
        assert not asking.done()
        graphics.hear(ATTRIBUTES)
        return str((await asking).sixel)

    assert asyncio.run(typed_meanwhile()) == "True"
