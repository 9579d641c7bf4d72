"""Sessions of some blocks of a model: where layers are on an axis, and between which no line may lead."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise


def layer_gaps(numbers: Sequence[int]) -> tuple[int, ...]:
    """The places just before which blocks of the model are missing.

    Args:
        numbers: of each recorded layer the number of its block in the model.
    """
    return tuple(place for place, (before, after) in enumerate(pairwise(numbers), 1) if after != before + 1)


def runs(layers: int, breaks: Iterable[int]) -> Iterator[slice]:
    """The parts of a curve over so many layers that are each one line.

    Args:
        layers: how many there are.
        breaks: layers just before which the line breaks.
    """
    return (slice(first, end) for first, end in pairwise(sorted({0, *breaks, layers})))


def some_blocks_only(numbers: Sequence[int]) -> bool:
    """Whether some blocks of the model only were recorded, as far as their numbers say."""
    return tuple(numbers) != tuple(range(len(numbers)))


def shared_axis(numbers: Collection[tuple[int, ...]]) -> tuple[int, ...]:
    """Of each place on the axis of several sessions the number of its block.

    None where models differ in depth and are recorded whole: these share relative depth.

    Args:
        numbers: of each session, those of its layers.
    """
    found = set(numbers)
    if len(found) == 1:
        return next(iter(found))
    if not any(map(some_blocks_only, found)):
        return ()
    every = [number for of in found for number in of]
    return tuple(range(min(every), max(every) + 1))
