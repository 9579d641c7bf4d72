"""How tiny pipelines are made: a recipe is the least that the classes of a pipeline take."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers as df
import torch

from tests.models.tiny_parts import Text


@dataclass(frozen=True)
class Recipe:
    """How a tiny pipeline is made and called.

    Attributes:
        make: builds it.
        call: arguments of its call beside prompts, generators, steps and guidance.
        guidance: a scale that users would take.
        prompts: two of them.
    """

    make: Callable[[], Any]
    call: Mapping[str, Any] = field(default_factory=dict)
    guidance: float = 4.0
    prompts: tuple[str, str] = ("a red cat on a table", "a blue dog in the park, with more text than before")


RECIPES: dict[str, Recipe] = {}


def recipe(guidance: float = 4.0, prompts: tuple[str, str] | None = None, **call: Any) -> Any:
    """Keep a function that builds a pipeline, by its name."""

    def keep(make: Callable[[], Any]) -> Callable[[], Any]:
        more = {} if prompts is None else {"prompts": prompts}
        RECIPES[make.__name__] = Recipe(make, call, guidance, **more)
        return make

    return keep


def enliven(module: torch.nn.Module, seed: int = 0) -> None:
    """Draw weights under which everything that a model is given reaches every token."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator)
            if weight.ndim >= 2:
                weight.copy_(drawn * 0.7 / math.sqrt(max(1, weight[0].numel())))
            else:
                weight.copy_(0.1 * drawn + float("norm" in name and name.endswith("weight")))


def assembled(kind: Any, denoiser: Any, decoder: Any, scheduler: Any, *texts: Text, **more: Any) -> Any:
    """A pipeline; the second text encoder and its tokenizer are called `…_2`, and so on."""
    parts: dict[str, Any] = {"vae": decoder, "scheduler": scheduler, **more}
    parts["unet" if isinstance(denoiser, df.UNet2DConditionModel) else "transformer"] = denoiser
    for number, (encoder, tokenizer) in enumerate(texts, start=1):
        suffix = f"_{number}" if number > 1 else ""
        parts |= {f"text_encoder{suffix}": encoder, f"tokenizer{suffix}": tokenizer}
    return kind(**parts)


def of_parts(kind: Any, name: str, **more: Any) -> Any:
    """A pipeline of the parts of another one."""
    return kind(**RECIPES[name].make().components, **more)


def heads(count: int, width: int) -> dict[str, int]:
    return {"num_attention_heads": count, "attention_head_dim": width}


SIZE = {"height": 16, "width": 24}
LATENTS = {"in_channels": 4, "patch_size": 2}
