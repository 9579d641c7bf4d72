"""Which of the blocks that ran in a forward have image tokens, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.layout import Path, Place
from subspacelens_tui.models.trial import BlockRun, Forward, Tokens

# Cosine from which on one tensor is a multiple of another; sums are rounded where they are made.
_PROPORTIONAL = 0.999


@dataclass(frozen=True)
class LocatedBlock:
    """A block with image tokens.

    Attributes:
        run: what it took and gave.
        input: which of its arguments holds them.
        mask: (rows, tokens), true at image tokens.
        output: where they are in what it gave.
    """

    run: BlockRun
    input: Path
    mask: torch.Tensor
    output: Path

    @property
    def tokens(self) -> Tokens:
        """What it gave, image tokens and others."""
        return self.run.gives[self.output]

    def image(self) -> list[torch.Tensor]:
        """Of each row the image tokens (tokens, channels)."""
        return [row[mask] for row, mask in zip(self.tokens.some, self.mask, strict=True)]

    def bits(self) -> list[torch.Tensor]:
        """The same as integers."""
        return [row[mask] for row, mask in zip(self.tokens.bits, self.mask, strict=True)]


def locate(forward: Forward, other: Forward) -> list[LocatedBlock]:
    """The blocks with image tokens, in run order; blocks of text alone are passed over.

    Args:
        forward: what ran.
        other: the same forward with other noise.

    Raises:
        ModelError: if the image tokens of a block cannot be told.
    """
    outer = _outermost(forward.blocks)
    pairs = list(zip(outer, _outermost(other.blocks), strict=False))
    found: list[LocatedBlock] = []
    inputs: dict[str, tuple[Path, torch.Tensor]] = {}
    for place, (block, again) in enumerate(pairs):
        noisy = {
            path: changed
            for path, tokens in block.takes.items()
            if any(tokens.shape == given.shape for given in block.gives.values())
            and path in again.takes
            and again.takes[path].shape == tokens.shape
            and (changed := (tokens.bits != again.takes[path].bits).any(-1)).any()
        }
        if block.list not in inputs:
            if not noisy:
                continue
            inputs[block.list] = _input(block, noisy, found, forward.grids)
        path, mask = inputs[block.list]
        if not mask.any(1).all():
            raise ModelError(
                f"the image tokens of {block.name} cannot be told: not all rows of "
                f"{'.'.join(map(str, path))} {block.takes[path].shape} follow the noise"
            )
        if path not in block.takes or block.takes[path].shape[:2] != tuple(mask.shape):
            raise ModelError(
                f"{block.name} takes tokens of another shape than the block before it in its list"
            )
        outputs = [key for key, tokens in block.gives.items() if tokens.shape == block.takes[path].shape]
        if len(outputs) > 1:
            outputs = _of_image(block, path, outputs, outer[place + 1 :], found)
        if len(outputs) != 1:
            seen = ", ".join(f"{key or 'itself'} {tokens.shape}" for key, tokens in block.gives.items())
            raise ModelError(
                f"which output of {block.name} has the image tokens cannot be told: it gives {seen}"
            )
        found.append(LocatedBlock(block, path, mask, outputs[0]))
    return found


def _outermost(blocks: Sequence[BlockRun]) -> list[BlockRun]:
    """Blocks that are not inside others."""
    names = {block.name for block in blocks}
    return [block for block in blocks if not any(parent in names for parent in _parents(block.name))]


def _parents(name: str) -> Iterable[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _input(
    block: BlockRun, noisy: dict[Path, torch.Tensor], found: Sequence[LocatedBlock], grids: set[int]
) -> tuple[Path, torch.Tensor]:
    """Which argument of the first block of a list holds image tokens, and where they are in it."""
    if found:
        before = found[-1].bits()
        for path in noisy:
            mask = _where(block.takes[path], before)
            if mask is not None:
                return path, mask
        # What a ControlNet adds to it in between leaves its place and its shape.
        path, shape = found[-1].input, found[-1].run.takes[found[-1].input].shape
        alike = [key for key in noisy if block.takes[key].shape == shape and noisy[key].all()]
        if path in alike or len(alike) == 1:
            key = path if path in alike else alike[0]
            if found[-1].mask.all():
                return key, noisy[key]
    partly = {path: changed for path, changed in noisy.items() if not changed.all()}
    if not found and len(partly) == 1:  # text and padding are still free of noise
        return next(iter(partly.items()))
    if len(noisy) == 1:
        path, changed = next(iter(noisy.items()))
        if not found or block.takes[path].shape[1] in grids:
            return path, changed
    seen = ", ".join(f"{'.'.join(map(str, path))} {block.takes[path].shape}" for path in noisy)
    raise ModelError(f"the image tokens of {block.name} cannot be told among what follows the noise: {seen}")


def _where(tokens: Tokens, images: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """Where in each row the image tokens of another block are, bit for bit; None unless once in each."""
    if len(images) != tokens.shape[0]:
        return None
    mask = torch.zeros(tokens.shape[:2], dtype=torch.bool)
    for place, row, image in zip(mask, tokens.bits, images, strict=True):
        starts = (row == image[0]).all(-1).nonzero().flatten().tolist()
        hits = [start for start in starts if torch.equal(row[start : start + len(image)], image)]
        if len(hits) != 1:
            return None
        place[hits[0] : hits[0] + len(image)] = True
    return mask


def _of_image(
    block: BlockRun,
    path: Path,
    outputs: list[Path],
    later: Sequence[BlockRun],
    found: Sequence[LocatedBlock],
) -> list[Path]:
    """Where text and image have one shape: what the next block takes as image; of the last, as before."""
    following = next((one for one in later if one.list == block.list and path in one.takes), None)
    if following is not None:
        taken = {key: tokens.bits for key, tokens in following.takes.items()}
        same = {key: [at for at in taken if torch.equal(block.gives[key].bits, taken[at])] for key in outputs}
        # Where a ControlNet adds to the image in between, the text is still what it was.
        return [key for key in outputs if path in same[key]] or [key for key in outputs if not same[key]]
    return [one.output for one in found if one.run.list == block.list][-1:]


def received_by(forward: Forward, block: LocatedBlock, others: Sequence[Forward] = ()) -> str | None:
    """The module after the followed block, its last, that received the image tokens which that gave.

    Args:
        forward: in which the block ran.
        block: its last.
        others: what ran of other components: a ControlNet may have added to these tokens in between.
    """
    image = block.bits()
    for name, tokens in forward.after:
        if tokens.some.shape[-1] == image[0].shape[-1] and _where(tokens, image) is not None:
            return name
        # Frames and places in them may change their places: what was a row is then a token of each row.
        if block.tokens.parts > 1 and torch.equal(_ordered(tokens), _ordered(block.tokens)):
            return name
        if any(_added(tokens, block, given) for other in others for given in other.gives):
            return name
    return None


def _added(tokens: Tokens, block: LocatedBlock, given: Tokens) -> bool:
    """Whether tokens are those of a block, all of the image, with so much of others added."""
    before = block.tokens
    if not (tokens.shape == before.shape == given.shape and block.mask.all()):
        return False
    more = (tokens.some - before.some).flatten()
    return float(torch.cosine_similarity(more, given.some.flatten(), dim=0).abs()) > _PROPORTIONAL


def _ordered(tokens: Tokens) -> torch.Tensor:
    """The tokens of all rows as integers, in an order that does not depend on where they were."""
    found: torch.Tensor = torch.unique(tokens.bits.flatten(0, 1), dim=0)
    return found


def place_of(masks: Iterable[torch.Tensor]) -> tuple[Place, int]:
    """Where image tokens are by their masks (tokens,) in several rows, and from which token on."""
    masks = list(masks)
    if any(int(m.sum()) != int(m.nonzero()[-1]) - int(m.nonzero()[0]) + 1 for m in masks):
        raise ModelError(
            "the image tokens cannot be told: among them are tokens that do not follow the noise"
        )
    spans = [(int(m.nonzero()[0]), len(m) - 1 - int(m.nonzero()[-1])) for m in masks]
    starts = {start for start, _ in spans}
    if all(bool(mask.all()) for mask in masks):
        return Place.ALL, 0
    if starts == {0}:
        return Place.FIRST, 0
    if all(end == 0 for _, end in spans):
        return Place.LAST, 0
    if len(starts) == 1:
        return Place.INNER, starts.pop()
    return Place.RAGGED, 0
