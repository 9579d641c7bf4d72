"""A pipeline that is loaded, so that several sessions can be recorded with it."""

from dataclasses import dataclass

import torch

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.discover import Found
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording.conditioning import Conditioning
from subspacelens_tui.sessions.format import Manifest, UnreadText


@dataclass(frozen=True)
class Loaded:
    """A pipeline that is loaded, with its prompts encoded and its layout found.

    Attributes:
        asked: the plan of the session that it was loaded for.
        call: of the pipeline.
        source: where it is from.
        device, dtype: where and as what it runs.
        text: its prompts.
        found: its layout.
        unread: what the model does not read of the prompts.
        notes: what the user should know of them, a line each.
    """

    asked: Manifest
    call: PipelineCall
    source: ModelSource
    device: torch.device
    dtype: torch.dtype
    text: Conditioning
    found: Found
    unread: list[UnreadText]
    notes: tuple[str, ...]

    def serves(self, manifest: Manifest) -> bool:
        """Whether another session can be recorded with it: of the same model, prompts, scales and steps."""
        return all(
            getattr(self.asked, what) == getattr(manifest, what)
            for what in ("model", "prompts", "guidance", "inference_steps", "call")
        )
