"""Metrics that will not get better, kept for a selection that needs them again."""

from collections import OrderedDict
from dataclasses import replace
from typing import NamedTuple

from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import ErrorsBy, Settings
from subspacelens_tui.app.selection import Selection
from subspacelens_tui.app.snapshots import Analysis
from subspacelens_tui.sessions.format import Manifest

# Metrics of this many label schemes and branches: keys that go back and forth find them.
_KEPT = 8


class _Final(NamedTuple):
    """Metrics with as many permutations as there will be, and the errors that were asked for with them."""

    result: Result
    permutations: int
    errors: ErrorsBy | None


class FinalResults:
    """The newest of them, by their settings without errors."""

    def __init__(self) -> None:
        self._final: OrderedDict[Settings, _Final] = OrderedDict()

    def keep(self, analysis: Analysis, manifest: Manifest) -> None:
        """Keep an analysis that is as good as it will be."""
        for which, settings in analysis.selection.wanted(manifest).items():
            key = replace(settings, errors=None)
            self._final[key] = _Final(analysis.results[which], analysis.permutations, settings.errors)
            self._final.move_to_end(key)
        while len(self._final) > _KEPT:
            self._final.popitem(last=False)

    def clear(self) -> None:
        """Forget them: the images have changed."""
        self._final.clear()

    def has_all(self, selection: Selection, manifest: Manifest) -> bool:
        """Whether all that a selection needs is there, with whatever errors."""
        return all(replace(of, errors=None) in self._final for of in selection.wanted(manifest).values())

    def known(self, selection: Selection, manifest: Manifest) -> Analysis | None:
        """The analysis of a selection that asks for nothing new; None if it asks for more.

        Where other error bars are asked for, it is without any, and being refined.
        """
        if not self.has_all(selection, manifest):
            return None
        wanted = selection.wanted(manifest)
        found = {which: self._final[replace(of, errors=None)] for which, of in wanted.items()}
        as_asked = all(found[which].errors == of.errors for which, of in wanted.items())
        results = {
            which: of.result if as_asked else _without_errors(of.result) for which, of in found.items()
        }
        final = as_asked or selection.settings.errors is None
        permutations = min(of.permutations for of in found.values())
        return Analysis(selection, results, permutations, refining=not final)


def _without_errors(result: Result) -> Result:
    layers = tuple(replace(layer, errors={}) for layer in result.layers)
    return replace(result, settings=replace(result.settings, errors=None), layers=layers)
