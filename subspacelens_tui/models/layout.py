"""How a pipeline lays out what is recorded: its blocks, their image tokens, which pass is which branch.

A layout is found (`models.discover`), never looked up by the name of a model, and is all that a capture knows
of a pipeline. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.sessions.format import BRANCHES, Branch

Path = tuple[int | str, ...]
"""Where a tensor is in what a module takes or returns: indices and keys; () is a bare tensor."""

Pass = Literal["cond", "uncond", "other"]
"""What a row of a forward pass is: "other" is neither branch, as with skip-layer guidance and PAG."""


class Place(StrEnum):
    """Where the image tokens are among the tokens of a block."""

    ALL = "all"
    FIRST = "first"
    LAST = "last"
    INNER = "inner"
    RAGGED = "ragged"


@dataclass(frozen=True)
class BlockLayout:
    """A block that is recorded.

    Attributes:
        name: in its denoiser.
        width: of its tokens.
        tokens: how many of them are image tokens.
        place: where these are; RAGGED is another place in each row of a batch.
        start: index of the first image token, for INNER.
        input: where the tokens are among the arguments of the block, by name of the argument.
        output: where they are in what it returns.
        level: of a denoiser that works at several resolutions, 0 the finest; None where there is one.
        parts: over how many rows the tokens of one image are spread, as where frames are rows.
        tokens_first: whether its tensors are (tokens, rows, width).
    """

    name: str
    width: int
    tokens: int
    place: Place
    start: int
    input: Path
    output: Path
    level: int | None = None
    parts: int = 1
    tokens_first: bool = False

    @property
    def list(self) -> str:
        """The name of the list that it is in: where that changes from block to block there is a boundary."""
        return self.name.rpartition(".")[0]

    def image_tokens(self, tokens: Any) -> Any:
        """The image tokens (rows, tokens, width) of what a block takes or gives, where they are in one place.

        Its rows are those of images and branches.
        """
        tokens = by_row(tokens, self.parts, self.tokens_first)
        match self.place:
            case Place.ALL:
                return tokens
            case Place.FIRST:
                return tokens[:, : self.tokens]
            case Place.LAST:
                return tokens[:, -self.tokens :]
            case Place.INNER:
                return tokens[:, self.start : self.start + self.tokens]
            case Place.RAGGED:
                raise ValueError(f"{self.name} has its image tokens in another place in each row")


@dataclass(frozen=True)
class Passes:
    """The passes of one denoising step at one guidance scale.

    Attributes:
        rows: for each forward of the denoiser what its rows are, where one image is generated.
        interleaved: whether a batch has the rows of an image side by side; else those of a branch.
    """

    rows: tuple[tuple[Pass, ...], ...]
    interleaved: bool = False

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches there are, the conditional one first."""
        return tuple(branch for branch in BRANCHES if any(branch in rows for rows in self.rows))

    def rows_of(self, forward: int, images: int) -> dict[Branch, slice]:
        """Which rows of a forward are those of each branch, with so many images."""
        rows = self.rows[forward]
        if self.interleaved:
            places = {name: slice(place, None, len(rows)) for place, name in enumerate(rows)}
        else:
            places = {name: slice(place * images, (place + 1) * images) for place, name in enumerate(rows)}
        return {branch: places[branch] for branch in BRANCHES if branch in places}


@dataclass(frozen=True)
class Layout:
    """What was found of a pipeline and the arguments of its call.

    Attributes:
        denoisers: components whose blocks are recorded, by name: the one that runs first, then others of
            its class, to which some pipelines switch on the way.
        blocks: in the order in which they run, over all their lists.
        passes: for each guidance scale.
        one_image: why images cannot be generated together; None if they can.
        layers: which of the blocks are recorded, by number, ascending; None for all.
    """

    denoisers: tuple[str, ...]
    blocks: tuple[BlockLayout, ...]
    passes: Mapping[float, Passes]
    one_image: str | None = None
    layers: tuple[int, ...] | None = None

    @property
    def recorded(self) -> tuple[BlockLayout, ...]:
        """The blocks that are recorded."""
        return self.blocks if self.layers is None else tuple(self.blocks[layer] for layer in self.layers)

    def keeping(self, layers: Sequence[int] | None) -> Layout:
        """The same with some of the blocks recorded; all for None.

        Raises:
            ModelError: if there is no block of such a number.
        """
        if layers is not None and (beyond := [layer for layer in layers if layer >= len(self.blocks)]):
            raise ModelError(f"there is no block {beyond[0]}: the model has 0 to {len(self.blocks) - 1}")
        return replace(self, layers=None if layers is None else tuple(sorted(set(layers))))

    @property
    def lists(self) -> list[tuple[str, int]]:
        """The lists of blocks in run order, each with how many blocks it has."""
        return runs([block.list for block in self.blocks])

    def modules(self, denoiser: Any) -> list[Any]:
        """The modules of the blocks in one of the denoisers."""
        return [denoiser.get_submodule(block.name) for block in self.blocks]


def by_row(tokens: Any, parts: int, tokens_first: bool) -> Any:
    """Tokens of a block as (rows, tokens, width); see `BlockLayout`."""
    if tokens_first:
        return tokens.transpose(0, 1)
    return tokens if parts == 1 else tokens.reshape(len(tokens) // parts, -1, tokens.shape[-1])


def runs(names: Sequence[str]) -> list[tuple[str, int]]:
    """Names that follow each other, each once with how often."""
    found: list[tuple[str, int]] = []
    for name in names:
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + 1)
        else:
            found.append((name, 1))
    return found


def at(holder: Any, path: Path) -> Any:
    """The entry of nested arguments or returned values that a path leads to."""
    for step in path:
        holder = holder[step]
    return holder
