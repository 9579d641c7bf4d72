"""Which batch a recorder turns to next, alone or as one of several.

The ranks need not talk: batches are cut from the plan, which all of them know, and what is recorded is on
disk. Batch i is the share of rank i modulo their number. A rank that is through with its share helps the
others, from the end of the plan, where they come last; so whatever is missing when a recording goes on, with
however many ranks, is divided among all of them, and a rank that died leaves its share to the others.
"""

import itertools
from collections.abc import Collection, Sequence

from subspacelens_tui.recording.distributed import Rank
from subspacelens_tui.sessions.format import ImageInfo


def batches_of(images: Sequence[ImageInfo], batch_size: int) -> list[list[int]]:
    """The plan cut into batches; the images of a batch share a guidance scale.

    It is cut before what is there is left out, so that a resumed recording runs the same batches as an
    undisturbed one, and several ranks the same as one.
    """
    batches: list[list[int]] = []
    for index, image in enumerate(images):
        fits = batches and len(batches[-1]) < batch_size
        if fits and images[batches[-1][-1]].guidance == image.guidance:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def next_batch(
    batches: Sequence[Sequence[int]], recorded: Collection[int], busy: Collection[int], rank: Rank
) -> list[int] | None:
    """What is missing of the batch this rank turns to; None if all that is missing is being generated.

    Args:
        batches: as of `batches_of`.
        recorded: images that are on disk.
        busy: images that other ranks are generating.
        rank: this one.
    """
    own = range(rank.index, len(batches), rank.world)
    for place in own:
        if left := _left(batches[place], recorded, busy):
            return left
    free = (left for batch in reversed(batches) if (left := _left(batch, recorded, busy)))
    # Ranks that become idle together should not all turn to the same batch.
    helped = list(itertools.islice(free, rank.index + 1))
    return helped[-1] if helped else None


def missing(batches: Sequence[Sequence[int]], recorded: Collection[int]) -> bool:
    """Whether anything is still to be recorded."""
    return any(image not in recorded for batch in batches for image in batch)


def _left(batch: Sequence[int], recorded: Collection[int], busy: Collection[int]) -> list[int]:
    if any(image in busy for image in batch):
        return []
    return [image for image in batch if image not in recorded]
