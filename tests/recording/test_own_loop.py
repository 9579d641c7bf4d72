"""A pipeline that the user has configured, recorded in the user's own loop."""

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subspacelens_tui
from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.cli import main
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.own_loop import Batch, OwnLoop
from subspacelens_tui.sessions import Phase, SessionError, open_session
from subspacelens_tui.sessions.control import ask

PROMPTS = {"lion": {"kind": "animal"}, "car": {"kind": "vehicle"}, "panda": {"kind": "animal"}}
SAME = {"use_resolution_binning": False, "clean_caption": False}
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def pipe() -> Any:
    import torch

    pipeline = load_pipeline(ModelSource(model="demo"), torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    return {"seeds": 2, "steps": 2, "guidance": 3.0, "batch_size": 4, "call": SAME, "sessions": tmp_path}


def generated(pipe: Any, batch: Batch, **changes: Any) -> Any:
    asked = {
        "prompt": batch.prompts,
        "generator": batch.generators,
        "num_inference_steps": batch.steps,
        "guidance_scale": batch.guidance,
    }
    return pipe(**{**asked, **SAME, **changes})


def test_a_loop_of_ones_own_records_what_record_does(pipe: Any, options: dict[str, Any]) -> None:
    scheduler = type(pipe.scheduler)
    with subspacelens_tui.capture(pipe, PROMPTS, name="mine", tokens=4, **options) as recording:
        for batch in recording.batches():
            batch.keep(generated(pipe, batch))
    mine = open_session(recording.path)
    assert (mine.state.words, mine.problems) == ("finished", [])
    assert mine.manifest.branches == ("cond", "uncond")
    assert len(mine.manifest.timesteps) == 2
    assert mine.labels("kind") == ["animal", "vehicle", "animal"] * 2
    same = subspacelens_tui.record(pipe, PROMPTS, name="same", tokens=4, **options)
    for branch in mine.manifest.branches:
        np.testing.assert_array_equal(mine.features(11, branch), same.features(11, branch))
        np.testing.assert_array_equal(mine.tokens(5, branch), same.tokens(5, branch))
    assert len(list((mine.path / "images").iterdir())) == 6
    # The pipeline is as it was: no hook, no watch on its scheduler.
    assert type(pipe.scheduler) is scheduler
    assert not pipe.transformer.transformer_blocks[0]._forward_hooks
    assert pipe.text_encoder is not None


def test_some_blocks_are_recorded_and_keep_their_numbers(pipe: Any, options: dict[str, Any]) -> None:
    whole = subspacelens_tui.record(pipe, PROMPTS, name="whole", **options)
    part = subspacelens_tui.record(pipe, PROMPTS, name="part", layers=[8, 2, 1], **options)
    assert part.manifest.layers == [1, 2, 8]
    assert (part.manifest.model_blocks, part.manifest.input_width) == (12, whole.manifest.input_width)
    for layer, number in enumerate(part.manifest.layers):
        assert part.manifest.blocks[layer] == whole.manifest.blocks[number]
        np.testing.assert_array_equal(part.features(layer, "uncond"), whole.features(number, "uncond"))
    found = Analyzer(part).result(Settings(labels="kind"))
    assert found.numbers == (1, 2, 8)
    assert "3 of 12 blocks were recorded (1-2, 8): curves over the layers pass over the others" in found.notes
    # Of a block whose input was not recorded nothing is said of what it does to it.
    sizes = [layer.update_size for layer in found.layers]
    known = [layer.update_size for layer in Analyzer(whole).result(Settings(labels="kind")).layers]
    assert sizes == [pytest.approx(known[1]), pytest.approx(known[2]), None]
    assert found.layers[2].missing["update_size"].startswith("what block 8 receives was not recorded")
    where = ["--sessions", str(options["sessions"])]
    assert main(["show", "part", "--layer", "3", *where]) == 2


def test_prompts_without_labels_are_classes_of_their_own(pipe: Any, options: dict[str, Any]) -> None:
    session = subspacelens_tui.record(
        pipe, ["lion", "car"], **{**options, "seeds": [7, 9], "guidance": (1, 3.0)}
    )
    assert session.labels("prompt", 3.0) == ["lion", "car"] * 2
    assert [image.seed for image in session.manifest.images[:4]] == [7, 7, 7, 7]
    assert session.manifest.guidance == [1.0, 3.0]


def test_prompts_that_are_cut_or_one_to_the_model_are_named(pipe: Any, options: dict[str, Any]) -> None:
    long = "lion panda " * 60 + "car"
    with pytest.warns(UserWarning, match="is cut"):
        session = subspacelens_tui.record(pipe, ["car", long], **{**options, "seeds": 1})
    [cut] = session.manifest.unread_text
    assert (cut.prompt, cut.kept_text) == (1, long[: len(cut.kept_text or "")])
    assert any(event["event"] == "note" and "is cut" in event["reason"] for event in session.log)
    with pytest.raises(RecordingError, match="are the same to this model"):
        subspacelens_tui.record(pipe, ["car", long, f"{long} lion"], **options)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda pipe, batch: generated(pipe, batch), "was not kept"),
        (lambda pipe, batch: batch.keep(generated(pipe, batch, num_inference_steps=3)), "3 timesteps"),
        (
            lambda pipe, batch: batch.keep(generated(pipe, batch, guidance_scale=1.0)),
            "guidance_scale is 1 in the call, and 3 in the batch",
        ),
        (lambda pipe, batch: batch.keep(generated(pipe, batch)[0][:2]), "2 pictures for 3 prompts"),
        (
            lambda pipe, batch: [batch.keep(generated(pipe, batch)) for _ in range(2)],
            "called twice in one batch",
        ),
        (
            lambda pipe, batch: [batch.keep(made) for made in [generated(pipe, batch)] * 2],
            "keep a batch once",
        ),
        (
            lambda pipe, batch: generated(pipe, batch, prompt=batch.prompts[::-1]),
            "prompt 1 is 'panda', and 'lion'",
        ),
        (lambda pipe, batch: generated(pipe, batch, prompt=batch.prompts[:1]), "1 prompts, and the batch 3"),
        (lambda pipe, batch: generated(pipe, batch, generator=None), "the call has no generator"),
        (
            lambda pipe, batch: generated(
                pipe, batch, generator=[g.manual_seed(9) for g in batch.generators]
            ),
            "have the seeds 9, 9, 9, and the batch 0, 0, 0",
        ),
        (
            lambda pipe, batch: generated(pipe, batch, negative_prompt="car"),
            "negative_prompt is 'car' in the call",
        ),
        (lambda pipe, batch: generated(pipe, batch, clean_caption=True), "clean_caption is True in the call"),
        (lambda pipe, batch: generated(pipe, batch, num_images_per_prompt=2), "num_images_per_prompt is 2"),
        (lambda pipe, batch: batch.keep(None), "there is nothing to keep"),
        (lambda pipe, batch: batch.keep([]), "0 pictures"),
        (lambda pipe, batch: batch.keep([*generated(pipe, batch)[0][:2], "a lion"]), "str is no picture"),
        (lambda pipe, batch: batch.keep([*generated(pipe, batch)[0][:2], []]), "list is no picture"),
    ],
)
def test_what_is_not_the_batch_is_refused_and_said(
    pipe: Any, options: dict[str, Any], wrong: Callable[[Any, Batch], Any], says: str
) -> None:
    options |= {"batch_size": 3}

    def loop() -> None:
        with subspacelens_tui.capture(pipe, PROMPTS, name="wrong", **options) as recording:
            for batch in recording.batches():
                wrong(pipe, batch)

    with pytest.raises(RecordingError, match=says):
        loop()
    state = open_session(options["sessions"] / "wrong").state
    assert state.phase is Phase.FAILED
    assert says in state.detail


