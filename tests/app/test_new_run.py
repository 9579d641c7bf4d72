"""The form of a new recording: checked as one types, estimated, started."""

from pathlib import Path

import pytest
from textual.widgets import Input

from subspacelens_tui.app.dialogs.help import HelpScreen
from subspacelens_tui.app.key_table import FORM
from subspacelens_tui.app.new_run_form import read_form
from subspacelens_tui.app.screens.new_run import NewRunScreen
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.options.recording import FIELDS
from subspacelens_tui.sessions import SessionError, names, open_session
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSessionFactory as Planted


def test_nothing_typed_is_the_demo(tmp_path: Path) -> None:
    draft = read_form({}, tmp_path)
    assert draft.errors == {}
    assert draft.manifest is not None
    assert draft.estimate is not None
    assert (draft.manifest.model.id, len(draft.manifest.images)) == ("demo", 500)
    assert draft.notes["capture"] == "0, 5, 10, 15, 19"
    assert draft.notes["seeds"] == "500 images in all"
    assert draft.name is None
    assert draft.notes["name"].startswith("demo-")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("field", "text", "line"),
    [
        ("model", "./nowhere", "there is no folder or file ./nowhere"),
        ("prompts", "weather", "there is no prompt set 'weather'"),
        ("seeds", "ten", "must be a whole number, not 'ten'"),
        ("seeds", "0", "seeds must be from 1"),
        ("seeds", "100000", "would make 2500000 images: at most 100000"),
        ("steps", "0", "steps must be from 1"),
        ("guidance", "3;4", "must be numbers like 1,3,4.5"),
        ("guidance", "-0.5", "guidance must be a number from 0"),
        ("guidance", "nan", "guidance must be a number from 0"),
        ("capture", "0,a", "must be steps like 0,5,19"),
        ("capture", "20", "step 20 cannot be captured: 20 steps are 0 to 19"),
        ("tokens", "65", "the model has 64 image tokens"),
        ("size", "64", "must be a size like 1024x768, not '64'"),
        ("size", "64x0", "a picture of 64x0 pixels cannot be generated"),
        ("device", "gpu", "there is no device 'gpu'"),
        ("dtype", "int8", "there is no dtype 'int8'"),
        ("batch_size", "0", "batch size must be from 1"),
        ("name", "a/b", "is no name for a session"),
        ("name", "taken", "there is a session taken already"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(tmp_path: Path, field: str, text: str, line: str) -> None:
    (tmp_path / "taken").mkdir()
    draft = read_form({field: text}, tmp_path)
    assert draft.manifest is None
    assert list(draft.errors) == [field]
    assert line in draft.errors[field]
    assert "\n" not in draft.errors[field]


def test_every_wrong_field_is_said_at_once_and_the_steps_count_for_the_captured(tmp_path: Path) -> None:
    draft = read_form({"steps": "30", "capture": "29", "seeds": "x", "dtype": "y", "name": "z z"}, tmp_path)
    assert set(draft.errors) == {"seeds", "dtype", "name"}


class Starter:
    """Stands at the place of the command line: takes note, and starts nothing."""

    def __init__(self, trouble: str | None = None) -> None:
        self.started: list[Path] = []
        self.trouble = trouble

    def __call__(self, folder: Path) -> None:
        if self.trouble:
            raise SessionError(self.trouble)
        self.started.append(folder)


async def typed(app: Driver, field: str, text: str) -> None:
    app.app.screen.query_one(f"#field-{field}", Input).value = text
    await app.pilot.pause()  # until the form knows
    await app.settled()


async def test_from_the_empty_list_to_the_live_screen(open_app: OpenApp, tmp_path: Path) -> None:
    starter = Starter()
    async with open_app(tmp_path / "new", setup=Setup(start_recorder=starter)) as app:
        assert "Press n to record one" in app.text()
        await app.press("n")
        assert isinstance(app.app.screen, NewRunScreen)
        assert "= 500 images in all" in app.text()
        assert "images at a time need" in app.text()
        await app.press("down", "down", "2", "enter", "6", "enter", *"1,3", "down", *"0,5")
        assert "= 100 images in all" in app.text()
        await typed(app, "name", "mine")
        await app.press("ctrl+s")
        assert starter.started == [tmp_path / "new" / "mine"]
        assert isinstance(app.app.screen, SessionScreen)
        assert "◌ waiting 0/100" in app.text()
        manifest = open_session(starter.started[0]).manifest
        assert (manifest.steps, manifest.guidance, manifest.capture_steps) == (6, [1.0, 3.0], [0, 5])
        await app.press("o")
        assert isinstance(app.app.screen, SessionsScreen)
        assert "▶ mine" in app.text()


async def test_what_is_wrong_is_said_while_typing_and_nothing_starts(
    open_app: OpenApp, planted: Planted
) -> None:
    starter = Starter()
    folder = planted("there").start().record().path.parent
    async with open_app(folder, setup=Setup(start_recorder=starter)) as app:
        await app.press("n")
        await typed(app, "seeds", "many")
        await typed(app, "name", "there")
        assert "✗ must be a whole number, not 'many'" in app.text()
        assert "✗ there is a session there already" in app.text()
        assert "2 fields to fix" in app.text()
        await app.press("f5")
        assert isinstance(app.app.screen, NewRunScreen)
        assert app.app.focused is app.app.screen.query_one("#field-seeds")
        assert starter.started == []
        await typed(app, "seeds", "1")
        await typed(app, "name", "")
        assert "✗" not in app.text()
        await app.press("escape")
        assert isinstance(app.app.screen, SessionsScreen)
        assert starter.started == []
        assert [path.name for path in folder.iterdir()] == ["there"]


async def test_a_recorder_that_does_not_start_is_a_message(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app(tmp_path, setup=Setup(start_recorder=Starter("no python: not found"))) as app:
        await app.press("n", "ctrl+s")
        assert isinstance(app.app.screen, NewRunScreen)
        assert "✗ no python: not found" in app.text()
    async with open_app(tmp_path) as app:
        await app.press("n", "ctrl+s")
        assert "use `subspacelens-tui record`" in app.text()


async def test_forms_started_in_the_same_second_make_a_session_each(
    open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names.time, "strftime", lambda *_: "20260101-120000")
    # As when another process has taken the name that was seen in the form.
    monkeypatch.setattr(names.os.path, "lexists", lambda path: False)
    starter = Starter()
    for _ in range(3):
        async with open_app(tmp_path, setup=Setup(start_recorder=starter)) as app:
            await app.press("n", "ctrl+s")
            assert isinstance(app.app.screen, SessionScreen)
    first = "demo-20260101-120000"
    assert [path.name for path in starter.started] == [first, f"{first}-2", f"{first}-3"]


@pytest.mark.parametrize("size", [(140, 40), (80, 24), (50, 15), (40, 10)])
async def test_the_form_is_whole_at_every_size(
    open_app: OpenApp, tmp_path: Path, size: tuple[int, int]
) -> None:
    starter = Starter()
    async with open_app(tmp_path, size=size, setup=Setup(start_recorder=starter)) as app:
        await app.press("n")
        await typed(app, "seeds", "1")
        for field in FIELDS:
            assert app.app.focused is app.app.screen.query_one(f"#field-{field.name}")
            assert field.label in app.text()
            await app.press("enter")
        await typed(app, "dtype", "int8")
        app.app.screen.query_one("#field-dtype").focus()
        await app.settled()
        assert "✗ there is no dtype" in app.text()
        await typed(app, "dtype", "")
        await app.press("down", "down", "down")
        assert app.app.focused.id == "start"
        await app.press("enter")
        assert len(starter.started) == 1


async def test_mouse_palette_and_help_reach_the_form(open_app: OpenApp, tmp_path: Path) -> None:
    starter = Starter()
    async with open_app(tmp_path, setup=Setup(start_recorder=starter)) as app:
        footer = app.text().splitlines()[-1]
        await app.pilot.click("#keys", offset=(footer.index("n new"), 0))
        await app.settled()
        assert isinstance(app.app.screen, NewRunScreen)
        await app.press("f1")
        assert isinstance(app.app.screen, HelpScreen)
        assert all(key.says in app.text() for key in FORM)
        await app.press("escape")
        await app.pilot.click("#leave")
        await app.settled()
        await app.press("ctrl+p", *"start a new rec", "enter")
        assert isinstance(app.app.screen, NewRunScreen)
        await app.press("ctrl+p", *"start rec", "enter")
        assert len(starter.started) == 1


async def test_labels_that_were_taken_as_one_are_said_in_the_form(open_app: OpenApp, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.toml"
    lines = [
        f'[[prompts]]\ntext = "{n}"\nlabels = {{ kind = "{label}" }}\n'
        for n, label in enumerate(("café", "cafe\u0301", "tea", "Tea"))
    ]
    prompts.write_text('name = "drinks"\nschemes = ["kind"]\n' + "".join(lines), encoding="utf-16")
    starter = Starter()
    async with open_app(tmp_path / "new", size=(200, 60), setup=Setup(start_recorder=starter)) as app:
        await app.press("n")
        await typed(app, "prompts", str(prompts))
        text = " ".join(app.text().split())
        assert r"the labels 'caf\xe9' and 'cafe\u0301' of 'kind' look alike: they are taken as one" in text
        assert "the labels 'tea' and 'Tea' of 'kind' differ in case only: they stay separate" in text
        await app.press("ctrl+s")
    assert open_session(starter.started[0]).manifest.prompts[1].labels == {"kind": "café"}
