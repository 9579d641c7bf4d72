"""Which tokens of an image are kept."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.sessions.features import TokenSample

TokenSeeds = Sequence[tuple[int, int]]
"""For each image its seed and the index of its prompt: what its noise and its content depend on."""

# Keeps these draws apart from anything else that is seeded by an image's seed.
_STREAM = 0x746F6B656E


class DrawnPositions:
    """The token positions of one batch, on the host and on the device.

    Attributes:
        available: how many image tokens there are.
    """

    def __init__(self, seeds: TokenSeeds, count: int, tokens: torch.Tensor) -> None:
        self.available = tokens.shape[1]
        self._positions = draw_positions(seeds, count, self.available)
        index = torch.from_numpy(self._positions).unsqueeze(-1)
        if tokens.is_cuda:
            index = index.pin_memory()  # or the copy would wait for the device
        self._index = index.to(tokens.device, non_blocking=True)

    def index_of(self, each: int, interleaved: bool) -> torch.Tensor:
        """The positions (rows, T, 1) in a forward with `each` rows for an image, on the tokens' device."""
        if interleaved:
            return self._index.repeat_interleave(each, 0)
        return self._index.repeat(each, 1, 1)

    def sample(self, blocks: Sequence[npt.NDArray[np.float32]]) -> TokenSample:
        """With the tokens of each block (images, branch, step, T, width)."""
        return TokenSample(self._positions, np.full(len(self._positions), self.available), blocks)


def draw_positions(seeds: TokenSeeds, count: int, available: int) -> npt.NDArray[np.int64]:
    """The positions (images, count), ascending, of the tokens to keep out of `available` image tokens.

    Each image has its own draw, whatever its batch and its recorder. Images that share a seed do not share
    positions: permuted classes would then hold fewer positions than true ones, and look more alike.

    Raises:
        RecordingError: if there are fewer tokens than asked for.
    """
    if count > available:
        raise RecordingError(f"{count} tokens cannot be kept: the model has {available} image tokens")
    drawn = [
        np.random.default_rng([_STREAM, *seed]).choice(available, count, replace=False) for seed in seeds
    ]
    return np.sort(np.stack(drawn).astype(np.int64), axis=1)
