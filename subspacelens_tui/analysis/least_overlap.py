"""The layer where the classes overlap least, and the layers that could be it as well."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.uncertainty.jackknife import combined_error
from subspacelens_tui.sessions.ranges import ranges

LEVEL = 0.05


@dataclass(frozen=True)
class Separation:
    """Where the classes overlap least.

    Attributes:
        layer: the layer of least mean overlap, by its place among them.
        candidates: the layers whose overlap is not larger beyond noise, `layer` among them: they hold the
            layer of least expected overlap with 95 % confidence.
    """

    layer: int
    candidates: tuple[int, ...]

    def numbered(self, numbers: Sequence[int]) -> "Separation":
        """The same by the numbers of the layers' blocks in the model."""
        return Separation(numbers[self.layer], tuple(numbers[layer] for layer in self.candidates))


def separation(overlap: Float64Array, left_out: Sequence[Float64Array], tests: int = 1) -> Separation:
    """Find the layer, and those that cannot be told from it.

    Each layer is compared with the best by the jackknife of their difference, the same images left out of
    both, one-sided, at 5 % over the number of comparisons (Bonferroni).

    Args:
        overlap: (L,) mean overlap of each layer.
        left_out: for each kind of thing left out, (m, L) the overlaps without each.
        tests: how many such sets are to hold together.
    """
    best = int(np.argmin(overlap))
    level = 1 - 2 * LEVEL / (tests * max(1, len(overlap) - 1))
    candidates = []
    for layer, value in enumerate(overlap):
        differences = [values[:, layer] - values[:, best] for values in left_out]
        _, margin = combined_error(differences, level)
        if value - overlap[best] <= margin:
            candidates.append(layer)
    return Separation(best, tuple(candidates))


def moves(found: Sequence[Separation]) -> bool:
    """Whether the layer of least overlap moves from step to step: no layer could be it at all of them."""
    return bool(found) and not set(found[0].candidates).intersection(*(of.candidates for of in found[1:]))


def words(found: Sequence[Separation]) -> str:
    """What is to be said of the steps together."""
    if len({of.layer for of in found}) < 2:
        return "The layer of least overlap is the same at every step."
    if moves(found):
        return "The layer of least overlap moves with the step, beyond noise."
    shared = sorted(set(found[0].candidates).intersection(*(of.candidates for of in found[1:])))
    return (
        "The layer of least overlap differs between steps, but not beyond noise: "
        f"{layers_in_words(shared)} cannot be excluded at any step."
    )


def layers_in_words(layers: Sequence[int]) -> str:
    """`layer 3`, `layers 3 to 5`."""
    return ("layer " if len(layers) == 1 else "layers ") + ranges(layers)
