"""A run that steers at each layer in turn: where that works, and whether geometry tells where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.steered_images import SteeredImages
from subspacelens_tui.analysis.uncertainty.moved_curves import moved_around
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.format import Steering
from subspacelens_tui.sessions.ranges import ranges
from subspacelens_tui.steering.layer_choice import relative_shift

Float64Array = npt.NDArray[np.float64]
Values = tuple[float | None, ...]

# Their mean is taken off, which this many give well enough.
_PERMUTATIONS = 100
_LEVEL = 0.05
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "excess": ("excess", "ΔR of both classes over that of permuted labels, features of unit norm, nats"),
    "shift": ("shift", "‖μ_B − μ_A‖ / ‖z‖"),
    "overlap": ("overlap_mean", "overlap of the two class subspaces, features of unit norm"),
}


@dataclass(frozen=True)
class Predictor:
    """A curve of the natural images' geometry over the layers, and how the steering goes with it.

    Attributes:
        key: its name.
        about: what it is.
        values: layer by layer.
        correlation: Spearman's, with the outcome of the steering; None where either is constant or has a gap.
        p: share of moved curves whose |correlation| is as large.
    """

    key: str
    about: str
    values: Values
    correlation: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class OverLayers:
    """A run over the layers of the model.

    Attributes:
        method, control: of each layer its images steered by the method and by the control; None while there
            are none.
        outcome: what correlations are with, the share of images that are "clean", or judged "target" where no
            picture tells.
        predictors: of the two classes' natural images.
        depth: the correlation of the outcome with the number of the layer.
        moved: how many curves the null has: the outcome shifted around the layers by every number of them, as
            it is and reflected, itself among them.
        p: share of these in which the largest |correlation| of the predictors is as large as the largest is.
        verdict: whether geometry tells where steering works, in a line.
    """

    method: tuple[SteeredImages | None, ...]
    control: tuple[SteeredImages | None, ...]
    outcome: str
    predictors: tuple[Predictor, ...]
    depth: float | None
    moved: int
    p: float | None
    verdict: str

    @property
    def least_p(self) -> float:
        """The smallest p that so many layers can give."""
        return 1 / self.moved


def over_layers(
    rows: Sequence[SteeredImages], steering: Steering, source: Session, guidance: float
) -> OverLayers | None:
    """What came of a run layer by layer; None of one that has no sessions of several layers.

    Args:
        rows: of the run.
        steering: of any of its sessions.
        source: what it was fitted to.
        guidance: the scale.
    """
    steered = [row for row in rows if len(row.layers) == 1]
    if len({row.layers for row in steered}) < 2:
        return None
    count = len(source.manifest.blocks)
    method, control = (
        tuple(by_layer.get(layer) for layer in range(count))
        for by_layer in (
            {row.layers[0]: row for row in steered if (row.control is None) is own} for own in (True, False)
        )
    )
    outcome = "clean" if all(row is None or row.clean for row in method) else "target"
    shares = tuple(None if row is None else getattr(row, outcome).value for row in method)
    found = _predictors(source, steering, guidance)
    return _judged(method, control, outcome, shares, found)


def _judged(
    method: tuple[SteeredImages | None, ...],
    control: tuple[SteeredImages | None, ...],
    outcome: str,
    shares: Values,
    predictors: Sequence[Predictor],
) -> OverLayers:
    depth = rank_correlation(shares, tuple(float(layer) for layer in range(len(shares))))
    judged, p = judge_predictors(shares, predictors)
    return OverLayers(
        method=method,
        control=control,
        outcome=outcome,
        predictors=judged,
        depth=depth,
        moved=2 * len(shares),
        p=p,
        verdict=verdict(shares, judged, depth, p),
    )


def judge_predictors(
    outcome: Values, predictors: Sequence[Predictor]
) -> tuple[tuple[Predictor, ...], float | None]:
    """The predictors with correlation and p; and the p of the largest |correlation| among them.

    The null moves the outcome along the layers and leaves all predictors in place, so that the largest of
    several is compared with the largest of as many (Westfall & Young 1993).
    """
    complete = [p for p in predictors if rank_correlation(outcome, p.values) is not None]
    if not complete:
        return tuple(predictors), None
    of_outcome = np.array(outcome, dtype=np.float64)
    # (predictors, moved curves), of which the first is the outcome itself.
    found = np.array(
        [[rank_correlation(moved, p.values) for moved in moved_around(of_outcome)] for p in complete],
        dtype=np.float64,
    )
    sizes = np.abs(found).round(9)
    values = {
        p.key: (float(found[place, 0]), float((sizes[place] >= sizes[place, 0]).mean()))
        for place, p in enumerate(complete)
    }
    largest = sizes.max(axis=0)
    judged = tuple(
        Predictor(p.key, p.about, p.values, *values[p.key]) if p.key in values else p for p in predictors
    )
    return judged, float((largest >= largest[0]).mean())


def rank_correlation(a: Sequence[float | None] | Float64Array, b: Values) -> float | None:
    """Spearman's; None where one of both is constant or has a gap."""
    # Imported here, where few come: it takes longer than all else that the commands import.
    from scipy.stats import rankdata

    if any(value is None for value in (*a, *b)):
        return None
    x, y = (rankdata(np.asarray(of, dtype=np.float64)) for of in (a, b))
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else None


