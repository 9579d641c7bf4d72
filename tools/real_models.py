"""Write the table of real configurations in docs/models.md: `python -m tools.real_models`.

Each denoiser is made as its configuration on the hub says, on the meta device: shapes without numbers.
`--check` says whether the table is what it would write.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch

from subspacelens_tui.planning import PRESETS, Request, plan
from subspacelens_tui.planning.denoiser_blocks import block_lists
from subspacelens_tui.planning.disk_estimate import feature_bytes
from subspacelens_tui.planning.memory_estimate import image_bytes
from subspacelens_tui.planning.pipeline_shape import DenoiserShape, PictureShape
from subspacelens_tui.planning.weight_headers import Shapes, weights_in
from subspacelens_tui.sessions.byte_sizes import readable
from tools.pages import write_or_check

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
BEGIN, END = "<!-- real configurations -->", "<!-- end -->"
_HEAD = (
    "| denoiser | parameters | blocks in their lists | width | weights in bfloat16 | an image of a batch | "
    "features of the article's experiment |"
)
_SDXL_UNET = {
    "act_fn": "silu",
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "projection_class_embeddings_input_dim": 2816,
    "sample_size": 128,
    "transformer_layers_per_block": [1, 2, 10],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}


@dataclass(frozen=True)
class Real:
    """A denoiser as it is on the hub.

    Attributes:
        name: of the model.
        make: makes the denoiser.
        tokens: image tokens at 1024 × 1024 pixels, at its finest level.
        guidance: at which its branches are those of its usual guidance.
    """

    name: str
    make: Callable[[], Any]
    tokens: int
    guidance: float = 4.5

    def shapes(self) -> Shapes:
        """Of its weights."""
        with torch.device("meta"):
            return {name: tuple(weight.shape) for name, weight in self.make().state_dict().items()}


REAL = (
    Real("Flux.1-dev", lambda: diffusers.FluxTransformer2DModel(guidance_embeds=True), 64**2, guidance=1),
    Real(
        "SD3-medium",
        lambda: diffusers.SD3Transformer2DModel(
            num_layers=24,
            num_attention_heads=24,
            caption_projection_dim=1536,
            pos_embed_max_size=192,
        ),
        64**2,
    ),
    Real("SANA-1.6B", lambda: diffusers.SanaTransformer2DModel(), 32**2),
    Real("Qwen-Image", lambda: diffusers.QwenImageTransformer2DModel(), 64**2),
    Real("SDXL", lambda: diffusers.UNet2DConditionModel(**_SDXL_UNET), 64**2),
)


def table() -> str:
    """The rows of all of them."""
    return "\n".join([_HEAD, "|---|---|---|---|---|---|---|", *map(_row, REAL)])


def _row(real: Real) -> str:
    shapes = real.shapes()
    lists = block_lists(shapes)
    widths = [width for of_list in lists.values() for width in of_list]
    shape = DenoiserShape(tuple(widths), real.tokens)
    manifest = plan(Request(**PRESETS["article"], guidance=[real.guidance], batch_size=1))
    count = weights_in(shapes)
    cells = (
        real.name,
        f"{count / 1e9:.2f} · 10⁹",
        f"{len(widths)}: {'; '.join(_listed(lists))}",
        ", ".join(f"{width} × {widths.count(width)}" for width in sorted(set(widths))),
        readable(2 * count),
        readable(image_bytes(manifest, shape, PictureShape(1024, 128), "bfloat16")),
        f"{readable(feature_bytes(manifest, shape))}, {len(manifest.branches)} "
        f"branch{'es' * (len(manifest.branches) > 1)}",
    )
    return f"| {' | '.join(cells)} |"


def _listed(lists: dict[str, list[int]]) -> Iterator[str]:
    """The lists; those of a UNet by their first component, of which there are several."""
    counts: dict[str, int] = {}
    for name, widths in lists.items():
        short = name.partition(".")[0]
        counts[short] = counts.get(short, 0) + len(widths)
    yield from (f"{name} {count}" for name, count in counts.items())


def page() -> str:
    """docs/models.md with the table as it is now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page()))
