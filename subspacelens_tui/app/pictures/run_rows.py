"""The rows of a steering run: which sessions in which order, their images, and what is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from subspacelens_tui.analysis.steered_images import TARGET, UNSTEERED, SteeredImages, percent
from subspacelens_tui.analysis.steering_results import SteeringResult
from subspacelens_tui.app.pictures.run_source import RunListing, RunSource
from subspacelens_tui.app.pictures.tiles import Tile
from subspacelens_tui.steering import CONTROLS


@dataclass(frozen=True)
class RunRows:
    """A row for each session of a run.

    Attributes:
        listing: the images there are.
        result: what they were judged to be, as far as they were.
        source: knows their numbers.
    """

    listing: RunListing
    result: SteeringResult | None
    source: RunSource

    @cached_property
    def judged(self) -> dict[str, SteeredImages]:
        """What came of each session that was judged."""
        return {} if self.result is None else {row.key: row for row in self.result.rows}

    @cached_property
    def keys(self) -> list[str]:
        """The sessions with images: strengths from 0, natural images of the target, controls.

        Where layers are steered in turn, those of each.
        """
        controls = [control.key for control in CONTROLS]

        def place(key: str) -> tuple[int, float, Sequence[int]]:
            of = self.listing.sessions[key].manifest.steering
            if of is None:
                return (1, 0.0, ()) if key == TARGET else (0, 0.0, ())
            if of.control is None:
                return 0, of.strength, of.layers
            return 2, float(controls.index(of.control)), of.layers

        return sorted((key for key, there in self.listing.sessions.items() if there.images), key=place)

    @property
    def in_order(self) -> list[SteeredImages]:
        """What came of them, in this order."""
        return [self.judged[key] for key in self.keys if key in self.judged]

    def tiles(self) -> list[Tile]:
        """Images in the order of recording, so that columns are seeds."""
        found = []
        for key in self.keys:
            there = self.listing.sessions[key]
            for image in sorted(there.images):
                found.append(
                    Tile(self.source.number(key, image), key, str(there.manifest.images[image].seed))
                )
        return found

    def name(self, key: str) -> str:
        """What a row is called: natural images by their class."""
        if self.result is None or key not in (TARGET, UNSTEERED):
            return key
        return self.result.steering.target if key == TARGET else self.result.steering.source

    def aside(self, key: str) -> Sequence[tuple[str, str]]:
        """What is said beside its images, each line with its ink."""
        row, lines = self.judged.get(key), [(self.name(key), "strong")]
        if row is None or self.result is None:
            return lines
        toward = self.result.steering.target if row.other is None else row.toward
        lines.append((f"{percent((row.other or row.target).value)} {toward}", ""))
        if row.latent_ratio is not None:
            lines.append((f"NN {row.latent_ratio:.2f}", "warning" if row.off_manifold else "dim"))
        if row.off_manifold or row.disputed:
            lines.append(("off manif." if row.off_manifold else "disputed", "warning"))
        return lines

    def in_words(self, key: str, image: int) -> str:
        """All that is known of an image."""
        there, row = self.listing.sessions[key], self.judged.get(key)
        info = there.manifest.images[image]
        words = f"{key} · seed {info.seed} · “{there.manifest.prompts[info.prompt].text}”"
        place = sorted(there.images).index(image)
        if row is None or place >= len(row.judged):
            return words
        words += f" · judged {row.judged[place]}"
        if row.classified and row.classified[place] != row.judged[place]:
            words += f", {row.classified[place] or 'another class'} by the classifier"
        return f"{words} · latent NN {row.latent_ratios[place]:.2f}" if row.latent_ratios else words

    def twins(self, key: str, image: int) -> tuple[list[Tile], int]:
        """The unsteered image of its prompt and seed, itself, a natural one of the target; its place."""
        of, tiles, place = self.listing.sessions[key].manifest.images[image], list[Tile](), 0
        for other in dict.fromkeys((UNSTEERED, key, TARGET)):
            if (there := self.listing.sessions.get(other)) is None:
                continue
            of_seed = [i for i in there.images if there.manifest.images[i].seed == of.seed]
            same = [i for i in of_seed if there.manifest.images[i].prompt == of.prompt]
            found = image if other == key else next(iter(same or of_seed), None)
            if other == key:
                place = len(tiles)
            if found is not None:
                number = self.source.number(other, found)
                tiles.append(Tile(number, "", f"{self.name(other)} {of.seed}"))
        return tiles, place