def hooks_of(pipe: Any) -> int:
    blocks = pipe.transformer.transformer_blocks
    return sum(len(block._forward_hooks) + len(block._forward_pre_hooks) for block in blocks)


def test_nothing_is_recorded_once_the_block_is_left(pipe: Any, options: dict[str, Any]) -> None:
    """Its hooks and its log are gone, even if somebody still holds a batch."""
    kind, scheduler = type(pipe), type(pipe.scheduler)
    with subspacelens_tui.capture(pipe, PROMPTS, name="left", **options) as recording:
        held = recording.batches()
        batch = next(held)
        batch.keep(generated(pipe, batch))
        assert hooks_of(pipe) > 0
    assert hooks_of(pipe) == 0
    assert (type(pipe), type(pipe.scheduler)) == (kind, scheduler)
    log = (recording.path / "events.jsonl").read_bytes()
    # It gets the number that the log's file had.
    with (options["sessions"] / "results.csv").open("w+") as own:
        own.write("own,results\n")
        with pytest.raises(RecordingError, match="this recording is over"):
            recording.batches()
        with pytest.raises(RecordingError, match="this batch is over"):
            batch.keep(generated(pipe, batch, guidance_scale=1.0))
        with pytest.raises(OSError, match="Bad file descriptor"):
            recording._events.write("finished")
        own.seek(0)
        assert own.read() == "own,results\n"
    assert next(held, None) is None
    assert (recording.path / "events.jsonl").read_bytes() == log


def test_a_scheduler_is_changed_before_or_not_at_all(pipe: Any, options: dict[str, Any]) -> None:
    import diffusers

    def change() -> None:
        with subspacelens_tui.capture(pipe, PROMPTS, **options) as recording:
            pipe.scheduler = diffusers.EulerDiscreteScheduler.from_config(before.config)
            next(recording.batches())

    before = pipe.scheduler
    try:
        with pytest.raises(RecordingError, match="scheduler is a EulerDiscreteScheduler, and was a"):
            change()
    finally:
        pipe.scheduler = before


