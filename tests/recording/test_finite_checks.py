"""Features, latents and pictures that are infinite or not a number: seen, said, and kept only if wanted."""

import functools
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from subspacelens_tui import demo
from subspacelens_tui.cli import main
from subspacelens_tui.recording import __main__ as detached
from subspacelens_tui.recording import spawn
from subspacelens_tui.recording.capture import Capture
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.finite_checks import NotFinite, OutputWatch, not_finite
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Phase, Session, open_session
from tests.recording.conftest import PATIENCE, Loaded, Planned, prompt_file
from tests.recording.test_capture import TWO

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"
Weights = dict[str, torch.Tensor]

pytestmark = pytest.mark.usefixtures("own_signals")


def spoil(name: str, value: float) -> Callable[[Weights], None]:
    """Put a value into the first number of a weight."""

    def change(weights: Weights) -> None:
        weights[name].view(-1)[0] = value

    return change


def swell(weights: Weights) -> None:
    """What late blocks add to the residual stream, beyond the range of float16."""
    for block in (9, 10, 11):
        for part in ("weight", "bias"):
            weights[f"transformer_blocks.{block}.ff.net.2.{part}"] *= 3e4


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[str, Callable[[Weights], None]], str]:
    """A copy of the demo model with other weights."""

    def make(file: str, change: Callable[[Weights], None]) -> str:
        folder = tmp_path / "model"
        shutil.copytree(demo.MODEL_PATH, folder)
        weights = load_file(folder / file)
        change(weights)
        save_file(weights, folder / file, metadata={"format": "pt"})
        return str(folder)

    return make


Altered = Callable[[str, Callable[[Weights], None]], str]

