"""The parts of Textual that are private, and that the app is written for, are as they were.

Where one of these fails on a new Textual: read its part in `app/textual_private.py`, mend it, raise
`WRITTEN_FOR` and the upper bound in `pyproject.toml`.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.geometry import Region
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

import subspacelens_tui.app as package
from subspacelens_tui.app import textual_private
from subspacelens_tui.app.keys import PRINTED, key_of

HERE = "subspacelens_tui/app/textual_private.py"
INSTALLED = version("textual")


def changed(part: str, used_by: str) -> str:
    return (
        f"Textual {INSTALLED} has changed {part}, which `{used_by}` in {HERE} uses "
        f"(written for Textual {textual_private.WRITTEN_FOR})"
    )


def test_no_newer_textual_is_allowed_than_the_parts_were_checked_with() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    allowed = next(r for r in map(Requirement, project["project"]["dependencies"]) if r.name == "textual")
    checked = Version(textual_private.WRITTEN_FOR)
    assert Version(INSTALLED) in allowed.specifier
    assert Version(f"{checked.major + 1}.0") not in allowed.specifier, "Textual has no upper bound"
    assert Version(INSTALLED).release[:2] <= checked.release, (
        f"Textual {INSTALLED} is newer than {checked}, which {HERE} was checked with: "
        "see that the tests of this file pass, then raise WRITTEN_FOR"
    )


def test_partial_updates_are_spans_of_chops() -> None:
    say = changed("textual._compositor", "send_minimal_updates")
    assert textual_private.HAS_COMPOSITOR, say
    compositor: Any = importlib.import_module("textual._compositor")
    for update, fields in (
        (compositor.ChopsUpdate, ["chops", "spans", "chop_ends"]),
        (compositor.LayoutUpdate, ["strips", "region"]),
    ):
        assert list(inspect.signature(update).parameters) == fields, say
        assert hasattr(update, "render_segments"), say
    assert list(inspect.signature(compositor.Compositor).parameters) == [], say
    assert hasattr(compositor.Compositor, "render_partial_update"), say
    assert list(inspect.signature(compositor.Compositor.render_full_update).parameters) == [
        "self",
        "simplify",
    ], say
    assert isinstance(vars(Screen())["_compositor"], compositor.Compositor), changed(
        "Screen._compositor", "send_minimal_updates"
    )


class Overlaid(App[None]):
    """A row of letters, and what is drawn over it."""

    def get_default_screen(self) -> Screen[Any]:
        screen: Screen[Any] = Screen()
        self.spans: list[Any] = []
        self.minimal = textual_private.send_minimal_updates(screen, self.overlay)
        return screen

    def overlay(self, spans: Any) -> str:
        self.spans.append(spans)
        return "over"

    def compose(self) -> Iterator[Widget]:
        yield Static("a" * 40)


async def test_only_the_cells_that_changed_are_sent() -> None:
    app = Overlaid()
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        assert app.minimal
        compositor: Any = app.screen._compositor
        compositor._dirty_regions.add(Region(38, 0, 2, 1))
        sent = compositor.render_partial_update().render_segments(app.console)
        say = changed("textual._compositor.ChopsUpdate", "MinimalUpdate")
        assert "\x1b[1;39H" in sent, say
        assert sent.count("a") == 2, say
        assert sent.endswith("over"), say
        assert list(app.spans[-1]) == [(0, 38, 40)], say
        whole = compositor.render_full_update().render_segments(app.console)
        assert whole.endswith("over"), changed("textual._compositor.LayoutUpdate", "WholeUpdate")
        assert app.spans[-1] is None
        rows = [row.text.rstrip() for row in textual_private.screen_rows(app.screen)]
        assert rows == ["a" * 40, "", "", "", ""], changed("Compositor.render_strips", "screen_rows")


def test_the_driver_takes_parser_and_decoder_from_its_own_namespace() -> None:
    from textual.drivers import linux_driver

    source = inspect.getsource(linux_driver.LinuxDriver)
    for name, use, used_by in (
        ("XTermParser", "XTermParser(", "take_replies"),
        ("getincrementaldecoder", 'getincrementaldecoder("utf-8")().decode', "read_keys_in"),
    ):
        say = changed(f"textual.drivers.linux_driver.{name}", used_by)
        assert hasattr(linux_driver, name), say
        assert use in source, say


class Replied(Message):
    """A reply."""

    def __init__(self, reply: str) -> None:
        super().__init__()
        self.reply = reply


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the driver as Textual has it, whatever app ran before in this process."""
    from codecs import getincrementaldecoder

    from textual._xterm_parser import XTermParser
    from textual.drivers import linux_driver

    monkeypatch.setattr(linux_driver, "XTermParser", XTermParser)
    monkeypatch.setattr(linux_driver, "getincrementaldecoder", getincrementaldecoder)
    return linux_driver


def test_replies_come_as_messages_and_keys_as_keys(driver: Any) -> None:
    def split(data: str) -> tuple[str, list[str], str]:
        return data.replace("!", ""), ["!"] * data.count("!"), ""

    assert textual_private.take_replies(split, Replied)
    assert textual_private.take_replies(split, Replied), "a second time changes nothing"
    messages = list(driver.XTermParser().feed("a!b"))
    say = changed("XTermParser.feed", "take_replies")
    assert [m.reply for m in messages if isinstance(m, Replied)] == ["!"], say
    assert [m.key for m in messages if isinstance(m, events.Key)] == ["a", "b"], say