def test_gradients_may_be_on(pipe: Any, options: dict[str, Any]) -> None:
    """As in guidance by gradients: what is recorded is the same."""
    with subspacelens_tui.capture(pipe, ["lion", "car"], **options) as recording:
        for batch in recording.batches():
            kind = type(pipe).__call__
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(type(pipe), "__call__", kind.__wrapped__.__wrapped__)
                batch.keep(generated(pipe, batch, output_type="latent"))
    without = subspacelens_tui.record(pipe, ["lion", "car"], **options)
    # Other kernels run where gradients are kept.
    np.testing.assert_allclose(open_session(recording.path).features(5), without.features(5), atol=1e-5)


def test_an_empty_prompt_is_a_control(pipe: Any, options: dict[str, Any]) -> None:
    for prompts in (["lion", "car", ""], ["", "lion", "car"]):
        with pytest.warns(UserWarning, match="is empty: with it the conditional branch is the uncond"):
            session = subspacelens_tui.record(pipe, {text: text or "nothing" for text in prompts}, **options)
        assert sorted(set(session.labels("labels"))) == ["car", "lion", "nothing"]


def test_labels_that_look_alike_are_said(pipe: Any, options: dict[str, Any]) -> None:
    given = {"lion": "animals", "panda": "animals ", "car": "Animals"}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        subspacelens_tui.record(pipe, given, **options)
    lines = " ".join(str(one.message) for one in said)
    assert "look alike: they are taken as one class, 'animals'" in lines
    assert "differ in case only: they stay separate classes" in lines


def test_a_loop_that_ends_early_is_not_finished_and_no_recorder_finishes_it(
    pipe: Any, options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with subspacelens_tui.capture(pipe, PROMPTS, **options) as recording:
        for batch in recording.batches():
            batch.keep(generated(pipe, batch))
            break
    state = open_session(recording.path).state
    assert (state.phase, state.recorded) == (Phase.STOPPED, 4)
    assert "2 images missing" in state.detail
    where = ["--sessions", str(options["sessions"])]
    assert main(["record", "--headless", "--resume", recording.path.name, *where]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f"{recording.path.name} cannot be resumed: it was recorded in a loop of its own" in line


def test_a_viewer_pauses_and_stops_the_loop(pipe: Any, options: dict[str, Any]) -> None:
    seen = []

    def go_on(recording: OwnLoop) -> None:
        session = open_session(recording.path)
        while session.state.phase is not Phase.PAUSED:
            session.refresh()
        ask(recording.path, "stop")

    def batches(recording: OwnLoop) -> Iterator[Batch]:
        for batch in recording.batches():
            seen.append(batch)
            ask(recording.path, "pause")
            threading.Thread(target=go_on, args=(recording,)).start()
            yield batch

    with subspacelens_tui.capture(pipe, PROMPTS, **options) as recording:
        for batch in batches(recording):
            batch.keep(generated(pipe, batch))
    state = open_session(recording.path).state
    assert (state.phase, state.detail, len(seen)) == (Phase.STOPPED, "asked to stop", 1)
    assert state.recorded == 4


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"prompts": {}}, RecordingError, "nothing to generate"),
        (
            {"prompts": {"lion": "x" * 300}},
            RecordingError,
            "cannot be recorded: labels.labels: String should",
        ),
        ({"seeds": 0}, RecordingError, "nothing to generate"),
        ({"seeds": [3, 3]}, RecordingError, "the seed 3 is given twice"),
        ({"prompts": ["lion", "lion"]}, RecordingError, "the prompt 'lion' is given twice"),
        ({"prompts": [("lion", "a")]}, RecordingError, "is no prompt: give texts"),
        ({"prompts": None}, RecordingError, "None is no prompt"),
        ({"seeds": 2.0}, RecordingError, "the seeds are 2.0: give how many"),
        ({"captured": []}, RecordingError, "no step is captured"),
        ({"prompts": {"lion": {"kind": 3}}}, RecordingError, "give texts by scheme"),
        ({"prompts": {"lion": None}}, RecordingError, "give texts by scheme"),
        (
            {"call": {"num_inference_steps": 7}},
            ModelError,
            "the recording sets num_inference_steps in each call of ",
        ),
        ({"layers": [0, 12]}, ModelError, "there is no block 12: the model has 0 to 11"),
        ({"captured": [7]}, RecordingError, "step 7 cannot be captured"),
        ({"call": {"foo": 1}}, ModelError, "takes no 'foo'"),
        ({"pipeline": "demo"}, RecordingError, "no diffusers pipeline"),
        ({"name": "a/b"}, SessionError, "no name for a session"),
    ],
)
def test_what_cannot_be_recorded_is_one_line_and_leaves_nothing(
    pipe: Any, options: dict[str, Any], asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        subspacelens_tui.record(**{"pipeline": pipe, "prompts": PROMPTS, **options, **asked})
    assert "\n" not in str(caught.value)
    assert not list(options["sessions"].iterdir())


def test_the_notebook_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads((EXAMPLES / "own_loop.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert len(capsys.readouterr().out.splitlines()) == 12
    assert open_session(tmp_path / "sessions/mine").state.words == "finished"