LAST_OF_VAE = "decoder.layers.8.conv.4.weight"
CASES = {
    "a weight of a block": (
        TRANSFORMER,
        spoil("transformer_blocks.5.ff.net.2.weight", math.nan),
        "float32",
        "not finite: block transformer_blocks.5 at step 0, in 2 of 2 images of a batch; the transformer has "
        "weights that are not finite in float32 (transformer_blocks.5.ff.net.2.weight is one): its files are "
        "damaged",
    ),
    "what the first block receives": (
        TRANSFORMER,
        spoil("pos_embed.proj.weight", math.inf),
        "float32",
        "not finite: the input of the first block at step 0, in a trial run; the transformer has weights "
        "that",
    ),
    "after the last block": (
        TRANSFORMER,
        spoil("proj_out.weight", math.nan),
        "bfloat16",
        "not finite: the latents after step 0, although the outputs of all blocks are finite there, in 2 of",
    ),
    "an overflow of float16": (
        TRANSFORMER,
        swell,
        "float16",
        "not finite: block transformer_blocks.9 at step 0, in 2 of 2 images of a batch; float16 overflows "
        "above 65504: record with `--dtype bfloat16` or `--dtype float32`",
    ),
    "the VAE": (
        VAE,
        spoil(LAST_OF_VAE, math.nan),
        "float32",
        "not finite: the pictures that the VAE makes of finite latents, in 2 of 2 images of a batch; the VAE "
        f"has weights that are not finite in float32 ({LAST_OF_VAE} is one)",
    ),
    "the text encoder": (
        TEXT,
        spoil("encoder.block.0.layer.0.SelfAttention.q.weight", math.nan),
        "float32",
        "not finite: the embedding of prompt 1 ('a lion') and 2 more; the text encoder has weights",
    ),
    "a word": (
        TEXT,
        lambda weights: weights["shared.weight"][16].fill_(math.nan),
        "float32",
        "not finite: the embedding of prompt 2 ('a penguin'); the text encoder has weights",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_recorder_stops_and_says_where_why_and_what_to_do(
    case: str, altered: Altered, planned: Planned, tmp_path: Path
) -> None:
    file, change, dtype, says = CASES[case]
    prompts = prompt_file(tmp_path, "lion", "penguin")
    folder = planned(model=altered(file, change), prompts=prompts, dtype=dtype)
    with pytest.raises(RecordingError) as raised:
        Recorder(folder).run()
    reason = str(raised.value)
    assert reason.startswith(says)
    assert reason.endswith("To go on without such images: `record --resume run --allow-nonfinite`")
    session = open_session(folder)
    assert (session.state.phase, session.state.detail) == (Phase.FAILED, reason)
    assert session.files == []
    assert list((folder / "images").iterdir()) == []


def test_where_it_is_allowed_they_are_kept_and_marked(
    altered: Altered, planned: Planned, tmp_path: Path
) -> None:
    """One prompt of three, in a session that was stopped by it and goes on."""
    model = altered(TEXT, lambda weights: weights["shared.weight"][16].fill_(math.nan))
    prompts = prompt_file(tmp_path, "lion", "penguin", "panda")
    folder = planned(model=model, prompts=prompts, seeds=2, batch_size=2)
    with pytest.raises(RecordingError):
        Recorder(folder).run()
    notes: list[str] = []
    assert Recorder(folder, on_note=notes.append, allow_nonfinite=True).run() == 0
    assert notes == [
        "not finite: the embedding of prompt 2 ('a penguin')",
        "not finite: block transformer_blocks.0 at step 0, cond only",
    ]
    session = open_session(folder)
    assert [event["reason"] for event in session.log if event["event"] == "note"] == notes
    assert session.not_finite == {1, 4}
    state = session.state
    assert (state.phase, state.recorded, state.left_out) == (Phase.FINISHED, 6, 2)
    assert state.words == "finished, 2 of 6 images left out"
    pictures = sorted(int(path.stem) for path in (folder / "images").iterdir())
    assert pictures == [0, 2, 3, 5]  # no black ones, which would look like what the model drew


def test_what_a_finished_session_lacks_can_be_recorded(planned: Planned, tmp_path: Path) -> None:
    folder = planned(prompts=prompt_file(tmp_path, "lion", "penguin", "panda"), batch_size=1)
    assert Recorder(folder).run() == 0
    (folder / "features" / "000001-001.safetensors").write_bytes(b"damaged")
    assert open_session(folder).state.words == "finished, 1 of 3 images left out"
    assert main(["record", "--resume", "run", "--headless", "--sessions", str(folder.parent)]) == 0
    assert open_session(folder).state.words == "finished"


def test_pictures_alone_are_missing_pictures(altered: Altered, planned: Planned, tmp_path: Path) -> None:
    model = altered(VAE, spoil(LAST_OF_VAE, math.nan))
    folder = planned(model=model, prompts=prompt_file(tmp_path, "lion", "penguin"))
    assert Recorder(folder, allow_nonfinite=True).run() == 0
    state = open_session(folder).state
    assert state.words == "finished, 2 of 2 pictures missing"
    assert np.isfinite(open_session(folder).features(11)).all()


def test_the_exit_status_says_it(altered: Altered, tmp_path: Path) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "subspacelens_tui", *arguments, "--sessions", str(tmp_path / "s")]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)

    model = altered(TRANSFORMER, swell)
    plan = ["--model", model, "--dtype", "float16", "--seeds", "1", "--steps", "2", "--capture", "1"]
    plan += ["--prompts", prompt_file(tmp_path, "lion", "penguin")]
    stopped = run("record", *plan, "--name", "run", "--headless")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    # Step 0 is not captured; its latents are seen all the same.
    last = stopped.stderr.splitlines()[-1]
    assert last.startswith("subspacelens-tui: not finite: the latents after step 0, which is not captured")
    assert "Warning" not in stopped.stderr
    kept = run("record", "--resume", "run", "--allow-nonfinite", "--headless")
    assert (kept.returncode, kept.stdout) == (0, f"{tmp_path / 's' / 'run'}\n")
    words = "finished, 2 of 2 images left out"
    says = f"subspacelens-tui: run: {words}: 2 images have features that are not finite"
    assert kept.stderr.splitlines()[-1] == says
    (listed,) = json.loads(run("list", "--json").stdout)
    assert (listed["state"], listed["left_out"]) == (words, 2)
    for command in (["analyze", "run"], ["show", "run"], ["export", "run", "--to", str(tmp_path / "out")]):
        done = run(*command)
        assert done.returncode == 1, command
        (line,) = done.stderr.splitlines()
        assert "all 2 images have features that are not finite (step 1, cond, first in layer 0" in line
        assert line.endswith("float16 overflow?)")
    again = run("record", "--resume", "run", "--headless")
    assert again.returncode == 1
    assert f"run is {words}: `subspacelens-tui replay run` opens it" in again.stderr


