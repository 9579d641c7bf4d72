"""Too little memory: batches are cut, nothing is lost, the text encoder works elsewhere and is let go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import PixArtTransformer2DModel
from transformers import T5EncoderModel

from subspacelens_tui import demo
from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording.conditioning import encode_prompts
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Phase, Session, open_session
from subspacelens_tui.sessions.control import ask
from tests.recording.conftest import Loaded, Planned, found, prompt_file

NO_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1.00 GiB"


pytestmark = pytest.mark.usefixtures("own_signals")


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    """Five prompts: a batch of the demo."""
    return prompt_file(tmp_path, "lion", "penguin", "panda", "frog", "house")


@pytest.fixture
def estimate_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Let the transformer have memory for so many images at a time; returns the sizes that were tried."""
    forward = PixArtTransformer2DModel.forward

    def limit(images: int) -> list[int]:
        tried: list[int] = []

        def limited(self: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            size = hidden_states.shape[0] // 2
            if not tried or tried[-1] != size:
                tried.append(size)
            if size > images:
                raise torch.OutOfMemoryError(NO_MEMORY)
            return forward(self, hidden_states, *args, **kwargs)

        monkeypatch.setattr(PixArtTransformer2DModel, "forward", limited)
        return tried

    return limit


def files(session: Session) -> list[str]:
    return sorted(path.name for path in (session.path / "features").iterdir())


def test_batches_that_do_not_fit_are_halved_and_no_image_is_lost(
    planned: Planned, prompts: str, estimate_memory: Callable[[int], list[int]]
) -> None:
    plan = {"prompts": prompts, "seeds": 2, "batch_size": 5}
    undisturbed, cramped = planned("undisturbed", **plan), planned("cramped", **plan)
    assert Recorder(undisturbed).run() == 0
    tried = estimate_memory(2)
    # Stopped in the middle of a batch that is cut, and gone on with.
    assert Recorder(cramped, on_progress=lambda session: ask(cramped, "stop")).run() == 0
    assert open_session(cramped).state.recorded == 2
    assert Recorder(cramped).run() == 0
    tried = [size for size, before in zip(tried, [0, *tried], strict=False) if size != before]
    # Trial runs of one image and two, then the batch; 2 twice in a row is one.
    assert tried == [1, 0, 2, 5, 2, 1, 0, 2, 1, 2, 1]
    whole, found = open_session(undisturbed), open_session(cramped)
    assert found.state.phase is Phase.FINISHED
    assert found.images() == list(range(10))
    assert found.problems == []
    # The same pieces, wherever it was stopped.
    assert files(found) == [f"{first:06d}-{n:03d}.safetensors" for first, n in PIECES]
    for layer in range(12):
        expected = whole.features(layer, "uncond")
        assert np.abs(found.features(layer, "uncond") - expected).max() <= 1e-5 * np.abs(expected).max()
    told = [(event["reason"], event["at_once"]) for event in found.log if event["event"] == "memory"]
    assert told == [("too little for 5", 2)]


PIECES = [(0, 2), (2, 2), (4, 1), (5, 2), (7, 2), (9, 1)]


def test_where_not_even_one_image_fits_it_is_said(
    planned: Planned, prompts: str, estimate_memory: Callable[[int], list[int]]
) -> None:
    folder = planned(prompts=prompts, batch_size=5)
    assert estimate_memory(0) == []
    with pytest.raises(RecordingError, match="no memory for one image at a time: free some") as raised:
        Recorder(folder).run()
    assert "then `subspacelens-tui record --resume run`" in str(raised.value)
    state = open_session(folder).state
    assert (state.phase, state.detail) == (Phase.FAILED, str(raised.value))


def test_an_error_that_is_not_about_memory_is_not_tried_again(
    planned: Planned, prompts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def broken(self: Any, *args: Any, **kwargs: Any) -> None:
        calls.append(self)
        raise RuntimeError("the shapes do not match")

    monkeypatch.setattr(PixArtTransformer2DModel, "forward", broken)
    with pytest.raises(RecordingError, match="the shapes do not match"):
        Recorder(planned(prompts=prompts, batch_size=5)).run()
    assert len(calls) == 1


@pytest.mark.parametrize("fits", [True, False])
def test_prompts_are_encoded_once_and_the_encoder_is_let_go(
    monkeypatch: pytest.MonkeyPatch, fits: bool
) -> None:
    pipeline = load_pipeline(ModelSource(str(demo.MODEL_PATH)), torch.float32)
    texts, seeds = ["a lion", "a car"], [0, 1]
    loaded = Loaded(PipelineCall(pipeline), found(pipeline).layout)
    expected = [np.asarray(picture) for picture in loaded.generate(texts, seeds, 3.0)]
    moved: list[str] = []
    to = T5EncoderModel.to

    def moving(self: Any, device: torch.device) -> Any:
        moved.append(device.type)
        if device.type == "cuda" and not fits:
            raise torch.OutOfMemoryError(NO_MEMORY)
        return to(self, torch.device("cpu"))  # there is no GPU to test with

    monkeypatch.setattr(T5EncoderModel, "to", moving)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    encode_prompts(loaded.call, texts, [3.0], [[0, 1]], torch.device("cuda"))
    assert list(dict.fromkeys(moved)) == (["cuda"] if fits else ["cuda", "cpu"])
    assert pipeline.text_encoder is None
    for picture, before in zip(loaded.generate(texts, seeds, 3.0), expected, strict=True):
        np.testing.assert_array_equal(np.asarray(picture), before)
