"""What discovery refuses, each in one line that says what was seen."""

from __future__ import annotations

from typing import Any

import torch

from subspacelens_tui.models.cache_hooks import cache_hook, cached_words
from subspacelens_tui.models.compiled import compiled_as_a_whole
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.layout import runs
from subspacelens_tui.models.trial import Forward, Trial, modules_of


def refuse_caches(pipeline: Any) -> None:
    """Refuse a pipeline with a cache on any component.

    Raises:
        ModelError: if it is so.
    """
    for name, component in modules_of(pipeline):
        if (cache := cache_hook(component)) is not None:
            raise ModelError(cached_words(cache, name))


def refuse_one_graph(pipeline: Any, name: str) -> None:
    """Refuse a denoiser that is compiled as a whole.

    Raises:
        ModelError: if it is so.
    """
    if compiled_as_a_whole(getattr(pipeline, name)):
        raise ModelError(
            f"the {name} of {type(pipeline).__name__} is compiled as a whole, which hides its blocks from "
            "hooks: compile its blocks instead (`--compile`, or `compile_repeated_blocks()`)"
        )


def refuse_two_at_once(pipeline: Any, trial: Trial) -> None:
    """Refuse a pipeline two of whose denoisers run in one step, such as one for each branch.

    Raises:
        ModelError: if it is so.
    """
    kind = type(getattr(pipeline, trial.denoiser))
    for other in trial.others:
        if type(getattr(pipeline, other.component)) is kind:
            raise ModelError(
                f"{type(pipeline).__name__} cannot be recorded: its {other.component} and its "
                f"{trial.denoiser} both run in one step"
            )


def refuse_dropout(pipeline: Any, name: str) -> None:
    """Refuse a denoiser that drops at random.

    Raises:
        ModelError: if it is so.
    """
    for path, module in getattr(pipeline, name).named_modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd) and module.training and module.p > 0:
            raise ModelError(
                f"the {name} is in training mode, and its {path} drops {100 * module.p:.0f} % at random: call "
                "`.eval()` on it"
            )


def not_finite(forward: Forward) -> str | None:
    """The first place in a forward where tokens are not finite, in words; None if all are finite."""
    for place, block in enumerate(forward.blocks):
        if not place and not all(tokens.some.isfinite().all() for tokens in block.takes.values()):
            return "the input of the first block"
        if not all(tokens.some.isfinite().all() for tokens in block.gives.values()):
            return f"block {block.name}"
    return None


def nothing_to_hook(pipeline: Any, forward: Forward) -> str:
    """Why no block was found in a forward, with what ran instead."""
    name = type(pipeline).__name__
    ran = ", ".join(f"{path} × {count}" for path, count in runs([block.list for block in forward.blocks]))
    if ran:
        return (
            f"{name} cannot be recorded: in the first step no tokens in its {forward.component} follow the "
            f"noise (seen: {ran})"
        )
    return (
        f"{name} cannot be recorded: no entry of a module list in its {forward.component} gives back image "
        "tokens "
        "(rows, tokens, width) of the shape it takes"
    )
