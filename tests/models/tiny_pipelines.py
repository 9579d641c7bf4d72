"""Diffusers pipelines of their true classes at random weights, a megabyte each, made offline.

Weights are drawn so that text, noise and time all reach every token: as they are initialised, some models
have zeros there.
"""

from collections.abc import Sequence
from typing import Any

import torch

# Their recipes are kept as they are imported.
from tests.models import (  # noqa: F401
    tiny_controlled,
    tiny_cross_attention,
    tiny_streams,
    tiny_unets,
    tiny_videos,
)
from tests.models.tiny_recipe import RECIPES, enliven

__all__ = ["RECIPES", "build", "generators"]


def build(name: str) -> Any:
    """A tiny pipeline, in memory."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = RECIPES[name].make()
    for part, component in pipeline.components.items():
        if isinstance(component, torch.nn.Module):
            component.eval()
            if not part.startswith("vae"):
                enliven(component)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One for each image."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
