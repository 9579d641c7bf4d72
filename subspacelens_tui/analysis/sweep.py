"""One metric over all configurations of a session: guidance scales and captured steps by layers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.analysis.metrics import Cost
from subspacelens_tui.analysis.progress import IsCancelled, Progress
from subspacelens_tui.analysis.quantities import names, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.uncertainty.jackknife import Strata, combined_error
from subspacelens_tui.analysis.uncertainty.multiple_tests import LEVEL, MultipleTests
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.sessions import Branch, Manifest

_UNMARKED = "peaks and dips are not marked: {} has no error here to tell them from noise"


@dataclass(frozen=True)
class Sweep:
    """A metric over configurations and layers.

    Attributes:
        metric: its key.
        rows: the configurations, guidance by guidance, in each step by step.
        values: (rows, layers), NaN where the metric is missing.
        peaks, dips: for each row the layer of the most prominent interior maximum and minimum that stands
            out beyond noise, see `extremes`; None where the curve has none, or no error.
        timesteps: the scheduler's at the step of each row; None where the session does not say.
        tests: those of the metric in all cells, row by row, read together; None without a null.
        numbers: of each layer the number of its block in the model.
        notes: what the reader should know, of any configuration.
        losses: those of them that say what is left out.
        absent: why there is no image at any configuration; empty if there is one.
    """

    metric: str
    rows: tuple[Configuration, ...]
    values: Float64Array
    peaks: tuple[int | None, ...]
    dips: tuple[int | None, ...]
    timesteps: tuple[float | None, ...]
    numbers: tuple[int, ...]
    tests: MultipleTests | None = None
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    absent: str = ""

    @property
    def passes(self) -> npt.NDArray[np.bool_]:
        """(rows, layers) which cells pass together with the others."""
        if self.tests is None:
            return np.zeros(self.values.shape, dtype=bool)
        return np.asarray(self.tests.survive).reshape(self.values.shape)


def sweep(
    analyzer: Analyzer,
    settings: Settings,
    metric: str,
    cancelled: IsCancelled | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Compute one metric at every guidance scale and captured step that has the settings' branch.

    `cancelled` and `progress` are as of `Analyzer.result`.

    Raises:
        SettingsError: if there is no such metric, or none of the configurations has the branch.
        Cancelled: once `cancelled` says True.
    """
    if metric not in names():
        raise SettingsError(f"there is no metric {metric!r} to sweep: use one of {', '.join(names())}")
    asked = quantity(metric)
    if asked.needs_permutations and not settings.permutations:
        raise SettingsError(f"{metric} needs permutations: add --permutations 200")
    settings = replace(settings, between_layers=asked.metric.cost is Cost.PAIRS)
    if asked.metric.cost is Cost.DEFERRED:
        settings = replace(settings, metrics=(asked.metric.key,))
    rows = configurations(analyzer.session.manifest, settings.branch)
    if not rows:
        raise SettingsError(
            "there is no uncond branch in this session: at none of its guidance scales does a pass leave "
            "the prompt out"
        )
    return swept(
        metric,
        [
            (
                row,
                analyzer.result(replace(settings, step=row.step, guidance=row.guidance), cancelled, progress),
            )
            for row in rows
        ],
    )


def configurations(manifest: Manifest, branch: Branch) -> list[Configuration]:
    """The points of a session's sweep that have the branch, guidance by guidance, in each step by step."""
    return [
        Configuration(branch, step, guidance)
        for guidance in manifest.guidance
        if branch in manifest.branches_at(guidance)
        for step in manifest.capture_steps
    ]


