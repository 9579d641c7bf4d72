"""Sums over all tokens, added up while the bundled model is recorded: what is fitted to them is the same."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.cli import main
from subspacelens_tui.planning import PlanningError, Request, plan
from subspacelens_tui.planning.estimate import estimate_of
from subspacelens_tui.planning.machine import Memory
from subspacelens_tui.planning.steering import SteeringRequest, fit_intervention, plan_steering
from subspacelens_tui.planning.steering_statistics import Statistics
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.recording.token_sums import TokenSums
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sessions.control import ask
from subspacelens_tui.sessions.moments_file import MOMENTS_FILE, MomentsFile
from subspacelens_tui.sessions.writer import create_session
from subspacelens_tui.steering import METHODS, Examples, SummedTokens
from tests.recording.conftest import prompt_file

TOKENS = 64


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Request:
    prompts = prompt_file(tmp_path_factory.mktemp("asked"), "lion", "panda")
    return Request(
        prompts=prompts, seeds=3, steps=3, capture=[0, 2], tokens=TOKENS, moments=[8, 3], batch_size=2
    )


@pytest.fixture(autouse=True, scope="module")
def without_signals() -> "object":
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "_take_signals", lambda self: None)
        yield


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, asked: Request) -> Session:
    folder = tmp_path_factory.mktemp("sums") / "both"
    create_session(folder, plan(asked))
    assert Recorder(folder).run() == 0
    return open_session(folder)


def test_sums_are_those_of_all_tokens(session: Session) -> None:
    statistics = Statistics(session)
    for layer, step in ((3, 0), (8, 2)):
        sums, tokens = statistics.at(layer, step), statistics.examples(layer, step)
        assert isinstance(sums, SummedTokens)
        assert isinstance(tokens, Examples)
        for name in ("lion", "panda"):
            one, other = sums.moments(name), tokens.moments(name)
            assert one.tokens == other.tokens == 3 * TOKENS
            for part in ("places", "cond", "uncond", "within", "across"):
                np.testing.assert_allclose(getattr(one, part), getattr(other, part), rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(sums.mean(name), tokens.mean(name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", ["transport", "mean", "interchange"])
def test_what_is_fitted_to_sums_is_what_is_fitted_to_all_tokens(session: Session, method: str) -> None:
    statistics = Statistics(session)
    one, other = (
        METHODS[method].fit(of, "lion", "panda") for of in (statistics.at(8, 2), statistics.examples(8, 2))
    )
    scale = np.abs(other.bias).max() + 1
    assert np.abs(one.bias - other.bias).max() < 1e-6 * scale
    assert set(one.terms) == set(other.terms)
    for source, term in one.terms.items():
        assert np.abs(np.asarray(term) - other.terms[source]).max() < 1e-6


def test_a_recording_that_is_stopped_and_resumed_has_the_same_sums(
    session: Session, asked: Request, tmp_path: Path
) -> None:
    create_session(tmp_path / "stopped", plan(asked))
    recorder = Recorder(tmp_path / "stopped", on_progress=lambda of: ask(of.path, "stop"))
    assert recorder.run() == 0
    assert len(MomentsFile(tmp_path / "stopped").images) == 2, "of the batch that was finished"
    assert Recorder(tmp_path / "stopped").run() == 0
    same_sums(tmp_path / "stopped", session.path)


def test_images_whose_sums_were_lost_are_recorded_again(
    session: Session, asked: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_session(tmp_path / "killed", plan(asked))
    with monkeypatch.context() as patch:
        patch.setattr(TokenSums, "write", lambda self: None)
        assert Recorder(tmp_path / "killed").run() == 0
    killed = open_session(tmp_path / "killed")
    assert killed.state.complete
    with pytest.raises(Exception, match=r"has no moments\.safetensors yet"):
        fit_intervention(killed, "lion", "panda", layers=[8])
    assert Recorder(tmp_path / "killed").run() == 0
    same_sums(tmp_path / "killed", session.path)


def same_sums(one: Path, other: Path) -> None:
    files = MomentsFile(one), MomentsFile(other)
    assert sorted(files[0].names) == sorted(files[1].names)
    for name in files[0].names:
        np.testing.assert_array_equal(files[0].array(name), files[1].array(name))


def test_a_run_is_planned_from_sums_alone(session: Session, tmp_path: Path) -> None:
    request = SteeringRequest("lion", "panda", layers=[8], seeds=2)
    of_tokens = plan_steering(session, request)
    shutil.copytree(session.path, tmp_path / "alone")
    manifest = session.manifest.model_copy(update={"tokens": None})
    (tmp_path / "alone" / "session.json").write_text(manifest.to_json())
    alone = open_session(tmp_path / "alone")
    statistics = Statistics(alone)
    assert list(statistics.layers) == [3, 8]
    assert isinstance(statistics.at(8, 0), SummedTokens)
    found = plan_steering(alone, request)
    for one, other in zip(found.sessions, of_tokens.sessions, strict=True):
        assert one.name.removeprefix("alone") == other.name.removeprefix("both")
    for change, words in (
        ({"layers": [5]}, r"has sums over the tokens of layers 3, 8 only, not of 5: `record --moments 5`"),
        ({"layers": "all"}, "has sums over the tokens of layers 3, 8 only"),
        ({"method": "project"}, "has sums over its tokens, and project takes the tokens themselves"),
    ):
        with pytest.raises(PlanningError, match=words):
            plan_steering(alone, SteeringRequest("lion", "panda", **{"layers": [8], "seeds": 2, **change}))


def test_what_sums_take_is_said_and_refused_where_it_is_not_there(
    session: Session, asked: Request, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate = estimate_of(plan(asked), tmp_path)
    size = (session.path / MOMENTS_FILE).stat().st_size
    assert 0.9 * size < estimate.moments < 1.1 * size
    assert "sums over tokens" in estimate.lines[0]
    with pytest.MonkeyPatch.context() as patch:
        of_estimates = sys.modules["subspacelens_tui.planning.estimate"]
        patch.setattr(of_estimates, "host_memory", lambda: Memory(10**5, 10**9))
        words = ["record", "--headless", "--moments", "8", "--sessions", str(tmp_path)]
        assert main(words) == 1
    err = capsys.readouterr().err
    assert "the sums of --moments take " in err
    assert "name fewer layers" in err
    assert not any(tmp_path.iterdir()), "nothing was made"
    for more, line in (
        (["--layers", "0-3"], "--moments is for steering, which needs all blocks: leave --layers out"),
        (["--guidance", "1"], "--moments sums over both passes: take a --guidance above 1"),
        (["--moments", "12"], "--moments 12: the model has layers 0 to 11"),
    ):
        assert main([*words, *more]) == 1
        assert line in capsys.readouterr().err