def test_keys_are_read_in_the_terminals_encoding(driver: Any) -> None:
    assert textual_private.read_keys_in("latin-1")
    decode = driver.getincrementaldecoder("utf-8")().decode
    assert decode(b"\xe9") == "é"
    assert decode(b"\xff", final=True) == "ÿ"


async def test_raw_output_reaches_the_driver() -> None:
    app = App[None]()
    assert not textual_private.write_raw(app, "before there is a terminal")
    async with app.run_test():
        assert app._driver is not None
        written: list[str] = []
        app._driver.write = written.append  # type: ignore[method-assign]
        assert textual_private.write_raw(app, "raw"), changed("App._driver", "write_raw")
        assert "raw" in written


def test_a_resize_can_be_passed_on() -> None:
    assert list(inspect.signature(App._check_resize).parameters) == ["self"], changed(
        "App._check_resize", "pass_resize_on"
    )


class Crashing(textual_private.ShortTraceback, App[None]):
    """Crashes as soon as it runs, by itself or by a worker."""

    def __init__(self, by_worker: bool = False, quiet: bool = False) -> None:
        super().__init__()
        self.by_worker, self.quiet = by_worker, quiet

    def is_told_elsewhere(self, error: Exception | None) -> bool:
        return self.quiet and isinstance(error, ZeroDivisionError)

    def on_mount(self) -> None:
        if self.by_worker:
            self.run_worker(self.work())
        else:
            self.divide()

    async def work(self) -> None:
        self.divide()

    def divide(self) -> None:
        a_session_of_many_gigabytes = "seen"
        raise ZeroDivisionError(f"crashed: {len(a_session_of_many_gigabytes)}")


@pytest.mark.parametrize("by_worker", [False, True])
def test_a_crash_shows_no_local_variables_and_is_known(
    capsys: pytest.CaptureFixture[str], by_worker: bool
) -> None:
    app = Crashing(by_worker)
    assert app.crash is None
    assert not app.crashed.is_set()
    app.run(headless=True)
    shown = capsys.readouterr().err
    say = changed("App._fatal_error", "ShortTraceback")
    assert "crashed: 4" in shown, say
    assert "= 'seen'" not in shown, say
    assert app.return_code == 1
    assert isinstance(app.crash, ZeroDivisionError), changed("App._exception", "ShortTraceback.crash")
    assert app.crashed.is_set(), changed("App._exception_event", "ShortTraceback.crashed")


def test_a_crash_that_is_told_elsewhere_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    app = Crashing(quiet=True)
    app.run(headless=True)
    assert capsys.readouterr().err == "", changed("App._close_messages_no_wait", "ShortTraceback")
    assert (app.return_code, type(app.crash)) == (1, ZeroDivisionError)


@pytest.mark.parametrize("character", map(chr, range(33, 127)))
def test_keys_have_textuals_names(character: str) -> None:
    from textual.drivers.linux_driver import XTermParser

    (key,) = (m for m in XTermParser().feed(character) if isinstance(m, events.Key))
    assert key.key == key_of(character)
    assert PRINTED[key.key] == character


# Without a part


def test_without_its_parts_the_app_goes_on_with_less(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(driver, "XTermParser")
    monkeypatch.delattr(driver, "getincrementaldecoder")
    monkeypatch.delattr(App, "_check_resize")
    monkeypatch.setattr(textual_private, "HAS_COMPOSITOR", False)
    assert not textual_private.take_replies(lambda data: (data, [], ""), Replied)
    assert not textual_private.read_keys_in("latin-1")
    textual_private.pass_resize_on(App())
    screen: Screen[Any] = Screen()
    assert not textual_private.send_minimal_updates(screen)
    del screen._compositor
    with pytest.raises(RuntimeError, match="what is on its screen"):
        textual_private.screen_rows(screen)


# Nowhere else

ALLOWED = {"_fatal_error"}


def modules() -> Iterator[Any]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(module.name)


@functools.cache
def private_names(kind: type) -> set[str]:
    """What the source of a class calls private, in its body and on itself."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    names: set[str] = set()
    for node in ast.walk(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self":
            names |= {node.attr} if isinstance(node.ctx, ast.Store) else set()
    for node in body.body if isinstance(body, ast.ClassDef) else ():
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if name.startswith("_") and not name.endswith("__")}


def test_nothing_of_ours_is_named_as_a_private_part_is() -> None:
    ours = {
        kind
        for module in modules()
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, DOMNode)
        and kind.__module__.startswith(package.__name__)
    }
    assert ours
    clashes = {
        f"{kind.__module__}.{kind.__name__}.{name}"
        for kind in ours
        for base in kind.__mro__
        if base.__module__.startswith("textual")
        for name in private_names(kind) & private_names(base)
    }
    assert not {clash for clash in clashes if clash.rpartition(".")[2] not in ALLOWED}


def uses(file: Path) -> Iterator[str]:
    """What a file takes from Textual, or from an object that is not its own, by a private name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if name.startswith("_"))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            whose = ast.unparse(node.value)
            # `_replace` and `_exit` are public: a named tuple's and the system's.
            if whose not in ("self", "cls") and node.attr not in ("_replace", "_exit"):
                yield ast.unparse(node)


def test_private_parts_are_used_in_one_file_only() -> None:
    files = {file: list(uses(file)) for file in Path(package.__path__[0]).rglob("*.py")}
    assert files.pop(Path(textual_private.__file__))
    assert not {file.name: found for file, found in files.items() if found}, f"private parts are for {HERE}"
