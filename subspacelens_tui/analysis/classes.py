"""The order of classes: those of one coarser class side by side, so that a hierarchy shows as blocks."""

from collections.abc import Container

from subspacelens_tui.sessions import Manifest
from subspacelens_tui.sessions.format import UNLABELLED


def ordered_classes(manifest: Manifest, scheme: str, present: Container[str]) -> tuple[str, ...]:
    """The classes of a scheme that are present, grouped by every coarser scheme in which they nest.

    The coarsest comes first; within a group, and where nothing groups them, in order of first appearance
    among the prompts. So the order is the same for every pane, table and file, however the prompts are mixed.
    """
    prompts = [prompt for prompt in manifest.prompts if prompt.labels[scheme] != UNLABELLED]
    labels = {name: [prompt.labels[name] for prompt in prompts] for name in manifest.label_schemes}
    own = labels[scheme]
    count = len(set(own))
    coarser = [
        other
        for other in labels.values()
        if UNLABELLED not in other and len(set(zip(own, other, strict=True))) == count > len(set(other)) > 1
    ]
    coarser.sort(key=lambda other: len(set(other)))
    # First appearance, scheme by scheme: a class inherits the place of the groups it is in.
    ranks = [{name: place for place, name in enumerate(dict.fromkeys(other))} for other in (*coarser, own)]
    places = {
        name: tuple(rank[other[at]] for rank, other in zip(ranks, (*coarser, own), strict=True))
        for at, name in reversed(list(enumerate(own)))
    }
    return tuple(sorted((name for name in places if name in present), key=places.__getitem__))
