"""The form of a steering run: what it says of each field, what it starts, and how that is followed."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widgets import Input

from subspacelens_tui.app.screens.new_steering import NewSteeringScreen
from subspacelens_tui.app.screens.steering import SteeringScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.steering_form import read_steering_form
from subspacelens_tui.recording.spawn import start_steering
from subspacelens_tui.sessions import open_session
from tests.app.conftest import OpenApp
from tests.app.steered_run import plant


class Starter:
    """Stands at the place of the command line: takes note, and starts a run that fails or does not."""

    def __init__(self, failure: str | None = None) -> None:
        self.said: list[tuple[Path, tuple[str, ...]]] = []
        self._failure = failure

    def __call__(self, session: Path, options: Sequence[str]) -> "Starter":
        self.said.append((session, tuple(options)))
        return self

    def failure(self) -> str | None:
        return self._failure

    def stop(self) -> bool:
        self._failure = "terminated"
        return True


@pytest.fixture(scope="module")
def with_tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with tokens."""
    found = tmp_path_factory.mktemp("tokens") / "natural"
    plant(found.parent, found.name, [0, 1, 2], range(4), tokens=True)
    return found


@pytest.mark.parametrize(
    ("typed", "field", "line"),
    [
        ({"source": ""}, "source", "name a class"),
        ({"source": "cat"}, "source", "there is no image of 'cat' under 'fine': natural has"),
        ({"target": "cat"}, "target", "there is no image of 'cat' under 'fine': natural has"),
        ({"target": "lion"}, "target", "--from and --to are both 'lion': name two classes"),
        ({"labels": "colour"}, "labels", "colour"),
        ({"layers": "2"}, "layers", "there is no layer 2: natural has 0 to 1"),
        ({"layers": "x"}, "layers", "must be layers like 6,8, auto or all, not 'x'"),
        ({"layers": "all", "strengths": "0.5,1"}, "strengths", "--layer all takes one strength"),
        ({"method": "magic"}, "method", "there is no method 'magic'"),
        ({"strengths": "nan"}, "strengths", "a strength must be a number from -100 to 100"),
        ({"seeds": "1"}, "seeds", "a single image tells nothing of other seeds"),
        ({"steps": "3-20"}, "steps", "there is no step 20: the session has 0 to 19"),
        ({"name": "a/b"}, "name", "is no name for a session"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(
    with_tokens: Path, typed: dict[str, str], field: str, line: str
) -> None:
    form = read_steering_form({"source": "lion", "target": "panda", **typed}, open_session(with_tokens))
    assert list(form.errors) == [field]
    assert line in form.errors[field]
    assert form.name is None


def test_what_is_right_says_what_it_will_record(with_tokens: Path) -> None:
    form = read_steering_form(
        {"source": "lion", "target": "panda", "strengths": "-1", "seeds": "3"}, open_session(with_tokens)
    )
    assert form.errors == {}
    assert form.options == ("--from=lion", "--to=panda", "--strengths=-1", "--seeds=3")
    assert form.name == form.notes["name"] == "natural-lion-panda"
    # Natural pandas; strengths 0 and -1; rotation, noise, pattern, class, mixture and patch.
    assert form.remark.startswith("9 sessions, 27 images in all")
    # The same of both layers, one at a time: each with its rotation.
    every = read_steering_form(
        {"source": "lion", "target": "panda", "layers": "all"}, open_session(with_tokens)
    )
    assert every.remark.startswith("6 sessions, 60 images in all")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "exists", lambda path: path.name == "natural-lion-panda~s0")
        form = read_steering_form({"source": "lion", "target": "panda"}, open_session(with_tokens))
    assert form.errors == {"name": "there is a run natural-lion-panda already: type another name"}


@pytest.mark.parametrize("failure", [None, "natural: too few tokens"])
async def test_a_run_is_started_from_the_cell_and_the_layer_and_followed(
    open_app: OpenApp, with_tokens: Path, failure: str | None
) -> None:
    starter = Starter(failure)
    setup = Setup(start_steering=starter)
    async with open_app(with_tokens.parent, with_tokens, setup=setup) as app:
        await app.press("5", "j", "T")
        screen = app.app.screen
        assert isinstance(screen, NewSteeringScreen)
        texts = {name: text for name, text in screen._texts.items() if text}
        assert texts.pop("layers") == "1"
        assert texts.pop("labels") == "fine"
        assert set(texts) == {"source", "target"}
        # What is wrong is gone to, and put right.
        screen.query_one("#field-layers", Input).value = "9"
        await app.press("ctrl+s")
        assert starter.said == []
        await app.press("backspace", "1", "ctrl+s")
        assert starter.said == [
            (
                with_tokens,
                (f"--from={texts['source']}", f"--to={texts['target']}", "--labels=fine", "--layer=1"),
            )
        ]
        assert isinstance(app.app.screen, SteeringScreen)
        words = "fitting, then recording" if failure is None else "the run ended: natural: too few tokens"
        assert words in app.text()
        if failure is None:
            await app.press("x", "s")
            assert starter.failure() == "terminated", "while it fits there is no session to ask"
            app.app.screen.read()
            await app.settled()
            assert "the run ended: it was stopped" in app.text()


async def test_where_nothing_can_be_started_the_form_says_so(open_app: OpenApp, with_tokens: Path) -> None:
    async with open_app(with_tokens.parent, with_tokens) as app:
        await app.press("5", "right", "T")
        await app.press("ctrl+s")
        assert "use `subspacelens-tui steer`" in app.text()


def test_a_run_that_fails_in_its_own_process_says_why(with_tokens: Path) -> None:
    started = start_steering(with_tokens, ["--from=lion", "--to=lion"])
    assert started.process.wait() == 1
    assert started.failure() == "--from and --to are both 'lion': name two classes"
