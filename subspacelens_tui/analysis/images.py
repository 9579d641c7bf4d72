"""The images of a sample: for each its prompt, its seed, its class, and its class under other schemes."""

from dataclasses import dataclass

from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.sessions.format import UNLABELLED


@dataclass(frozen=True)
class Images:
    """The images of a sample: for each its prompt, its seed, its class, and its class under other schemes."""

    prompts: list[int]
    seeds: list[int]
    labels: list[str]
    other_labels: list[list[str]]

    @property
    def coarser_labels(self) -> list[str]:
        """The labels of the coarsest other scheme in which these are nested.

        Raises:
            GeometryError: if there is none.
        """
        fine = len(set(self.labels))
        nested = [
            other
            for other in self.other_labels
            if UNLABELLED not in other
            and len(set(zip(self.labels, other, strict=True))) == fine > len(set(other)) > 1
        ]
        if not nested:
            raise GeometryError(
                "no other label scheme groups these classes: there is nothing to permute within"
            )
        return min(nested, key=lambda other: len(set(other)))
