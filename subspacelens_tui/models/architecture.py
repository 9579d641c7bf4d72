"""What the recorder must know of an architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from subspacelens_tui.sessions import Branch

if TYPE_CHECKING:
    import torch
    from PIL import Image


# The folder that the model whose blocks are recorded is in.
TRANSFORMER = "transformer"


class ModelError(Exception):
    """A model cannot be loaded or recorded; the message is one line for the user.

    `mendable` where a session of this model can go on once what the message says has been done.
    """

    def __init__(self, message: str, mendable: bool = False) -> None:
        super().__init__(message)
        self.mendable = mendable


@dataclass(frozen=True)
class HookedBlock:
    """A transformer block: its name in the model, the module to hook, the width of its tokens."""

    name: str
    module: torch.nn.Module
    width: int


@dataclass(frozen=True)
class TextReader:
    """How one text encoder gets its text.

    Attributes:
        tokenizer: a Hugging Face tokenizer.
        limit: how many tokens the encoder is given at most, special ones included.
        prepare: what the pipeline does to a text before it is tokenized.
    """

    tokenizer: Any
    limit: int
    prepare: Callable[[str], str]


class Architecture(ABC):
    """One family of pipelines.

    Attributes:
        pipelines: diffusers pipeline classes it covers.
        transformer: diffusers class of the model whose blocks are recorded.
        parts: folders of a pipeline without which it cannot be recorded.
        guidance_order: how one forward pass stacks the branches along the batch axis under
            classifier-free guidance.
    """

    pipelines: tuple[str, ...]
    transformer: str
    parts: tuple[str, ...] = (TRANSFORMER, "vae", "text_encoder", "tokenizer", "scheduler")
    guidance_order: tuple[Branch, ...]

    @abstractmethod
    def blocks(self, pipeline: Any) -> list[HookedBlock]:
        """The transformer blocks in the order in which they run."""

    def misfit(self, pipeline: Any) -> str | None:
        """Which of its parts do not fit each other, if they are of two models; None if they do."""
        return None

    @abstractmethod
    def block_input(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """The image tokens (rows, tokens, width) among the arguments of the first block."""

    @abstractmethod
    def image_tokens(self, output: Any) -> torch.Tensor:
        """The image tokens (rows, tokens, width) in what a block returns."""

    @abstractmethod
    def text_readers(self, pipeline: Any) -> list[TextReader]:
        """How `encode` makes tokens of texts, for each text encoder."""

    @abstractmethod
    def encode(self, pipeline: Any, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Text conditioning of each text, a row each, made where the text encoder is.

        The names are for `generate` alone.
        """

    @abstractmethod
    def generate(
        self,
        pipeline: Any,
        conditioning: dict[str, torch.Tensor],
        unconditional: dict[str, torch.Tensor],
        generators: list[torch.Generator],
        steps: int,
        guidance: float,
    ) -> list[Image.Image]:
        """Run the pipeline on one batch.

        Args:
            pipeline: the loaded pipeline.
            conditioning: rows of what `encode` gave for the prompts of the batch.
            unconditional: what `encode` gave for the empty prompt, one row.
            generators: one for each image, so that an image does not depend on its batch.
            steps: number of denoising steps.
            guidance: classifier-free guidance scale; at 1 and below there is no unconditional branch.
        """
