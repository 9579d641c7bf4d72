"""The order of classes: those of one coarser class side by side, so that a hierarchy shows as blocks."""

from collections.abc import Container, Sequence

from subspacelens_tui.sessions import Manifest
from subspacelens_tui.sessions.format import UNLABELLED


def ordered_classes(manifest: Manifest, scheme: str, present: Container[str]) -> tuple[str, ...]:
    """The classes of a scheme that are present, grouped by every coarser scheme in which they nest.

    The coarsest comes first; within a group, and where nothing groups them, in order of first appearance
    among the prompts. So the order is the same for every pane, table and file, however the prompts are mixed.
    """
    own, coarser = _nested(manifest, scheme)
    # First appearance, scheme by scheme: a class inherits the place of the groups it is in.
    ranks = [{name: place for place, name in enumerate(dict.fromkeys(other))} for other in (*coarser, own)]
    places = {
        name: tuple(rank[other[at]] for rank, other in zip(ranks, (*coarser, own), strict=True))
        for at, name in reversed(list(enumerate(own)))
    }
    return tuple(sorted((name for name in places if name in present), key=places.__getitem__))


def group_starts(manifest: Manifest, scheme: str, classes: Sequence[str]) -> tuple[int, ...]:
    """Places among ordered classes where a group of the finest coarser scheme begins, after the first."""
    own, coarser = _nested(manifest, scheme)
    if not coarser:
        return ()
    group = dict(zip(own, coarser[-1], strict=True))
    places = range(1, len(classes))
    return tuple(place for place in places if group.get(classes[place]) != group.get(classes[place - 1]))


def _nested(manifest: Manifest, scheme: str) -> tuple[list[str], list[list[str]]]:
    """The labels of a scheme, and of those in which it nests, the coarsest first."""
    prompts = [prompt for prompt in manifest.prompts if prompt.labels[scheme] != UNLABELLED]
    labels = {name: [prompt.labels[name] for prompt in prompts] for name in manifest.label_schemes}
    own = labels[scheme]
    count = len(set(own))
    coarser = [
        other
        for other in labels.values()
        if UNLABELLED not in other and len(set(zip(own, other, strict=True))) == count > len(set(other)) > 1
    ]
    return own, sorted(coarser, key=lambda other: len(set(other)))
