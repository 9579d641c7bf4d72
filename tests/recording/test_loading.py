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

from subspacelens_tui import demo
from subspacelens_tui.cli import main
from subspacelens_tui.models import ModelError
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording import __main__ as detached
from subspacelens_tui.recording import spawn
from subspacelens_tui.sessions import Phase, open_session
from tests.recording.conftest import PATIENCE, found, prompt_file

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
    options += ["--components-from", "some/parts", "--prompts", prompt_file(tmp_path, "lion")]
    options += ["--guidance", "3", "--seeds", "1", "--steps", "2", "--batch-size", "5", "--name", "run"]
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
    pipeline = load_pipeline(source, torch.float32)
    whole = load_pipeline(ModelSource(DEMO), torch.float32)
    assert type(pipeline.transformer) is PixArtTransformer2DModel
    for name, tensor in whole.transformer.state_dict().items():
        assert torch.equal(pipeline.transformer.state_dict()[name], tensor)
    assert pipeline.components.keys() == whole.components.keys()


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
    monkeypatch.setattr(spawn.subprocess, "Popen", lambda command, **_: started.append(command))
    heard: list[bool] = []

    def recorder(folder: Path, allow_pickle: bool, **others: object) -> SimpleNamespace:
        heard.append(allow_pickle)
        return SimpleNamespace(run=lambda: 0)

    monkeypatch.setattr(detached, "Recorder", recorder)
    spawn.start_recorder(tmp_path, allow_pickle=allowed)
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "subspacelens_tui.recording"]
    assert detached.main(command[3:]) == 0
    assert heard == [allowed]


def in_pickles(folder: Path) -> Path:
    """The demo with all its weights pickled, those of the transformer and of the text encoder in shards."""
    whole = load_pipeline(ModelSource(DEMO), torch.float32)
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    for part, stem in (
        ("transformer", "diffusion_pytorch_model"),
        ("vae", "diffusion_pytorch_model"),
        ("text_encoder", "pytorch_model"),
    ):
        weights = getattr(whole, part).state_dict()
        if part == "vae":
            torch.save(weights, folder / part / f"{stem}.bin")
            continue
        places = {name: f"{stem}-{1 + n % 3:05d}-of-00003.bin" for n, name in enumerate(weights)}
        for shard in set(places.values()):
            held = {name: tensor for name, tensor in weights.items() if places[name] == shard}
            torch.save(held, folder / part / shard)
        index = {"metadata": {"total_size": 0}, "weight_map": places}
        (folder / part / f"{stem}.bin.index.json").write_text(json.dumps(index))
    return folder


def test_pickles_in_shards_are_loaded_like_any(tmp_path: Path) -> None:
    folder = in_pickles(tmp_path / "pickles")
    with pytest.raises(ModelError, match=r"transformer, vae, text_encoder.*add `--allow-pickle`"):
        load_pipeline(ModelSource(str(folder)), torch.float32)
    whole = load_pipeline(ModelSource(DEMO), torch.float32)
    pickled = load_pipeline(ModelSource(str(folder), allow_pickle=True), torch.float32)
    for part in ("transformer", "vae", "text_encoder"):
        weights = getattr(pickled, part).state_dict()
        for name, tensor in getattr(whole, part).state_dict().items():
            assert torch.equal(weights[name], tensor), name


