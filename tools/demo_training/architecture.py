"""What differs between the demo models: their parts, their loss and their pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from diffusers import AutoencoderTiny
from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from tools.demo_training.data import vocabulary

END, PAD, UNKNOWN = "</s>", "<pad>", "<unk>"


class Architecture(ABC):
    """One demo model: text encoder and transformer, trained together on latents of the same autoencoder."""

    name: ClassVar[str]
    """Of its checkpoint and of its folder in `subspacelens_tui/demo`."""
    docs: ClassVar[str]
    """The folder in `docs` of its sample sheet and measurements."""
    call: ClassVar[dict[str, Any]]
    """Arguments of its pipeline's call beside prompts, generators, steps and guidance."""
    absent: ClassVar[tuple[str, ...]] = ()
    """Parts of its pipeline's class that it does without."""
    steps: ClassVar[int]
    batch: ClassVar[int]
    """Samples of one step in all processes together."""
    processes: ClassVar[int]

    @abstractmethod
    def new_model(self, latent_means: Tensor) -> nn.Module:
        """An untrained model whose first guess is the mean of every latent channel.

        Its `transformer.transformer_blocks` hold the matrices that Muon trains.
        """

    @abstractmethod
    def tokens(self, captions: Sequence[str]) -> tuple[Tensor, ...]:
        """What the model takes of captions."""

    @abstractmethod
    def loss(self, model: nn.Module, clean: Tensor, text: tuple[Tensor, ...]) -> Tensor:
        """The loss at random noise levels, of latents (count × 8 × 16 × 16) and what `tokens` gave."""

    @abstractmethod
    def pipeline(self, autoencoder: AutoencoderTiny, model: Any) -> Any:
        """The diffusers pipeline of a trained model."""


def whole_words(start: str | None, length: int) -> PreTrainedTokenizerFast:
    """A tokenizer of whole words in lower case without punctuation, which marks the end of a caption.

    Args:
        start: token that marks the start; `None` for none, as T5 does it.
        length: `model_max_length`.
    """
    special = [PAD, END, UNKNOWN, *([start] if start else [])]
    words = {word: number for number, word in enumerate([*special, *vocabulary()])}
    backend = Backend(models.WordLevel(words, unk_token=UNKNOWN))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("removed")]
    )
    marks = [start, END] if start else [END]
    backend.post_processor = processors.TemplateProcessing(
        " ".join([*marks[:-1], "$A", END]), special_tokens=[(mark, words[mark]) for mark in marks]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        bos_token=start,
        model_max_length=length,
    )
