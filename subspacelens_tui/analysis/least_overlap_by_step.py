"""The layer of least overlap at each captured step, and whether it moves from step to step."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.least_overlap import Separation, separation, words
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.geometry import NullSummary


@dataclass(frozen=True)
class SeparationRow:
    """Where the classes overlap least at one captured step, and what permuted labels give there.

    Attributes:
        step: the captured step.
        timestep: the scheduler's at it; None where the session does not say.
        layer: number of the layer of least mean overlap.
        candidates: the layers that cannot be told from it, see `separation`; none where there is no error.
        overlap, null: of that layer.
    """

    step: int
    layer: int | None
    candidates: tuple[int, ...]
    overlap: float | None
    null: NullSummary | None
    timestep: float | None = None


@dataclass(frozen=True)
class Separations:
    """All captured steps, what is to be said of them together, and how many images they are of."""

    rows: tuple[SeparationRow, ...]
    words: str
    images: int


def separations(
    analyzer: Analyzer, settings: Settings, watch: Watch, result_at: Callable[[int], Result]
) -> Separations:
    """Find the layer of least overlap at each captured step.

    Args:
        analyzer: of the session.
        settings: of the overlap.
        watch: who waits.
        result_at: gives the metrics of these settings at a step.

    Raises:
        Cancelled: see `Watch`.
    """
    steps = analyzer.session.manifest.capture_steps
    rows, found, why, images = [], [], "", 0
    for step in steps:
        result = result_at(step)
        images = max(images, result.images)
        overlaps = np.array([np.inf if value is None else value for value in result.curve("overlap_mean")])
        if not np.isfinite(overlaps).any():
            why = why or result.absent
            rows.append(SeparationRow(step, None, (), None, None, result.timestep))
            continue
        best = int(np.argmin(overlaps))
        candidates: tuple[int, ...] = ()
        try:
            of_step = _at(analyzer, replace(settings, step=step), watch, overlaps, len(steps))
            of_step = of_step.numbered(result.numbers)
            found.append(of_step)
            candidates = of_step.candidates
        except (SettingsError, NoImagesError) as error:
            why = str(error)
        layer = result.layers[best]
        null = layer.nulls.get("overlap_mean")
        rows.append(SeparationRow(step, layer.number, candidates, layer.overlap_mean, null, result.timestep))
    if len(found) < len(steps):
        reason = f"Whether the layer of least overlap moves cannot be said: {why or 'none is known'}"
        return Separations(tuple(rows), reason, images)
    return Separations(tuple(rows), words(found), images)


def _at(
    analyzer: Analyzer, settings: Settings, watch: Watch, overlaps: Float64Array, steps: int
) -> Separation:
    bars = analyzer.overlap_errors(settings, "auto", watch.cancelled, watch.progress)
    kinds = range(len(bars[0].left_out))
    return separation(overlaps, [np.stack([bar.left_out[k] for bar in bars], axis=1) for k in kinds], steps)
