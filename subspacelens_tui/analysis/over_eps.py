"""The excess at one layer over ε: whether what is found at one coding precision is found at others."""

from dataclasses import dataclass, replace

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.layers import layer_of
from subspacelens_tui.analysis.progress import IsCancelled, Progress
from subspacelens_tui.analysis.quantities import HEADLINE
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.uncertainty.multiple_tests import MultipleTests

# Half octaves, three octaves either way.
_STEPS = range(-6, 7)


@dataclass(frozen=True)
class OverEps:
    """The rates of one layer at several ε.

    Attributes:
        layers: one for each ε, ascending; `LayerResult.eps` says which.
        of: a result they are from, whose settings all share but for ε.
    """

    layers: tuple[LayerResult, ...]
    of: Result

    def tests(self) -> MultipleTests:
        """The tests of ΔR at all ε, read together."""
        return MultipleTests.of([layer.nulls.get(HEADLINE) for layer in self.layers])


def over_eps(
    analyzer: Analyzer,
    settings: Settings,
    layer: int | None = None,
    cancelled: IsCancelled | None = None,
    progress: Progress | None = None,
) -> OverEps:
    """The rates of a layer (default: the last), with nulls and errors, at ε from an eighth to eight times ε.

    Raises:
        SettingsError: if the session lacks what is asked, has no such layer, or ε is chosen by a rate.
        NoImagesError: if it has no images.
        Cancelled: once `cancelled` says True.
    """
    if settings.iso_rate is not None:
        raise SettingsError("over ε there is no one rate for all layers: leave --iso-rate out")
    manifest = analyzer.session.manifest
    place = max(0, len(manifest.blocks) - 1)
    if layer is not None and manifest.blocks:
        place = layer_of(manifest, layer)
    results = []
    for done, step in enumerate(_STEPS):
        at = replace(settings, eps=settings.eps * 2 ** (step / 2), overlap_permutations=0, quick=True)
        found = analyzer.result(at, cancelled, layer=place)
        if not found.layers:
            raise NoImagesError(found.absent)
        results.append(found)
        if progress is not None:
            progress("values of ε", done + 1, len(_STEPS))
    middle = results[len(results) // 2]
    return OverEps(tuple(found.layers[0] for found in results), middle)
