"""The settings: their schema, their document, and every mistake in one line."""

import re
from pathlib import Path
from types import UnionType
from typing import Literal, get_args, get_origin

import pytest

from subspacelens_tui.analysis.settings import DEFAULT_EPS
from subspacelens_tui.app.changed_keys import Keymap
from subspacelens_tui.app.key_table import EVERY_KEY, SCOPES
from subspacelens_tui.app.preferences import (
    Preferences,
    read_preferences,
    settings_file,
)
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.cli import main
from subspacelens_tui.options.analysis import EPS
from subspacelens_tui.options.common import APPEARANCE
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def written(text: str) -> Path:
    path = settings_file()
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def values(kind: object) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if isinstance(kind, UnionType):
        return values(get_args(kind)[0])
    return {str: "text", bool: "`true`, `false`", float: "number", Path: "path"}.get(kind, "table")  # type: ignore[call-overload]


def test_the_document_is_that_of_the_schema() -> None:
    rows = []
    for name, field in Preferences.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`" if default else ""
        rows.append(f"| `{name}` | {values(field.annotation)} | {shown} | {field.description} |")
    table = re.findall(r"^\| `.*$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert table == rows, "\n".join(rows)
    flags = {option.name for option in APPEARANCE}
    assert flags == Preferences.model_fields.keys() - {"eps", "labels", "sessions", "keys"}


def test_flags_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_preferences() == (Preferences(), {})
    path = written('theme = "nord"\nmarkers = "blocks"\neps = 0.25\ndigits = false\n[keys]\nzoom = "Z"')
    monkeypatch.setenv("SUBSPACELENS_MARKERS", "ascii")
    monkeypatch.setenv("SUBSPACELENS_EPS", "0.125")
    found, sources = read_preferences({"eps": 2.0})
    assert (found.theme, found.markers, found.eps, found.digits) == ("nord", "ascii", 2.0, False)
    assert found.keys == {"zoom": ["Z"]}
    assert sources == {
        "theme": str(path),
        "digits": str(path),
        "keys": str(path),
        "markers": "SUBSPACELENS_MARKERS",
        "eps": "--eps",
    }


MISTAKES = (
    ('thme = "nord"', "there is no setting 'thme': did you mean theme?"),
    ('theme = "mauve"', "theme must be one of ansi-dark, "),
    ('markers = "dots"', "markers must be 'braille', 'blocks' or 'ascii', not 'dots'"),
    ("digits = 3", "digits must be true or false, not 3"),
    ("eps = -1", "eps must be greater than 0, not -1"),
    ("eps = inf", "eps must be a finite number"),
    ('refresh = "often"', "refresh must be a number, not 'often'"),
    ("theme = 3", "theme must be a valid string, not 3"),
    ("keys = 3", "keys must be a table, not 3"),
    ("[keys]\nzoom = 3", "keys.zoom must be a key or a list of keys, not 3"),
    ("markers", "is not TOML: "),
)
KEY_MISTAKES = (
    ("[keys]\nzoooom = 'Z'", "there is no action 'zoooom': did you mean zoom?"),
    ("[keys]\nwarp = 'Z'", "there is no action 'warp': `subspacelens-tui settings` lists them"),
    ("[keys]\nzoom = []", "keys.zoom must have at least one key"),
    ("[keys]\nzoom = 'hyperdrive'", "there is no key 'hyperdrive': write `x`"),
    ("[keys]\nzoom = 'shft+z'", "there is no key 'shft+z'"),
    ("[keys]\nzoom = 'j'", "'j' stands for both "),
    ("[keys]\nzoom = 'Z'\ncopy = ['Z', 'U']", "'Z' stands for both "),
)


