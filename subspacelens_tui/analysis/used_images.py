"""Which images metrics are of: those whose prompt has a class, and one of the classes that were asked for."""

from collections.abc import Iterable, Iterator

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.sessions import Manifest
from subspacelens_tui.sessions.format import UNLABELLED
from subspacelens_tui.sessions.sanitise import some_of


def used_prompts(manifest: Manifest, settings: Settings) -> frozenset[int]:
    """The prompts whose images resolved settings are of."""
    assert settings.labels is not None
    labels = [prompt.labels[settings.labels] for prompt in manifest.prompts]
    wanted = set(settings.classes or labels) - {UNLABELLED}
    return frozenset(place for place, label in enumerate(labels) if label in wanted)


def unused_lines(manifest: Manifest, settings: Settings, images: Iterable[int]) -> Iterator[str]:
    """What is to be said of images that were asked for and are not used."""
    assert settings.labels is not None
    of = [manifest.prompts[manifest.images[image].prompt].labels[settings.labels] for image in images]
    unlabelled = of.count(UNLABELLED)
    if unlabelled:
        verb = "is" if unlabelled == 1 else "are"
        yield f"{unlabelled} of {len(of)} images {verb} not used: no class in {settings.labels!r}"
    if settings.classes:
        count = sum(label in settings.classes for label in of)
        yield f"{count} of {len(of)} images, of these classes only: {some_of(settings.classes)}"
