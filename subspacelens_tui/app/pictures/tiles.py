"""Which images the gallery shows, in which order, and by which words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

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
    """One image: its index in the session, what it is of, and what tells it from others of that."""

    image: int
    subject: str
    detail: str

    @property
    def name(self) -> str:
        """The words below it."""
        return self.subject + self.detail


def tiles_of(listing: Listing, scheme: str, name: str | None, guidance: float | None) -> list[Tile]:
    """The images of a class of a scheme (of all classes if None), in the order of their subjects.

    Args:
        listing: the images there are.
        scheme: a label scheme.
        name: of the class.
        guidance: only those of this scale, if given.
    """
    manifest = listing.manifest
    tiles, subjects = [], _subjects(manifest)
    for image in listing.images:
        info = manifest.images[image]
        subject = subjects[info.prompt]
        if name in (None, manifest.prompts[info.prompt].labels[scheme]) and guidance in (None, info.guidance):
            scale = f" ×{info.guidance:g}" if len(manifest.guidance) > 1 else ""
            tiles.append(Tile(image, subject, f" {info.seed}{scale}"))
    return tiles


def in_rounds(tiles: Sequence[Tile]) -> list[Tile]:
    """The first image of each subject, then the second of each, and so on."""
    met: Counter[str] = Counter()
    places = []
    for tile in tiles:
        places.append(met[tile.subject])
        met[tile.subject] += 1
    return [tile for _, tile in sorted(zip(places, tiles, strict=True), key=itemgetter(0))]


def _subjects(manifest: Manifest) -> list[str]:
    """What each prompt is of: its class in the finest label scheme, or its text where a class has more."""
    finest = _finest(manifest)
    named = {(prompt.labels[finest], prompt.text) for prompt in manifest.prompts}
    broad = len(named) > len({label for label, _ in named})
    return [prompt.text if broad else prompt.labels[finest] for prompt in manifest.prompts]


def _finest(manifest: Manifest) -> str:
    """The label scheme of all prompts with the most classes."""
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