def test_variants_are_loaded_as_they_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(DEMO, folder)
    for part in ("transformer", "text_encoder"):
        for path in (folder / part).glob("*.safetensors"):
            path.rename(path.with_name(path.name.replace(".", ".fp16.", 1)))
    pipeline = load_pipeline(ModelSource(str(folder), variant="fp16"), torch.float32)
    whole = load_pipeline(ModelSource(DEMO), torch.float32)
    conditioning = [found.encode_prompt("a lion", device="cpu")[0] for found in (pipeline, whole)]
    assert torch.equal(*conditioning)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        (
            "transformer",
            {"num_layers": 13},
            r"the transformer of model .* \(\d+ weights are missing, transformer_b",
        ),
        (
            "transformer",
            {"num_layers": 7},
            r"\(its configuration has 7 transformer_blocks, its weights have more\)",
        ),
        (
            "transformer",
            {"caption_channels": 7},
            r"\(ValueError: .*caption_projection.linear_1.weight .*\): put",
        ),
        # The libraries would draw these at random.
        (
            "text_encoder",
            {"num_layers": 3},
            r"the text encoder of model .* \(9 weights are missing, encoder.block.2",
        ),
        ("text_encoder", {"d_ff": 64}, r"\(\d+ weights are of another shape, encoder.block.0"),
        ("vae", {"num_decoder_blocks": [3, 3, 3]}, r"the VAE of model .* cannot be loaded \("),
    ],
)
def test_weights_that_are_not_those_of_the_configuration_are_refused(
    tmp_path: Path, part: str, changes: dict[str, object], message: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(DEMO, folder)
    config = folder / part / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))
    with pytest.raises(ModelError, match=message) as raised:
        load_pipeline(ModelSource(str(folder)), torch.float32)
    assert str(raised.value).endswith(
        f"put a whole copy there, as `hf download ID --local-dir {folder}` does"
    )
    assert "\n" not in str(raised.value)


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "narrow"
    PixArtTransformer2DModel(
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=16,
        caption_channels=16,
        cross_attention_dim=32,
    ).save_pretrained(folder / "transformer")
    narrow = load_pipeline(ModelSource(str(folder), components_from=DEMO), torch.float32)
    words = r"PixArtAlphaPipeline fails in a trial run: RuntimeError: The size of tensor a"
    with pytest.raises(ModelError, match=words):
        found(narrow)


def test_a_class_that_is_not_installed_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    shutil.copytree(DEMO, folder)
    index = folder / "model_index.json"
    later = {"tokenizer": ["transformers", "LaterTokenizer"]}
    index.write_text(json.dumps(json.loads(index.read_text()) | later))
    with pytest.raises(
        ModelError, match=r"has no LaterTokenizer\): run `pip install --upgrade transformers`"
    ):
        load_pipeline(ModelSource(str(folder)), torch.float32)


def test_what_a_folder_lacks_is_said_before_a_session_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fp16"
    shutil.copytree(DEMO, folder)
    for path in folder.glob("*/*.safetensors"):
        path.rename(path.with_name(path.name.replace(".", ".fp16.", 1)))
    where = ["--headless", "--sessions", str(tmp_path / "sessions"), "--seeds", "1", "--steps", "2"]
    assert main(["record", *where, "--model", str(folder)]) == 1
    assert tuple(capsys.readouterr()) == (
        "",
        f"subspacelens-tui: model {str(folder)!r} has weights of variant fp16 only (transformer, vae, "
        "text_encoder): add `--variant fp16`\n",
    )
    assert not (tmp_path / "sessions").exists()
    for option in ([], ["--variant", "fp16"]):
        assert main(["doctor", "--model", str(folder), *option]) == (0 if option else 1)


def test_what_the_cache_lacks_can_be_put_right_and_gone_on_with(tmp_path: Path) -> None:
    """Offline: a session of a model that is not in the cache yet waits for it."""
    where = ["--headless", "--sessions", str(tmp_path / "sessions"), "--seeds", "1", "--steps", "2"]
    prompts = prompt_file(tmp_path, "lion")
    asked = ["--model", "some/model", "--prompts", prompts, "--guidance", "1", "--name", "run"]
    done = program("record", *where, *asked, home=tmp_path / "hf")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "subspacelens-tui: model 'some/model' is neither a folder nor in the hub's cache, and HF_HUB_OFFLINE "
        "keeps it from being fetched: check how it is spelled, or run `hf download some/model` where there "
        "is a network; then `subspacelens-tui record --resume run`"
    )
    shutil.copytree(DEMO, cached(tmp_path / "hf" / "hub", "some/model", "main", "d" * 40))
    done = program(
        "record",
        "--headless",
        "--sessions",
        str(tmp_path / "sessions"),
        "--resume",
        "run",
        home=tmp_path / "hf",
    )
    assert done.returncode == 0, done.stderr
    assert open_session(tmp_path / "sessions" / "run").manifest.model.commit == "d" * 40
