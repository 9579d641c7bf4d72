"""Trainings beside a session: what they write, that they resume bit for bit, and what `sparse --sae` says."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_dictionaries import trained_beside
from subspacelens_tui.analysis.sparse_results import Asked as Compared
from subspacelens_tui.analysis.sparse_results import sparse_comparison
from subspacelens_tui.analysis.sparse_sample import finite_sample
from subspacelens_tui.analysis.sparse_training import PlannedTraining, plan_training, write_training
from subspacelens_tui.cli import main
from subspacelens_tui.planning import PlanningError
from subspacelens_tui.planning.steering_atoms import AskedAtoms, autoencoder_of
from subspacelens_tui.sessions import Phase, Session
from subspacelens_tui.sessions.control import ask
from subspacelens_tui.sessions.detached_processes import STOP_SIGNALS
from subspacelens_tui.sessions.trainings import TrainingWatch
from subspacelens_tui.sparse.layouts import load_autoencoder
from subspacelens_tui.sparse.recipe import Asked
from subspacelens_tui.sparse.scaling import Scaling
from subspacelens_tui.sparse.training_job import targets_of
from subspacelens_tui.training import trainer
from subspacelens_tui.training.topk import Training
from subspacelens_tui.training.trainer import Trainer, TrainingError
from tests.analysis.token_sessions import IMAGES, plant

P, KEPT, WIDTH, STEPS = 36, 16, 12, 40


def planted(path: Path) -> Session:
    rng = np.random.default_rng(0)
    return plant(path, [3 + rng.standard_normal((IMAGES, P, WIDTH)) for _ in range(2)], KEPT)


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The trainer takes signals and sets torch up: it has a process of its own."""
    monkeypatch.setattr(trainer, "_LOOK_SECONDS", 0.0)
    kept = {number: signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
    torch.use_deterministic_algorithms(False)


def planned(session: Session, layers: tuple[int, ...] = (1,), checks: bool = False) -> PlannedTraining:
    asked = Asked(atoms=16, k=3, steps=STEPS)
    found = plan_training(session, Settings(), layers, asked, "cpu", 1, checks)
    write_training(found)
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.name in ("sae.safetensors", "cfg.json")
    }