@pytest.mark.parametrize(("text", "line"), [*MISTAKES, *KEY_MISTAKES])
def test_every_mistake_gets_one_line(text: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(text)
    assert main(["settings"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"subspacelens-tui: {path}")
    assert line in said
    assert said.count("\n") == 1


def test_a_mistake_names_the_variable_or_the_flag(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["settings", "--markers", "dots"]) == 2
    assert "the command line: markers must be" in capsys.readouterr().err
    monkeypatch.setenv("SUBSPACELENS_MARKERS", "dots")
    assert main(["settings"]) == 2
    assert "SUBSPACELENS_MARKERS: markers must be" in capsys.readouterr().err


def test_what_settings_prints_can_be_pasted_into_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--theme", "nord"]) == 0
    printed = capsys.readouterr().out
    assert "(not there)" in printed
    written(printed)
    found, _ = read_preferences()
    assert found.theme == "nord"
    assert Keymap(found.keys).table(EVERY_KEY) == list(EVERY_KEY)


def test_the_sessions_folder_of_the_file_is_used_by_all_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    written(f'sessions = "{tmp_path / "elsewhere"}"')
    assert main(["analyze", "none"]) == 1
    assert f"{tmp_path / 'elsewhere'} (it is empty)" in capsys.readouterr().err
    monkeypatch.setenv("SUBSPACELENS_SESSIONS", str(tmp_path / "there"))
    assert main(["analyze", "none"]) == 1
    assert f"{tmp_path / 'there'} (it is empty)" in capsys.readouterr().err


def test_names_of_actions_are_unique_and_no_key_has_two_meanings_on_a_screen() -> None:
    names = [key.name for key in EVERY_KEY]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names), names
    for scope, table in SCOPES.items():
        keys = [key for entry in table for key in entry.keys.split(",")]
        assert len(keys) == len(set(keys)), scope


def test_a_keymap_changes_keys_and_leaves_the_rest() -> None:
    keymap = Keymap({"next-layer": ["n", "ctrl+n"], "digits": ["#"]})
    changed = {key.name: key.keys for key in keymap.table(EVERY_KEY)}
    assert changed["next-layer"] == "n,ctrl+n"
    assert changed["digits"] == "number_sign"
    assert {key.name: key.keys for key in EVERY_KEY if changed[key.name] != key.keys}.keys() == {
        "next-layer",
        "digits",
    }
    assert keymap.first("digits") == "#"
    # Two actions may exchange their keys.
    Keymap({"zoom": ["y"], "copy": ["z"]})


async def test_changed_keys_are_those_of_screen_footer_help_palette_and_panes(
    on: OpenApp, planted: Planted
) -> None:
    keys = {
        "zoom": ["Z"],
        "next-layer": ["ctrl+n"],
        "pane-overlap": ["@"],
        "help": ["f12"],
        "next-pane": ["W"],
    }
    async with on(planted().start().record(), setup=Setup(Preferences(keys=keys))) as app:
        assert "^n layer" in app.text()
        assert "W pane" in app.text()
        assert "@ Overlap" in app.text()
        await app.press("ctrl+n")
        assert app.screen.selected == 1
        await app.press("j", "down", "z", "5")
        assert app.screen.selected == 1
        assert app.screen.pane_layout.maximised is None
        await app.press("at")
        assert app.app.focused.id == "overlap"
        await app.press("W", "Z")
        assert app.screen.pane_layout.maximised == "inspector"
        await app.press("f12")
        assert "^n  " in app.text()
        await app.press("f12", "question_mark")
        assert app.app.screen is app.screen
        await app.press("ctrl+p", *"next layer")
        assert "next layer  (^n)" in app.text()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_mistake(encoding: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = written("")
    path.write_text('theme = "nord"\r\nlabels = "cafe\u0301"\r\n', encoding=encoding)
    assert main(["settings"]) == 0
    out = capsys.readouterr().out
    assert 'theme = "nord"' in out
    # As sessions keep the names of their schemes.
    assert 'labels = "café"' in out


def test_what_cannot_be_read_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    path = written("")
    path.write_bytes('theme = "nörd"'.encode("latin-1"))
    assert main(["list"]) == 2
    assert capsys.readouterr().err == (
        f"subspacelens-tui: {path} is not UTF-8, by byte 0xf6 in line 1: it seems to be Windows-1252 or "
        "Latin-1; save it as UTF-8\n"
    )
    path.unlink()
    path.mkdir()
    assert main(["settings"]) == 2
    assert capsys.readouterr().err == f"subspacelens-tui: {path} is a folder, not a file\n"


def test_the_app_opens_with_the_default_of_the_analysis_and_the_help_says_so() -> None:
    assert Preferences().eps == DEFAULT_EPS
    assert f"(default: {DEFAULT_EPS:g})" in EPS.help
