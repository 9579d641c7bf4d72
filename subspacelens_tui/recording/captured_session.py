"""What a recording writes into its session: what was found of the pipeline, and what a batch captured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.fingerprint import weight_norms
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.recording.capture import Captured
from subspacelens_tui.sessions.features import LATENTS, STEERING
from subspacelens_tui.sessions.format import Block, Manifest, ModelInfo, UnreadText
from subspacelens_tui.sessions.writer import with_model, write_features


def with_layout(
    manifest: Manifest,
    call: PipelineCall,
    layout: Layout,
    model: ModelInfo,
    versions: Mapping[str, str],
    unread_text: Sequence[UnreadText] = (),
) -> Manifest:
    """The manifest once it is known how the pipeline is recorded."""
    found = {
        "guidance_branches": [list(layout.passes[scale].branches) for scale in manifest.guidance],
        "guidance_argument": call.guidance_argument,
        "denoisers": list(layout.denoisers),
        "model_blocks": len(layout.blocks),
        "frames": call.frames,
    }
    denoiser = getattr(call.pipeline, layout.denoisers[0])
    found_norms = weight_norms([denoiser.get_submodule(block.name) for block in layout.recorded])
    norms: Sequence[float | None] = found_norms or [None] * len(layout.recorded)
    blocks = [
        Block(name=block.name, width=block.width, tokens=block.tokens, level=block.level, weight_norm=norm)
        for block, norm in zip(layout.recorded, norms, strict=True)
    ]
    known = manifest.model_copy(update=found)
    return with_model(known, model, blocks, blocks[0].width, versions, unread_text)


def write_captured(
    folder: Path,
    images: Sequence[int],
    captured: Captured,
    layout: Layout,
    latents: torch.Tensor | None = None,
    steered: npt.NDArray[np.float32] | None = None,
) -> None:
    """Write the features of a batch.

    Which denoiser ran at each step is kept where there are several.

    Args:
        folder: the session.
        images: their indices.
        captured: their features.
        layout: of the pipeline.
        latents: after the last step, where they are to be kept.
        steered: what was done to the tokens (n, layers, steps, 3).
    """
    several = captured.denoisers if len(layout.denoisers) > 1 else None
    more = {}
    if latents is not None and len(latents) == len(images):
        more[LATENTS] = latents.detach().float().cpu().numpy()
    if steered is not None:
        more[STEERING] = steered
    write_features(
        folder, images, captured.layer_input, captured.blocks, captured.tokens, denoisers=several, more=more
    )
