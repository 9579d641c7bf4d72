"""Pipelines of many families through the recorder, as `record --headless` runs it, and what readers show."""

import hashlib
import importlib.util
import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.cli import main
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Phase, Session, open_session
from subspacelens_tui.sessions.writer import create_session, image_path
from tests.models.tiny_pipelines import RECIPES, build
from tests.recording.conftest import PATIENCE

pytestmark = pytest.mark.usefixtures("own_signals")

PROMPTS = """
name = "few"
schemes = ["subject"]
[[prompts]]
text = "a red cat on a table"
labels = { subject = "cat" }
[[prompts]]
text = "a blue dog in the park"
labels = { subject = "dog" }
"""


def folder_of(name: str, folder: Path) -> Path:
    """A tiny pipeline as a folder that `--model` takes."""
    build(name).save_pretrained(folder)
    return folder


def prompts_in(folder: Path) -> str:
    path = folder / "prompts.toml"
    path.write_text(PROMPTS)
    return str(path)


def classes_in(folder: Path) -> str:
    path = folder / "classes.toml"
    path.write_text(PROMPTS.replace("a red cat on a table", "3").replace("a blue dog in the park", "7"))
    return str(path)


# Steps asked for, and the branches there are.
FAMILIES = {
    "flux": (2, ["cond"]),
    "sd3": (2, ["cond", "uncond"]),
    "sana": (2, ["cond", "uncond"]),
    "sdxl_turbo": (1, ["cond"]),
    "z_image": (2, ["cond", "uncond"]),
    "qwen_image": (2, ["cond", "uncond"]),
    "wan22": (4, ["cond", "uncond"]),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_pipeline_is_recorded_analysed_and_shown(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps, branches = FAMILIES[name]
    recipe = RECIPES[name]
    request = Request(
        model=str(folder_of(name, tmp_path / "model")),
        prompts=prompts_in(tmp_path),
        seeds=3,
        steps=steps,
        guidance=[recipe.guidance],
        batch_size=3,  # a batch has both prompts in one order and in the other
        call=recipe.call,
    )
    folder = tmp_path / "sessions" / "run"
    create_session(folder, plan(request))
    assert Recorder(folder).run() == 0
    session = open_session(folder)
    assert session.state.phase is Phase.FINISHED
    assert session.problems == []
    manifest = session.manifest
    assert manifest.format_version == json.loads((folder / "session.json").read_text())["format_version"] == 3
    assert manifest.guidance_branches == [branches]
    assert manifest.call == dict(recipe.call)
    assert len(manifest.timesteps) == manifest.steps >= steps
    assert len(list((folder / "images").glob("*.webp"))) == 6
    (test,) = [event for event in session.log if event["event"] == "self_test"]
    assert max(test["cond"] or 0, test["batch"], test["mixed"]) < test["tolerance"] == 1e-4
    last = len(manifest.blocks) - 1
    for branch in manifest.branches:
        assert np.isfinite(session.features(last, branch)).all()
    if (
        len(branches) == 2
    ):  # of one noise and no prompt, or one negative: the first step cannot tell them apart
        uncond, cond = (session.features(last, branch, 0) for branch in ("uncond", "cond"))
        np.testing.assert_allclose(uncond[:, 0], uncond[:, 1], rtol=1e-4, atol=1e-4)
        assert np.abs(cond[:, 0] - cond[:, 1]).max() > 1e-3
    assert manifest.frames == (5 if name == "wan22" else None)
    if name == "wan22":
        assert manifest.denoisers == ["transformer", "transformer_2"]
        (first, *_) = session.files
        assert load_file(first.path)["denoisers"].tolist() == [0, 0, 1, 1]
    notes = Analyzer(session).result(Settings()).notes
    assert any("wide: R, Rc and ΔR are comparable" in note for note in notes) == (name == "sdxl_turbo")
    where = ["--sessions", str(folder.parent)]
    assert main(["analyze", "run", "--json", *where]) == 0
    assert len(json.loads(capsys.readouterr().out)["layers"]) == len(manifest.blocks)
    if name == "sdxl_turbo":
        assert main(["show", "run", *where]) == 0
        assert "Layers" in capsys.readouterr().out


def test_a_folder_is_recorded_by_its_command_alone(tmp_path: Path) -> None:
    """Started as a user does, at the size that the model is made for; `doctor` says so before."""
    model, where = str(folder_of("sd3", tmp_path / "model")), ["--sessions", str(tmp_path / "sessions")]

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "subspacelens_tui", *arguments, *where]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)

    told = run("doctor", "--model", model)
    assert told.returncode == 0, told.stderr
    assert "can be recorded: 4 blocks of width 32 in transformer_blocks × 4 (0-3)" in told.stdout
    options = ["--prompts", prompts_in(tmp_path), "--seeds", "1", "--steps", "2", "--name", "run"]
    done = run("record", "--headless", "--model", model, "--guidance", "4,1", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'sessions' / 'run'}\n"
    assert open_session(tmp_path / "sessions" / "run").manifest.guidance_branches == [
        ["cond", "uncond"],
        ["cond"],
    ]


