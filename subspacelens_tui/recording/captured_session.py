"""What a recording writes into its session: what was found of the pipeline, and what a batch captured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.recording.capture import Captured
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
    blocks = [
        Block(name=block.name, width=block.width, tokens=block.tokens, level=block.level)
        for block in layout.recorded
    ]
    known = manifest.model_copy(update=found)
    return with_model(known, model, blocks, blocks[0].width, versions, unread_text)


def write_captured(folder: Path, images: Sequence[int], captured: Captured, layout: Layout) -> None:
    """Write the features of a batch; which denoiser ran at each step is kept where there are several."""
    several = captured.denoisers if len(layout.denoisers) > 1 else None
    write_features(folder, images, captured.layer_input, captured.blocks, captured.tokens, denoisers=several)