@pytest.mark.parametrize("allowed", [True, False])
def test_what_the_user_allows_reaches_a_detached_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(spawn.subprocess, "Popen", lambda command, **_: started.append(command))
    heard: list[bool] = []

    def recorder(folder: Path, allow_nonfinite: bool, **others: object) -> SimpleNamespace:
        heard.append(allow_nonfinite)
        return SimpleNamespace(run=lambda: 0)

    monkeypatch.setattr(detached, "Recorder", recorder)
    spawn.start_recorder(tmp_path, allow_nonfinite=allowed)
    assert detached.main(started[0][3:]) == 0
    assert heard == [allowed]


# Where in a run, on the pipeline itself.

STEPS = 4


def run_with(
    loaded: Loaded, capture_steps: tuple[int, ...], *spoilt: tuple[int, int, int], guidance: float = 3.0
) -> NotFinite | None:
    """Generate two images; each of `spoilt` is the step, block and row of a forward pass that becomes NaN."""
    pipeline, layout = loaded.pipeline, loaded.layout
    step = 0

    def count(next_step: int) -> None:
        nonlocal step
        watch.step = step = next_step

    def ruin(index: int, module: Any, args: Any, output: torch.Tensor) -> torch.Tensor:
        for at_step, at_block, row in spoilt:
            if (at_step, at_block) == (step, index):
                output[row] = math.nan
        return output

    handles = [
        block.register_forward_hook(functools.partial(ruin, index))
        for index, block in enumerate(loaded.blocks)
    ]
    watch = OutputWatch(pipeline)
    try:
        with Capture(pipeline, layout, capture_steps, count) as capture, watch:
            capture.start_batch(2, guidance, torch.device("cpu"))
            watch.start()
            with np.errstate(invalid="ignore"):
                loaded.generate(TWO, [0, 1], guidance, STEPS)
            captured = capture.finish_batch()
            return not_finite(captured, watch, capture_steps, [block.name for block in layout.blocks])
    finally:
        for handle in handles:
            handle.remove()


def test_a_batch_that_is_finite(loaded: Loaded) -> None:
    pipeline = loaded.pipeline
    assert run_with(loaded, (0, 3)) is None
    for owner, name in ((pipeline.scheduler, "step"), (pipeline.vae, "decode")):
        assert name not in vars(owner)


# Rows of a pass: uncond of both images, then cond of both.
@pytest.mark.parametrize(
    ("spoilt", "where", "images"),
    [
        ([(0, 4, 3)], "block transformer_blocks.4 at step 0, cond only", [False, True]),
        ([(0, 4, 0)], "block transformer_blocks.4 at step 0, uncond only", [True, False]),
        ([(0, 7, 0), (0, 7, 3)], "block transformer_blocks.7 at step 0", [True, True]),
        ([(3, 2, 1), (3, 1, 3)], "block transformer_blocks.1 at step 3, cond only", [False, True]),
        ([(1, 11, 2)], "the latents after step 1, which is not captured", [True, False]),
    ],
)
def test_the_first_place_is_named(
    loaded: Loaded, spoilt: list[tuple[int, int, int]], where: str, images: list[bool]
) -> None:
    found = run_with(loaded, (0, 3), *spoilt)
    assert found is not None
    assert found.where == where
    assert found.features.tolist() == images
    assert found.pictures.tolist() == images
    assert f"in {sum(images)} of 2 images of a batch" in found.words


def test_without_guidance_there_is_one_branch(loaded: Loaded) -> None:
    found = run_with(loaded, (0, 3), (0, 4, 1), guidance=1.0)
    assert found is not None
    assert found.where == "block transformer_blocks.4 at step 0"


def test_after_the_last_captured_step_features_are_as_they_should_be(loaded: Loaded) -> None:
    found = run_with(loaded, (0,), (2, 4, 2))
    assert found is not None
    assert found.where == "the latents after step 2, which is not captured"
    assert found.features.tolist() == [False, False]
    assert found.pictures.tolist() == [True, False]


def test_tokens_are_not_finite_where_their_mean_is_not(
    altered: Altered, planned: Planned, tmp_path: Path
) -> None:
    model = altered(TEXT, lambda weights: weights["shared.weight"][16].fill_(math.nan))
    prompts = prompt_file(tmp_path, "lion", "penguin", "panda")
    folder = planned(model=model, prompts=prompts, tokens=3)
    assert Recorder(folder, allow_nonfinite=True).run() == 0
    session: Session = open_session(folder)
    (file,) = session.files
    tokens = file.read_tokens(0, 2, 11)
    assert np.isfinite(tokens).all(axis=(1, 2)).tolist() == [True, False, True]