def verdict(shares: Values, predictors: Sequence[Predictor], depth: float | None, p: float | None) -> str:
    """Whether geometry tells where steering works, in a line.

    Args:
        shares: the outcome, layer by layer.
        predictors: judged.
        depth: correlation of the outcome with the number of the layer.
        p: of the largest |correlation| of the predictors.
    """
    layers, what = len(shares), "whether geometry tells where steering works"
    if None in shares:
        missing = [layer for layer, share in enumerate(shares) if share is None]
        return f"{what} cannot be told yet: layers {ranges(missing)} are missing"
    if p is None:
        return f"{what} cannot be told: the share is the same at all layers"
    known = [one for one in predictors if one.correlation is not None]
    best = max(known, key=lambda one: abs(one.correlation or 0))
    assert best.correlation is not None
    numbers = (
        f"largest correlation {best.correlation:+.2f} ({best.key}), p {p:.3f} for the largest of "
        f"{len(known)}; {2 * layers} shifts and reflections allow no p below {1 / (2 * layers):.3f}"
    )
    if depth is not None:
        numbers += f"; depth alone {depth:+.2f}"
    if 1 / (2 * layers) > _LEVEL:
        return f"{what} cannot be told with {layers} layers: {numbers}"
    if p > _LEVEL:
        return f"geometry is not shown to tell where steering works: {numbers}"
    if depth is not None and abs(best.correlation) <= abs(depth):
        return f"geometry tells no more of where steering works than depth does: {numbers}"
    return f"{best.key} goes with where steering works, in this pair of classes: {numbers}"


def _predictors(source: Session, steering: Steering, guidance: float) -> list[Predictor]:
    """Of natural images of both classes, means over the captured steps."""
    pair = (steering.source, steering.target)
    analyzer, steps = Analyzer(source), source.manifest.capture_steps

    def asked(step: int) -> Settings:
        return Settings(
            labels=steering.scheme,
            step=step,
            guidance=guidance,
            features="unit",
            permutations=_PERMUTATIONS,
            overlap_permutations=0,
            classes=pair,
            between_layers=False,
        )

    try:
        found = [analyzer.result(asked(step)) for step in steps]
        curves = {key: [of.curve(key) for of in found] for key in ("excess", "overlap_mean")}
    except SettingsError:  # a class of which too little is left
        curves = {}
    curves["shift"] = [_shifts(source, steering, guidance, step) for step in steps]
    return [
        Predictor(key, about, _mean(curves[name]))
        for key, (name, about) in _MEANINGS.items()
        if name in curves
    ]


def _shifts(source: Session, steering: Steering, guidance: float, step: int) -> list[float | None]:
    labels = np.asarray(source.labels(steering.scheme, guidance))
    found: list[float | None] = []
    for layer in range(len(source.manifest.blocks)):
        Z = source.features(layer, "cond", step, guidance).T
        found.append(relative_shift(Z[labels == steering.source], Z[labels == steering.target]))
    return found


def _mean(curves: Sequence[Sequence[float | None]]) -> Values:
    """Over steps; None where one of them has none."""
    return tuple(
        None if None in of_layer else float(np.mean([value for value in of_layer if value is not None]))
        for of_layer in zip(*curves, strict=True)
    )
