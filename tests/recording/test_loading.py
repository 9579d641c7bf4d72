"""Where weights come from: parts of two models, variants, the hub's cache, pickle; what is said if not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import PixArtTransformer2DModel
from huggingface_hub.errors import OfflineModeIsEnabled

from subspacelens_tui import demo
from subspacelens_tui.models import ModelError
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.problems import model_problem
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording import __main__ as detached
from subspacelens_tui.recording import process
from subspacelens_tui.sessions import Phase, open_session
from tests.recording.conftest import PATIENCE

DEMO = str(demo.MODEL_PATH)
WEIGHTS = "diffusion_pytorch_model.safetensors"


def transformer_only(folder: Path, variant: str | None = None) -> Path:
    """The demo's transformer as the older checkpoints on the hub have theirs: alone, of the former class."""
    to = folder / "transformer"
    to.mkdir(parents=True)
    config = json.loads((demo.MODEL_PATH / "transformer" / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**config, "_class_name": "Transformer2DModel"}))
    name = WEIGHTS.replace(".", f".{variant}.") if variant else WEIGHTS
    shutil.copy(demo.MODEL_PATH / "transformer" / WEIGHTS, to / name)
    return folder


def cached(hub: Path, repository: str, revision: str, commit: str) -> Path:
    """Where the files of a repository belong in the hub's cache."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / revision).write_text(commit)
    return folder / "snapshots" / commit


def program(*arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "subspacelens_tui", *arguments],
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_a_transformer_of_the_hub_is_recorded_with_the_parts_of_another_model(tmp_path: Path) -> None:
    """Offline, from the cache, with a revision and a variant; all of it stands in the session."""
    hub = tmp_path / "hf" / "hub"
    transformer_only(cached(hub, "some/transformer", "v2", "a" * 40), variant="fp16")
    shutil.copytree(
        demo.MODEL_PATH,
        cached(hub, "some/parts", "main", "b" * 40),
        ignore=lambda folder, names: names if folder.endswith("transformer") else [],
    )
    sessions = tmp_path / "sessions"
    where = ["--sessions", str(sessions), "--headless"]
    options = ["--model", "some/transformer", "--revision", "v2", "--variant", "fp16"]
    options += ["--components-from", "some/parts", "--prompts", "demo", "--guidance", "3"]
    options += ["--seeds", "1", "--steps", "2", "--batch-size", "5", "--name", "run"]
    done = program("record", *where, *options, home=tmp_path / "hf")
    assert done.returncode == 0, done.stderr
    model = open_session(sessions / "run").manifest.model
    assert (model.id, model.revision, model.commit) == ("some/transformer", "v2", "a" * 40)
    assert (model.variant, model.components_from) == ("fp16", "some/parts")
    # What is gone on with is the commit, even if the revision means another by now.
    again = ModelSource.of(model)
    assert again == ModelSource("some/transformer", "a" * 40, "fp16", components_from="some/parts")
    assert open_session(sessions / "run").state.phase is Phase.FINISHED
    assert "Could not reach" not in done.stderr


def test_two_folders_give_what_one_gives(tmp_path: Path) -> None:
    source = ModelSource(str(transformer_only(tmp_path / "only")), components_from=DEMO)
    pipeline, architecture = load_pipeline(source, torch.float32)
    whole, _ = load_pipeline(ModelSource(DEMO), torch.float32)
    assert type(pipeline.transformer) is PixArtTransformer2DModel
    for name, tensor in whole.transformer.state_dict().items():
        assert torch.equal(pipeline.transformer.state_dict()[name], tensor)
    assert architecture.encode(pipeline, ["a lion"]).keys() == architecture.encode(whole, ["a lion"]).keys()


def test_pickled_weights_are_loaded_only_if_the_user_says_so(tmp_path: Path) -> None:
    folder = transformer_only(tmp_path / "pickled")
    weights = PixArtTransformer2DModel.from_pretrained(DEMO, subfolder="transformer").state_dict()
    (folder / "transformer" / WEIGHTS).unlink()
    torch.save(weights, folder / "transformer" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelError, match="if you trust them, add `--allow-pickle`"):
        load_pipeline(ModelSource(str(folder), components_from=DEMO), torch.float32)
    trusted = ModelSource(str(folder), components_from=DEMO, allow_pickle=True)
    assert load_pipeline(trusted, torch.float32)


@pytest.mark.parametrize("allowed", [True, False])
def test_what_the_user_says_of_pickle_reaches_a_detached_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(process.subprocess, "Popen", lambda command, **_: started.append(command))
    heard: list[bool] = []

    def recorder(folder: Path, allow_pickle: bool) -> SimpleNamespace:
        heard.append(allow_pickle)
        return SimpleNamespace(run=lambda: 0)

    monkeypatch.setattr(detached, "Recorder", recorder)
    process.start_recorder(tmp_path, allow_pickle=allowed)
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "subspacelens_tui.recording"]
    assert detached.main(command[3:]) == 0
    assert heard == [allowed]


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        ("cut", {}, "cannot be loaded (OSError: Unable to load weights"),
        ("none", {"variant": "fp16"}, "has no weights of variant 'fp16': leave out `--variant`"),
        ("none", {}, "it has no model_index.json; if it is a transformer only, say"),
        ("layers", {}, "weights of its transformer are missing"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line_with_what_to_do(
    tmp_path: Path, damage: str, options: dict[str, str], message: str
) -> None:
    folder = transformer_only(tmp_path / "only")
    others = None if damage == "none" and not options else DEMO
    if damage == "cut":
        with (folder / "transformer" / WEIGHTS).open("r+b") as file:
            file.truncate(1_000_000)
    if damage == "layers":
        config = folder / "transformer" / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "num_layers": 13}))
    with pytest.raises(ModelError) as raised:
        load_pipeline(ModelSource(str(folder), components_from=others, **options), torch.float32)
    assert message in str(raised.value)
    assert str(raised.value).count("`") == 2
    assert "\n" not in str(raised.value)


def test_what_is_wrong_with_the_hub_is_told_apart() -> None:
    def said(name: str, text: str = "We couldn't connect to the hub") -> tuple[str, bool]:
        error = OSError(text)
        error.__cause__ = type(name, (Exception,), {})()
        problem = model_problem("some/model", ModelSource("some/model"), error)
        return str(problem), problem.mendable

    assert said("GatedRepoError")[0].endswith("run `hf auth login`")
    assert said("GatedRepoError")[1]
    assert said("RepositoryNotFoundError")[0].startswith("there is no model 'some/model'")
    assert not said("RepositoryNotFoundError")[1]
    assert "no such revision" in said("RevisionNotFoundError")[0]
    missing = "some/model does not appear to have a file named model_index.json."
    assert "`--components-from ID|PATH`" in said("RemoteEntryNotFoundError", missing)[0]
    assert "run `hf download some/model`" in said(OfflineModeIsEnabled.__name__)[0]
