"""One metric over all configurations of a session: guidance scales and captured steps by layers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.analysis.metrics import Cost
from subspacelens_tui.analysis.progress import IsCancelled, Progress
from subspacelens_tui.analysis.quantities import names, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.sessions import Branch, Manifest


@dataclass(frozen=True)
class Sweep:
    """A metric over configurations and layers.

    Attributes:
        figure: its name.
        rows: the configurations, guidance by guidance, in each step by step.
        values: (rows, layers), NaN where the metric is missing.
        peaks, dips: for each row the layer of the most prominent interior maximum and minimum; None where
            the curve has none.
        timesteps: the scheduler's at the step of each row; None where the session does not say.
        notes: what the reader should know, of any configuration.
        losses: those of them that say what is left out.
        absent: why there is no image at any configuration; empty if there is one.
    """

    figure: str
    rows: tuple[Configuration, ...]
    values: Float64Array
    peaks: tuple[int | None, ...]
    dips: tuple[int | None, ...]
    timesteps: tuple[float | None, ...]
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    absent: str = ""


def sweep(
    analyzer: Analyzer,
    settings: Settings,
    figure: str,
    cancelled: IsCancelled | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Compute one metric at every guidance scale and captured step that has the settings' branch.

    `cancelled` and `progress` are as of `Analyzer.figures`.

    Raises:
        SettingsError: if there is no such metric, or none of the configurations has the branch.
        Cancelled: once `cancelled` says True.
    """
    if figure not in names():
        raise SettingsError(f"there is no metric {figure!r} to sweep: use one of {', '.join(names())}")
    asked = quantity(figure)
    if asked.of_null and not settings.permutations:
        raise SettingsError(f"{figure} needs permutations: add --permutations 200")
    if asked.metric.cost is Cost.DEFERRED:
        settings = replace(settings, thorough=True)
    rows = configurations(analyzer.session.manifest, settings.branch)
    if not rows:
        raise SettingsError("there is no uncond branch in this session: it was recorded at guidance 1 only")
    return swept(
        figure,
        [
            (
                row,
                analyzer.figures(
                    replace(settings, step=row.step, guidance=row.guidance), cancelled, progress
                ),
            )
            for row in rows
        ],
    )


def configurations(manifest: Manifest, branch: Branch) -> list[Configuration]:
    """The points of a session's sweep that have the branch, guidance by guidance, in each step by step."""
    return [
        Configuration(branch, step, guidance)
        for guidance in manifest.guidance
        if branch == "cond" or guidance > 1
        for step in manifest.capture_steps
    ]


def swept(figure: str, rows: Sequence[tuple[Configuration, Result]]) -> Sweep:
    """The sweep that metrics of several configurations make; NaN where one has no images."""
    layers = max((len(found.layers) for _, found in rows), default=0)
    values = np.full((len(rows), layers), np.nan)
    for row, (_, found) in zip(values, rows, strict=True):
        row[: len(found.layers)] = [np.nan if value is None else value for value in found.curve(figure)]
    return Sweep(
        figure,
        tuple(row for row, _ in rows),
        values,
        peaks=tuple(prominent_peak(row) for row in values),
        dips=tuple(prominent_peak(-row) for row in values),
        timesteps=tuple(found.timestep for _, found in rows),
        notes=tuple(dict.fromkeys(note for _, found in rows for note in found.notes)),
        losses=tuple(dict.fromkeys(note for _, found in rows for note in found.losses)),
        absent="" if layers or not rows else rows[0][1].absent,
    )


def prominent_peak(curve: Float64Array) -> int | None:
    """The layer of the most prominent interior maximum of a curve; None if it has none or has gaps."""
    # Imported here: the app loads this module at its start.
    from scipy.signal import find_peaks

    if not np.isfinite(curve).all():
        return None
    peaks, properties = find_peaks(curve, prominence=0)
    return int(peaks[np.argmax(properties["prominences"])]) if len(peaks) else None
