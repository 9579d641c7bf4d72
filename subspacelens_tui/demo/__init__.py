"""The bundled demo models, small ones that were trained for this project."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MODEL_PATH: Path = Path(__file__).parent / "pixart"
"""The diffusers folder that ``PixArtAlphaPipeline.from_pretrained`` loads."""
MMDIT_PATH: Path = Path(__file__).parent / "mmdit"
"""The diffusers folder that ``StableDiffusion3Pipeline.from_pretrained`` loads."""


@dataclass(frozen=True)
class Bundled:
    """A bundled model, and what a recording of it does if nothing else is said.

    Attributes:
        path: its diffusers folder.
        guidance: classifier-free guidance scale.
        call: arguments of its pipeline's call.
    """

    path: Path
    guidance: float
    call: Mapping[str, int] = field(default_factory=dict)


BUNDLED: dict[str, Bundled] = {
    "demo": Bundled(MODEL_PATH, guidance=3.0),
    # Without a T5, the pipeline takes 256 tokens of zeros by default: four times as many as of the image.
    "demo-mmdit": Bundled(MMDIT_PATH, guidance=3.0, call={"max_sequence_length": 16}),
}
"""The names by which ``--model`` knows them."""
