"""What an analysis returns: plain, immutable records that the app, the command line and exports share."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.geometry.nulls import NullSummary

FIGURES = ("R", "Rc", "delta_R", "ratio", "effective_rank", "overlap_mean", "hoyer")


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
        nulls: figure → its values under permuted labels, if permutations were asked for; for Rc and the
            ratio the smaller values are the more structured.
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
    nulls: dict[str, NullSummary] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def null(self) -> NullSummary | None:
        """The null of ΔR, the figure to headline."""
        return self.nulls.get("delta_R")

    def to_json(self) -> dict[str, Any]:
        """One entry of `layers` of `analyze --json`."""
        record: dict[str, Any] = {"layer": self.layer, "name": self.name, "width": self.width}
        record |= {figure: getattr(self, figure) for figure in FIGURES}
        if self.null is not None:
            of_delta = asdict(self.null)
            record |= {f"null_{name}": of_delta[name] for name in ("mean", "std", "low", "high")}
            record |= {name: of_delta[name] for name in ("excess", "z", "p")}
            record["nulls"] = {figure: asdict(null) for figure, null in self.nulls.items()}
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
