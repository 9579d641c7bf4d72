"""Compiled blocks whose hooks still run."""

from collections.abc import Sequence

import torch


def compile_blocks(blocks: Sequence[torch.nn.Module]) -> None:
    """Compile what each block computes, by torch's default backend, when it first runs.

    One compilation serves all blocks that are alike. `forward` is compiled rather than the module, as
    diffusers' `compile_repeated_blocks` does: that traces the hooks as well, which count in Python, so that
    every layer and step is compiled again until torch gives up.
    """
    for block in blocks:
        block.forward = torch.compile(block.forward)
