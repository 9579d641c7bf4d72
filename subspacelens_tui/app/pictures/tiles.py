"""Which images the gallery shows, in which order, and by which words."""

from dataclasses import dataclass

from subspacelens_tui.app.pictures.source import Listing
from subspacelens_tui.sessions.format import UNLABELLED, Manifest


@dataclass(frozen=True)
class Pair:
    """Two classes to look at side by side.

    Attributes:
        scheme: the label scheme they are of.
        first, second: their names; one class alone if they are the same.
        guidance: only images of this guidance scale.
        says: what is known of the two.
    """

    scheme: str
    first: str
    second: str
    guidance: float
    says: str


@dataclass(frozen=True)
class Tile:
    """One image: its index in the session, and the words below it."""

    image: int
    name: str


def tiles_of(listing: Listing, scheme: str, name: str | None, guidance: float | None) -> list[Tile]:
    """The images of a class of a scheme (of all classes if None), in the order of their subjects.

    Args:
        listing: the images there are.
        scheme: a label scheme.
        name: of the class.
        guidance: only those of this scale, if given.
    """
    manifest, finest = listing.manifest, _finest(listing.manifest)
    tiles = []
    for image in listing.images:
        info = manifest.images[image]
        labels = manifest.prompts[info.prompt].labels
        if name in (None, labels[scheme]) and guidance in (None, info.guidance):
            scale = f" ×{info.guidance:g}" if len(manifest.guidance) > 1 else ""
            tiles.append(Tile(image, f"{labels[finest]} {info.seed}{scale}"))
    return tiles


def _finest(manifest: Manifest) -> str:
    """The label scheme with the most classes: its classes are the subjects."""
    sizes = {
        scheme: len({p.labels[scheme] for p in manifest.prompts})
        for scheme in manifest.label_schemes
        if all(p.labels[scheme] != UNLABELLED for p in manifest.prompts)
    }
    return max(sizes, key=lambda scheme: sizes[scheme])


def in_words(manifest: Manifest, image: int) -> str:
    """All that is known of an image."""
    info = manifest.images[image]
    prompt = manifest.prompts[info.prompt]
    labels = ", ".join(filter(None, dict.fromkeys(prompt.labels.values())))
    return f"image {image} · seed {info.seed} · guidance {info.guidance:g} · {labels} · “{prompt.text}”"
