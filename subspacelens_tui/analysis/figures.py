"""What an analysis returns: plain, immutable records that the app, the command line and exports share."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.errors import ErrorBar
from subspacelens_tui.analysis.left_out import LeftOut
from subspacelens_tui.analysis.rounding import rounding_notes
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.geometry import NullSummary, ProjectionNormality
from subspacelens_tui.sessions.steps import step_name

FIGURES = (
    "R",
    "Rc",
    "delta_R",
    "ratio",
    "effective_rank",
    "eigenvalue_rank",
    "participation_ratio",
    "participation_ratio_unbiased",
    "stable_rank",
    "overlap_mean",
    "explained_mean",
    "split_half_ceiling",
    "split_half_mean",
    "hoyer",
    "hoyer_gaussian",
    "hoyer_laplace",
)
THOROUGH = ("split_half_ceiling", "split_half_mean", "hoyer_gaussian", "hoyer_laplace")


@dataclass(frozen=True)
class LayerFigures:
    """The figures of one layer; None where one cannot be computed, with the reason in `missing`.

    Attributes:
        layer: index of the block, 0 the first.
        name: the block's name in the model.
        width: d, the length of a feature vector.
        eps: ε of this layer: the one asked for, or the one that gives the layer the rate asked for.
        rank_ceiling: min(N, d), which no rank exceeds.
        R, Rc, delta_R: coding rate, class rate and rate reduction, in nats.
        ratio: Rc/R.
        effective_rank: exp of the entropy of the normalised singular values.
        eigenvalue_rank: the same of the eigenvalues.
        participation_ratio: (Σλ)²/Σλ², biased low where N is small.
        participation_ratio_unbiased: the same by U-statistics.
        stable_rank: Σλ/λ_max.
        overlap_mean: mean off-diagonal subspace overlap.
        explained_mean: mean off-diagonal variance explained.
        split_half_ceiling, split_half_mean: overlap between random halves of a class, and between halves of
            different classes, both at half the images; only if thorough.
        hoyer: mean Hoyer sparsity of the images' vectors, always of the raw features.
        hoyer_gaussian, hoyer_laplace: what it is for such entries at this width; only if thorough.
        normality: Jarque–Bera on random projections; only if thorough.
        nulls: figure → its values under permuted labels, if permutations were asked for; for Rc, the ratio
            and the overlap the smaller values are the more structured.
        errors: figure → its jackknife error bar, if asked for.
        missing: figure → why it is None; also for "nulls", "errors" and "normality".
        rounding: figure → how far rounding may have moved it, of those that are not right to a millionth.
        massive: what is so much larger than the rest that rounding matters, if anything.
    """

    layer: int
    name: str
    width: int
    eps: float
    rank_ceiling: int
    R: float | None = None
    Rc: float | None = None
    delta_R: float | None = None
    ratio: float | None = None
    effective_rank: float | None = None
    eigenvalue_rank: float | None = None
    participation_ratio: float | None = None
    participation_ratio_unbiased: float | None = None
    stable_rank: float | None = None
    overlap_mean: float | None = None
    explained_mean: float | None = None
    split_half_ceiling: float | None = None
    split_half_mean: float | None = None
    hoyer: float | None = None
    hoyer_gaussian: float | None = None
    hoyer_laplace: float | None = None
    normality: ProjectionNormality | None = None
    nulls: dict[str, NullSummary] = field(default_factory=dict)
    errors: dict[str, ErrorBar] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    rounding: dict[str, float] = field(default_factory=dict)
    massive: str = ""

    @property
    def null(self) -> NullSummary | None:
        """The null of ΔR, the figure to headline."""
        return self.nulls.get("delta_R")

    def why_missing(self, figure: str) -> str:
        """Why a figure is None; empty if no reason is known. The names are those of `Figures.curve`."""
        asked = (figure,) if figure in FIGURES else ("delta_R", "nulls")
        return next((self.missing[name] for name in asked if name in self.missing), "")

    def to_json(self) -> dict[str, Any]:
        """One entry of `layers` of `analyze --json`."""
        record: dict[str, Any] = {"layer": self.layer, "name": self.name, "width": self.width}
        record |= {"eps": self.eps, "rank_ceiling": self.rank_ceiling}
        record |= {
            figure: getattr(self, figure)
            for figure in FIGURES
            if figure not in THOROUGH or getattr(self, figure) is not None
        }
        if self.normality is not None:
            record["normality"] = asdict(self.normality)
        if self.null is not None:
            of_delta = asdict(self.null)
            record |= {f"null_{name}": of_delta[name] for name in ("mean", "std", "low", "high")}
            record |= {name: of_delta[name] for name in ("excess", "z", "p")}
            record["nulls"] = {figure: asdict(null) for figure, null in self.nulls.items()}
        if self.errors:
            record["errors"] = {
                figure: {"standard_error": bar.standard_error, "low": bar.low, "high": bar.high}
                for figure, bar in self.errors.items()
            }
        if self.missing:
            record["missing"] = self.missing
        if self.rounding:
            record["rounding"] = self.rounding
        return record


@dataclass(frozen=True)
class Subset:
    """That the figures are of a part of the images: how many there are, and the seed of the draw."""

    of: int
    seed: int


@dataclass(frozen=True)
class Figures:
    """All layers of a session under one set of settings.

    Attributes:
        settings: what was asked, with the session's defaults filled in.
        images: how many images the figures are of.
        classes: class names, those of one coarser class side by side, see `ordered_classes`.
        class_sizes: images of each class.
        layers: the figures, layer by layer; empty while nothing is recorded.
        overlap: (layers, classes, classes), or None where `overlap_mean` is missing in every layer;
            NaN where a layer's is.
        explained: the same of the variance explained: row the class whose subspace it is, column the one
            explained.
        spectra: eigenvalues of the Gram matrices (layers, N), descending; None with fewer than two images.
        image_keys: prompt and seed of each image, in order.
        timestep: the scheduler's, at their step; None where the session does not say.
        subset: what they are a seeded subset of, where there are too many images; else None.
        notes: what the reader of the figures should know (N < d, images left out, …), a line each.
        left_out: the images that are not finite, if any.
        losses: those of the notes that say what these figures are not of although it was recorded.
        absent: why there are no layers; empty where there are.
    """

    settings: Settings
    images: int
    classes: tuple[str, ...]
    class_sizes: tuple[int, ...]
    layers: tuple[LayerFigures, ...]
    overlap: npt.NDArray[np.float64] | None = None
    explained: npt.NDArray[np.float64] | None = None
    spectra: npt.NDArray[np.float64] | None = None
    image_keys: tuple[tuple[str, int], ...] = ()
    timestep: float | None = None
    subset: Subset | None = None
    notes: tuple[str, ...] = ()
    left_out: LeftOut | None = None
    losses: tuple[str, ...] = ()
    absent: str = ""

    @property
    def step_name(self) -> str:
        """Their denoising step for people, `19 (t 50)`."""
        return step_name(self.settings.step, self.timestep)

    def why_missing(self, figure: str) -> str:
        """Why a figure is missing, as the first layer that says it; empty if none does.

        Args:
            figure: as of `curve`.
        """
        if not self.layers:
            return f"there are no images to use: {self.notes[0]}" if self.notes else "there are no images yet"
        return next(filter(None, (layer.why_missing(figure) for layer in self.layers)), "")

    @property
    def rounding(self) -> tuple[str, ...]:
        """The notes that say what rounding may have moved; they are among `notes` too."""
        return tuple(rounding_notes(self.layers))

    def curve(self, figure: str) -> list[float | None]:
        """One figure over the layers; null figures by their names there ("excess", "z", …) or "null_…"."""
        if figure in FIGURES:
            return [getattr(layer, figure) for layer in self.layers]
        name = figure.removeprefix("null_")
        return [getattr(layer.null, name) if layer.null else None for layer in self.layers]
