"""Which two classes overlap most and least at a layer, each pair with its null and its error."""

from dataclasses import dataclass, replace
from itertools import combinations

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.deferred import overlap_errors
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.layers import layer_of
from subspacelens_tui.analysis.progress import IsCancelled, Progress
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.uncertainty.multiple_tests import MultipleTests

PAIR_METRICS = ("overlap_mean", "delta_R")
"""What is said of a pair: its overlap, and the ΔR between the two."""


@dataclass(frozen=True)
class Pair:
    """Two classes, and the metrics of their images alone at one layer."""

    first: str
    second: str
    layer: LayerResult


@dataclass(frozen=True)
class Pairs:
    """All pairs of classes of a label scheme at one layer.

    Attributes:
        pairs: the most overlapping first.
        layer: number of its block in the model.
        of: one of the results they are from, whose settings all share but for the classes.
        notes: what the reader should know.
        losses: those of them that say what is left out.
    """

    pairs: tuple[Pair, ...]
    layer: int
    of: Result
    notes: tuple[str, ...]
    losses: tuple[str, ...]

    def tests(self, key: str) -> MultipleTests:
        """The tests of a metric of all pairs, read together."""
        return MultipleTests.of([pair.layer.nulls.get(key) for pair in self.pairs])


def pairs(
    analyzer: Analyzer,
    settings: Settings,
    layer: int | None = None,
    cancelled: IsCancelled | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """The overlap of every two classes at a layer (default: the last), with nulls and errors of these two.

    Of each pair only its own images take part, as with `Settings.classes`: the null exchanges the labels of
    the two, and the dimension of their subspaces is the same in all pairs.

    Raises:
        SettingsError: if the session lacks what is asked, or has no layer of that number.
        NoImagesError: if it has no images.
        Cancelled: once `cancelled` says True.
    """
    alone = replace(settings, permutations=0, overlap_permutations=None, errors=None, quick=True)
    every = analyzer.result(alone, cancelled)
    if not every.layers:
        raise NoImagesError(every.absent)
    number = every.numbers[-1] if layer is None else layer
    place = layer_of(analyzer.session.manifest, number)
    two = list(combinations(every.classes, 2))
    if not two:
        raise SettingsError(f"there is one class only ({every.classes[0]})")
    found, results = [], []
    asked = replace(settings, subspace_dim=every.settings.subspace_dim)
    for done, (first, second) in enumerate(two):
        of = analyzer.result(replace(asked, classes=(first, second)), cancelled, layer=place)
        results.append(of)
        found.append(Pair(first, second, overlap_errors(analyzer, of, 0, cancelled)))
        if progress is not None:
            progress("pairs of classes", done + 1, len(two))
    found.sort(key=lambda pair: -(pair.layer.overlap_mean or 0.0))
    return Pairs(tuple(found), number, results[0], every.notes, every.losses)