def test_a_training_that_is_stopped_and_resumed_is_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = planned(planted(tmp_path / "a" / "s"), checks=True)
    assert Trainer(whole.folder).run() == 0
    state = TrainingWatch(whole.folder).now()
    assert (state.phase, state.done, state.total) == (Phase.FINISHED, 5 * STEPS, 5 * STEPS)
    cut = planned(planted(tmp_path / "b" / "s"), checks=True)
    made, advance = [], Training.advance

    def and_stop(training: Training) -> None:
        advance(training)
        made.append(training.step)
        if len(made) in (STEPS // 2, 2 * STEPS + 7):
            ask(cut.folder, "stop")

    monkeypatch.setattr(Training, "advance", and_stop)
    for done in (STEPS // 2, 2 * STEPS + 7):
        assert Trainer(cut.folder).run() == 0
        state = TrainingWatch(cut.folder).now()
        assert (state.phase, state.detail) == (Phase.STOPPED, "asked to stop")
        assert len(made) == done
    assert Trainer(cut.folder).run() == 0
    assert len(made) == 5 * STEPS
    assert files(cut.folder) == files(whole.folder)
    assert len(files(whole.folder)) == 2 * len(targets_of(whole.job)) == 10
    assert not (cut.folder / "checkpoint.safetensors").exists()
    # What is there is not trained again, and other layers join it.
    assert planned(planted(tmp_path / "c" / "s"), (0,)).job.name == whole.job.name
    assert Trainer(cut.folder).run() == 0
    assert len(made) == 5 * STEPS


def test_what_is_written_is_for_tokens_as_recorded(tmp_path: Path) -> None:
    session = planted(tmp_path / "s")
    of = planned(session)
    Trainer(of.folder).run()
    loaded = load_autoencoder(of.folder / "first" / "block.1")
    rows = [session.images().index(image) for image in of.job.images]
    x = session.tokens(1)[rows].reshape(-1, WIDTH).astype(float)
    left = x - loaded.autoencoder.decode(loaded.autoencoder.activations(x))
    assert (left**2).sum() < 0.8 * ((x - x.mean(axis=0)) ** 2).sum()
    assert np.allclose(np.linalg.norm(loaded.autoencoder.decoder, axis=1), 1, atol=1e-5)
    assert loaded.images == frozenset(of.job.images)


def test_without_position_it_trains_on_the_tokens_that_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    of_position = 3 * rng.standard_normal((1, P, WIDTH))
    session = plant(tmp_path / "s", [of_position + rng.standard_normal((IMAGES, P, WIDTH))], KEPT)
    whole = planned(session, (0,))
    asked = Asked(atoms=16, k=3, steps=STEPS)
    less = plan_training(session, Settings(), (0,), asked, "cpu", 1, checks=False, without_position=True)
    write_training(less)
    assert less.folder != whole.folder
    seen, begin = [], Training.__init__

    def watched(training: Training, x: torch.Tensor, *rest: object) -> None:
        seen.append(x.numpy())
        begin(training, x, *rest)

    monkeypatch.setattr(Training, "__init__", watched)
    Trainer(less.folder).run()
    sample = finite_sample(session, Settings().resolve(session), (0,), without_position=True)
    fitted = sample.values(0)[sample.split.train]
    expected = Scaling.of(fitted).scaled(fitted).reshape(-1, WIDTH)
    np.testing.assert_allclose(seen[0], expected, atol=1e-5)
    # Each is measured on tokens like those it was trained on.
    Trainer(whole.folder).run()
    for without, other in ((False, less), (True, whole)):
        lenses = sparse_comparison(
            session,
            Settings(),
            Compared(dictionaries=trained_beside(session), without_position=without),
        )
        [layer] = lenses.layers
        assert not isinstance(layer.found, str)
        assert "sparse" in layer.found.lenses
        option = ["--without-position"] if without else []
        path = str(other.folder / "first")
        assert main(("sparse", str(session.path), "--layers", "0", "--sae", path, *option)) == 1
        said = capsys.readouterr().err
        assert ("leave it out" if without else "add --without-position") in said
    with pytest.raises(PlanningError, match="minus the mean at their position"):
        autoencoder_of(session, 0, AskedAtoms(sae=str(less.folder / "first")), 1.0)
    assert autoencoder_of(session, 0, AskedAtoms(), 1.0).trained.autoencoder.atoms == 16
    shutil.rmtree(whole.folder)
    with pytest.raises(PlanningError, match="no autoencoder of layer 0"):
        autoencoder_of(session, 0, AskedAtoms(), 1.0)


def test_two_trainers_do_not_write_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = planned(planted(tmp_path / "s"))
    advance, said = Training.advance, []

    def and_try(training: Training) -> None:
        if not said:
            with pytest.raises(TrainingError, match="another trainer is at work") as error:
                Trainer(of.folder).run()
            said.append(str(error.value))
        advance(training)

    monkeypatch.setattr(Training, "advance", and_try)
    assert Trainer(of.folder).run() == 0
    assert said


def test_sparse_trains_measures_and_refuses_leaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a trainer in a process of its own, started by the command."""
    session = planted(tmp_path / "s")
    typed, training = ("sparse", str(session.path), "--layers", "1"), ("--atoms", "8", "--k", "2")
    assert main((*typed, *training, "--train-steps", "20", "--sae", "train", "--check", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    [layer] = found["layers"]
    assert layer["autoencoder"]["atoms"] == 8
    assert layer["autoencoder"]["l0"] <= 2
    assert layer["autoencoder"]["stable"] is not None
    assert layer["lenses"]["sparse"]["rate"] > 0
    assert [check["planted"] for check in found["checks"]] == ["gaussian", "sparse", "union"]
    assert all(check["lenses"]["sparse"] for check in found["checks"])
    [job] = (session.path / "sae").iterdir()
    assert main((*typed, "--sae", str(job / "first"), "--json")) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["layers"][0]["lenses"]["sparse"] == layer["lenses"]["sparse"]
    assert main((*typed, "--sae", str(job / "first"), "--seed", "1")) == 1
    assert "of the images that are held out here" in capsys.readouterr().err
    assert main((*typed, *training)) == 2
    assert "--atoms is of a training: add --sae train" in capsys.readouterr().err
    assert main((*typed, "--atoms", "8", "--k", "9", "--sae", "train")) == 2
    assert "no more can be active" in capsys.readouterr().err
    assert main((*typed, "--sae", "stop")) == 1
    assert "no autoencoder of s is being trained" in capsys.readouterr().err
