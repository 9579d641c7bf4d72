"""The second bundled model, recorded by its name."""

from pathlib import Path

import numpy as np
import torch

from subspacelens_tui.demo import BUNDLED, MMDIT_PATH
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.planning import Request, plan
from tests.recording.conftest import prompt_file


def test_its_recording_has_the_defaults_of_its_own(tmp_path: Path) -> None:
    manifest = plan(Request(model="demo-mmdit", seeds=1))
    assert manifest.prompt_set == "demo"
    assert manifest.guidance == [BUNDLED["demo-mmdit"].guidance]
    assert manifest.call == {"max_sequence_length": 16}
    own = prompt_file(tmp_path, "lion")
    assert plan(Request(model="demo-mmdit", prompts=own, call={"max_sequence_length": 3})).call == {
        "max_sequence_length": 3
    }
    # A copy of it knows no more words.
    assert plan(Request(model=str(MMDIT_PATH), seeds=1)).prompt_set == "demo"


def test_it_draws_what_is_asked_for() -> None:
    """The same noise with two prompts."""
    pipeline = load_pipeline(ModelSource("demo-mmdit"), torch.float32)

    def drawn(prompt: str, zeros: int = 16) -> np.ndarray:
        generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
        images = pipeline(
            [prompt] * 2, num_inference_steps=6, guidance_scale=3.0, generator=generators, output_type="np",
            max_sequence_length=zeros,
        ).images  # fmt: skip
        return 255 * images

    pig, wave = drawn("a pig on a white background"), drawn("a wave on a white background")
    # Pigs are pink and waves are blue.
    pink, blue = (middle[..., 0] - middle[..., 2] for middle in (pig[:, 24:40, 24:40], wave[:, 24:40, 24:40]))
    assert pink.mean() > 20
    assert blue.mean() < -20
    # Of the zeros that the pipeline puts in place of a T5, any number will do.
    assert np.abs(pig - drawn("a pig on a white background", zeros=64)).mean() < 12
