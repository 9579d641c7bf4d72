"""The layer where the classes overlap least, and the layers that could be it as well."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.uncertainty.jackknife import combined_error

LEVEL = 0.05


@dataclass(frozen=True)
class Separation:
    """Where the classes overlap least.

    Attributes:
        layer: the layer of least mean overlap.
        candidates: the layers whose overlap is not larger beyond noise, `layer` among them: they hold the
            layer of least expected overlap with 95 % confidence.
    """

    layer: int
    candidates: tuple[int, ...]


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
        f"{_layers(shared)} could be it at every step."
    )


def _layers(layers: Sequence[int]) -> str:
    return ("layer " if len(layers) == 1 else "layers ") + ranges(layers)


def ranges(layers: Sequence[int]) -> str:
    """Layers in ascending order, as "0-6, 8"."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and runs[-1][-1] == layer - 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
