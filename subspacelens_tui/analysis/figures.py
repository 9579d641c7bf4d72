"""What an analysis returns: plain, immutable records that the app, the command line and exports share."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.settings import Settings

FIGURES = ("R", "Rc", "delta_R", "ratio", "effective_rank", "overlap_mean", "hoyer")


@dataclass(frozen=True)
class Null:
    """ΔR under permuted labels, in nats, and where the observed ΔR stands in it.

    Attributes:
        mean, std: of ΔR over the permutations.
        low, high: the central 95 % of the permutations.
        excess: observed ΔR minus the mean.
        z: excess in units of std; None where std is 0.
        p: (1 + #{null ≥ observed}) / (1 + permutations).
        permutations: how many there were.
    """

    mean: float
    std: float
    low: float
    high: float
    excess: float
    z: float | None
    p: float
    permutations: int


@dataclass(frozen=True)
class LayerFigures:
    """The figures of one layer; None where one cannot be computed, with the reason in `missing`.

    Attributes:
        layer: index of the block, 0 the first.
        name: the block's name in the model.
        width: d, the length of a feature vector.
        R, Rc, delta_R: coding rate, class rate and rate reduction, in nats.
        ratio: Rc/R.
        effective_rank: exp of the entropy of the normalised singular values.
        overlap_mean: mean off-diagonal subspace overlap.
        hoyer: mean Hoyer sparsity of the images' vectors.
        null: of ΔR under permuted labels, if permutations were asked for.
        missing: figure → why it is None.
    """

    layer: int
    name: str
    width: int
    R: float | None
    Rc: float | None
    delta_R: float | None
    ratio: float | None
    effective_rank: float | None
    overlap_mean: float | None
    hoyer: float | None
    null: Null | None = None
    missing: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One entry of `layers` of `analyze --json`."""
        record: dict[str, Any] = {"layer": self.layer, "name": self.name, "width": self.width}
        record |= {figure: getattr(self, figure) for figure in FIGURES}
        if self.null is not None:
            record |= {
                "null_mean": self.null.mean,
                "null_std": self.null.std,
                "null_low": self.null.low,
                "null_high": self.null.high,
                "excess": self.null.excess,
                "z": self.null.z,
                "p": self.null.p,
            }
        if self.missing:
            record["missing"] = self.missing
        return record


@dataclass(frozen=True)
class Figures:
    """All layers of a session under one set of settings.

    Attributes:
        settings: what was asked, with the session's defaults filled in.
        images: how many images the figures are of.
        classes: class names in order of first appearance among the prompts.
        class_sizes: images of each class.
        layers: the figures, layer by layer; empty while nothing is recorded.
        overlap: (layers, classes, classes), or None where `overlap_mean` is missing in every layer;
            NaN where a layer's is.
        notes: what the reader of the figures should know (N < d, images left out, …), a line each.
    """

    settings: Settings
    images: int
    classes: tuple[str, ...]
    class_sizes: tuple[int, ...]
    layers: tuple[LayerFigures, ...]
    overlap: npt.NDArray[np.float64] | None
    notes: tuple[str, ...] = ()

    def curve(self, figure: str) -> list[float | None]:
        """One figure over the layers; null figures by their names there ("excess", "z", …) or "null_…"."""
        if figure in FIGURES:
            return [getattr(layer, figure) for layer in self.layers]
        name = figure.removeprefix("null_")
        return [getattr(layer.null, name) if layer.null else None for layer in self.layers]