def swept(metric: str, rows: Sequence[tuple[Configuration, Result]]) -> Sweep:
    """The sweep that metrics of several configurations make; NaN where one has no images."""
    layers = max((len(found.layers) for _, found in rows), default=0)
    values = np.full((len(rows), layers), np.nan)
    for row, (_, found) in zip(values, rows, strict=True):
        row[: len(found.layers)] = [np.nan if value is None else value for value in found.curve(metric)]
    marks = [extremes(found, metric) for _, found in rows]
    notes = dict.fromkeys(note for _, found in rows for note in found.notes)
    if layers and not any(has_errors(found, metric) for _, found in rows):
        notes[_UNMARKED.format(quantity(metric).label)] = None
    return Sweep(
        metric,
        tuple(row for row, _ in rows),
        values,
        peaks=tuple(peak for peak, _ in marks),
        dips=tuple(dip for _, dip in marks),
        timesteps=tuple(found.timestep for _, found in rows),
        numbers=max((found.numbers for _, found in rows), key=len, default=()),
        tests=tests_of([found for _, found in rows], metric, layers),
        notes=tuple(notes),
        losses=tuple(dict.fromkeys(note for _, found in rows for note in found.losses)),
        absent="" if layers or not rows else rows[0][1].absent,
    )


def tests_of(rows: Sequence[Result], metric: str, layers: int) -> MultipleTests | None:
    """The tests of a metric over configurations and layers, row by row; None where there is no null."""
    key = quantity(metric).metric.key
    nulls = [
        found.layers[layer].nulls.get(key) if layer < len(found.layers) else None
        for found in rows
        for layer in range(layers)
    ]
    return MultipleTests.of(nulls) if any(nulls) else None


def has_errors(found: Result, metric: str) -> bool:
    """Whether a quantity has its error at every layer, without which no peak is told from noise."""
    asked = quantity(metric)
    return bool(found.layers) and all(asked.error(layer) is not None for layer in found.layers)


def extremes(found: Result, metric: str) -> tuple[int | None, int | None]:
    """The layers of the most prominent interior maximum and minimum, as far as they stand out beyond noise.

    A peak does if the curve falls from it on both sides, to the bases that scipy's prominence is of, by more
    than the error of that difference: the jackknife with the same images left out of both layers, at 5 % over
    all interior layers (Bonferroni), for the peak was chosen among them. A curve that breaks has neither.
    """
    asked = quantity(metric)
    if width_breaks(found, metric):
        return None, None
    bars = [asked.error(layer) for layer in found.layers]
    if not bars or any(bar is None for bar in bars):
        return None, None
    curve = np.asarray([np.nan if value is None else value for value in found.curve(metric)])
    per_kind = zip(*(bar.left_out for bar in bars if bar is not None), strict=True)
    left_out = [np.stack(of_kind, axis=1) for of_kind in per_kind]
    strata = bars[0].strata if bars[0] is not None else ()
    below = [-values for values in left_out]
    return _beyond_noise(curve, left_out, strata), _beyond_noise(-curve, below, strata)


def _beyond_noise(curve: Float64Array, left_out: Sequence[Float64Array], strata: Strata) -> int | None:
    """The layer of the most prominent interior maximum if it stands out; `left_out` are (m, L) each."""
    # Imported here: the app loads this module at its start.
    from scipy.signal import peak_prominences

    peak = prominent_peak(curve)
    if peak is None:
        return None
    _, [left], [right] = peak_prominences(curve, [peak])
    level = 1 - 2 * LEVEL / (2 * max(1, len(curve) - 2))
    for base in (int(left), int(right)):
        falls = [values[:, peak] - values[:, base] for values in left_out]
        _, margin = combined_error(falls, level, strata)
        if curve[peak] - curve[base] <= margin:
            return None
    return peak


def prominent_peak(curve: Float64Array) -> int | None:
    """The layer of the most prominent interior maximum of a curve; None if it has none or has gaps."""
    # Imported here: the app loads this module at its start.
    from scipy.signal import find_peaks

    if not np.isfinite(curve).all():
        return None
    peaks, properties = find_peaks(curve, prominence=0)
    return int(peaks[np.argmax(properties["prominences"])]) if len(peaks) else None