def recorded(folder: Path, request: Request) -> tuple[Session, list[str]]:
    """A session of what is asked, and what was said while it was recorded."""
    create_session(folder, plan(request))
    said: list[str] = []
    assert Recorder(folder, on_note=said.append).run() == 0
    return open_session(folder), said


def refused(folder: Path, request: Request) -> str:
    """Why it cannot be recorded."""
    create_session(folder, plan(request))
    with pytest.raises(RecordingError) as raised:
        Recorder(folder).run()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_size_negative_prompt_and_arguments_reach_the_call(tmp_path: Path) -> None:
    """A pipeline that makes another size is said; so is one that takes none."""
    request = Request(
        model=str(folder_of("wan", tmp_path / "model")),
        prompts=prompts_in(tmp_path),
        seeds=1,
        steps=2,
        guidance=[4.0],
        call={"num_frames": 5, "max_sequence_length": 16},
        size=(32, 16),
    )
    plain, said = recorded(tmp_path / "plain", request)
    assert said == []
    assert plain.manifest.call == {**request.call, "width": 32, "height": 16}
    with Image.open(image_path(plain.path, 0)) as picture:
        assert picture.size == (32, 16)
    negative, _ = recorded(tmp_path / "negative", replace(request, negative="a photo of a table"))
    for branch, same in (("cond", True), ("uncond", False)):
        one, other = (session.features(0, branch, 0) for session in (plain, negative))
        assert np.array_equal(one, other) == same
    flux = replace(request, model=str(folder_of("flux", tmp_path / "flux")), call={}, size=(26, 16))
    _, said = recorded(tmp_path / "other", flux)
    assert said == ["FluxPipeline makes pictures of 24x16 where 26x16 was asked for"]
    dit = replace(
        request, model=str(folder_of("dit", tmp_path / "dit")), prompts=classes_in(tmp_path), call={}
    )
    assert refused(tmp_path / "no-size", dit).startswith(
        "DiTPipeline makes pictures of its own size: its call takes no width and height"
    )
    no_frames = replace(dit, call={"num_frames": 5}, size=None)
    assert refused(tmp_path / "no-frames", no_frames).startswith(
        "the call of DiTPipeline takes no 'num_frames'"
    )
    twice = replace(request, call={"guidance_scale": 4})
    assert "is the guidance scale of a recording (--guidance)" in refused(tmp_path / "twice", twice)


def test_another_scheduler_is_run_and_kept_in_the_session(tmp_path: Path) -> None:
    request = Request(
        prompts=prompts_in(tmp_path),
        model=str(folder_of("pixart_alpha", tmp_path / "model")),
        seeds=1,
        steps=2,
        size=(24, 16),
        scheduler="HeunDiscreteScheduler",
    )
    session, _ = recorded(tmp_path / "heun", request)
    assert session.manifest.model.scheduler == session.manifest.scheduler == "HeunDiscreteScheduler"
    assert session.manifest.steps == 3
    unknown = refused(tmp_path / "unknown", replace(request, scheduler="EulerDiscrete"))
    assert "has no scheduler 'EulerDiscrete': did you mean EulerDiscreteScheduler" in unknown
    assert "has no scheduler 'UNet2DModel'" in refused(
        tmp_path / "model-class", replace(request, scheduler="UNet2DModel")
    )
    flow = refused(tmp_path / "flow", replace(request, scheduler="FlowMatchEulerDiscreteScheduler"))
    assert "does not fit PixArtAlphaPipeline with its DPMSolverMultistepScheduler" in flow


def lora_of(name: str, folder: Path, **changes: Any) -> str:
    """A LoRA for a tiny pipeline as diffusers saves one, at random weights unless other changes are made."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipeline = build(name)
    how = {"r": 2, "target_modules": ["to_q", "to_k"], "init_lora_weights": False}
    torch.manual_seed(1)
    pipeline.transformer.add_adapter(LoraConfig(**{**how, **changes}))
    layers = get_peft_model_state_dict(pipeline.transformer)
    pipeline.save_lora_weights(folder, transformer_lora_layers=layers)
    return str(folder)


def test_a_lora_is_recorded_by_its_hash_and_must_change_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("peft")
    style = lora_of("sd3", tmp_path / "style")
    request = Request(
        model=str(folder_of("sd3", tmp_path / "model")),
        prompts=prompts_in(tmp_path),
        seeds=1,
        steps=1,
        guidance=[1.0],
        size=(24, 16),
        call={"max_sequence_length": 32},
    )
    plain, _ = recorded(tmp_path / "plain", request)
    halves = [recorded(tmp_path / f"at-{w}", replace(request, loras=[(style, w)]))[0] for w in (0.5, 1.0)]
    [lora] = halves[0].manifest.model.loras
    content = (tmp_path / "style" / "pytorch_lora_weights.safetensors").read_bytes()
    assert (lora.name, lora.weight, lora.sha256) == ("style", 0.5, hashlib.sha256(content).hexdigest())
    pair = (plain.manifest.blocks, halves[0].manifest.blocks)
    known = [[block.model_copy(update={"weight_norm": None}) for block in blocks] for blocks in pair]
    assert known[0] == known[1]
    # By which statistics of the one are not taken for those of the other.
    assert plain.manifest.blocks[0].weight_norm != halves[0].manifest.blocks[0].weight_norm
    first = [session.features(0) for session in (plain, *halves)]
    assert all(np.abs(one - other).max() > 1e-3 for one, other in itertools.combinations(first, 2))
    nothing = lora_of("sd3", tmp_path / "nothing", init_lora_weights=True)
    assert "LoRA nothing changes nothing" in refused(
        tmp_path / "zero", replace(request, loras=[(nothing, 1.0)])
    )
    other = lora_of("flux", tmp_path / "other")
    assert "LoRA other does not fit StableDiffusion3Pipeline" in refused(
        tmp_path / "of-flux", replace(request, loras=[(other, 1.0)])
    )
    changed = plan(replace(request, loras=[(style, 1.0)]))
    create_session(tmp_path / "changed", changed)
    Path(changed.model.loras[0].path).write_bytes(
        Path(other, "pytorch_lora_weights.safetensors").read_bytes()
    )
    with pytest.raises(RecordingError, match="is not the file it was"):
        Recorder(tmp_path / "changed").run()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PlanningError, match="a LoRA needs peft: run `pip install peft`"):
        plan(replace(request, loras=[(other, 1.0)]))


def test_sound_is_recorded_without_pictures(tmp_path: Path) -> None:
    """What projects its text projects the duration, too: it must outlive the text encoder."""
    request = Request(
        model=str(folder_of("stable_audio", tmp_path / "model")),
        prompts=prompts_in(tmp_path),
        seeds=1,
        steps=2,
        guidance=[7.0],
        call=RECIPES["stable_audio"].call,
    )
    session, said = recorded(tmp_path / "run", request)
    assert said == ["StableAudioPipeline makes no pictures: the session has features alone"]
    assert session.state.words == "finished"
    assert not any((session.path / "images").iterdir())
    assert np.isfinite(session.features(2)).all()


def test_an_offloaded_pipeline_gives_the_same_features(tmp_path: Path) -> None:
    """On a CPU, where nothing is gained: the hooks of both must not be in each other's way."""
    request = Request(
        model=str(folder_of("wan22", tmp_path / "model")),
        prompts=prompts_in(tmp_path),
        seeds=1,
        steps=2,
        guidance=[4.0],
        device="cpu",
        call=RECIPES["wan22"].call,
    )
    whole, _ = recorded(tmp_path / "whole", request)
    for offload in ("model", "group"):
        session, _ = recorded(tmp_path / f"by-{offload}", replace(request, offload=offload))
        assert session.manifest.model.offload == offload
        for branch in ("cond", "uncond"):
            last = len(whole.manifest.blocks) - 1
            assert np.array_equal(session.features(last, branch), whole.features(last, branch))


def test_what_cannot_be_recorded_fails_in_one_line_and_stays_readable(tmp_path: Path) -> None:
    """As a size that the pipeline refuses."""
    model = str(folder_of("sd3", tmp_path / "model"))
    request = Request(model=model, prompts=prompts_in(tmp_path), seeds=1, steps=2, guidance=[4.0])
    folder = tmp_path / "sessions" / "odd"
    create_session(folder, plan(replace(request, call={"height": 17})))
    with pytest.raises(RecordingError, match=r"height.*divisible") as raised:
        Recorder(folder).run()
    assert "\n" not in str(raised.value)
    assert open_session(folder).state.phase is Phase.FAILED
