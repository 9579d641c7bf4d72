"""What an analysis returns: plain, immutable records that the app, the command line and exports share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.excluded_images import LeftOut
from subspacelens_tui.analysis.metrics import METRICS, Cost, Shape
from subspacelens_tui.analysis.quantities import HEADLINE, Quantity, quantity
from subspacelens_tui.analysis.rounding import rounding_notes
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.pairs_of_layers import MatrixNull
from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar
from subspacelens_tui.analysis.uncertainty.multiple_tests import MultipleTests
from subspacelens_tui.geometry import NullSummary
from subspacelens_tui.sessions.steps import step_name

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LayerResult:
    """The metrics of one layer, each an attribute by its key: a value, or None with the reason in `missing`.

    Attributes:
        layer: index among the recorded blocks, 0 the first.
        name: the block's name in the model.
        width: d, the length of a feature vector.
        eps: ε of this layer: the one asked for, or the one that gives the layer the rate asked for.
        rank_ceiling: min(N, d), which no rank exceeds.
        values: key → number or record, of the metrics that there are.
        arrays: key → matrix or curve.
        nulls: key → its values under permuted labels, if permutations were asked for.
        errors: key → its jackknife error bar, if asked for; of an excess under "excess" or "KEY.excess".
        missing: key → why there is no value; also for "nulls", "errors", "null of …" and "error of …".
        rounding: key → how far rounding may have moved it, of those that are not right to a millionth.
        massive: what is so much larger than the rest that rounding matters, if anything.
        model_number: the block's number in the model, where only some blocks are recorded.
    """

    layer: int
    name: str
    width: int
    eps: float
    rank_ceiling: int
    values: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Float64Array] = field(default_factory=dict, compare=False, repr=False)
    nulls: Mapping[str, NullSummary] = field(default_factory=dict)
    errors: Mapping[str, ErrorBar] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    rounding: Mapping[str, float] = field(default_factory=dict)
    massive: str = ""
    model_number: int | None = None

    @property
    def number(self) -> int:
        """The block's number in the model, in run order from 0: what people read."""
        return self.layer if self.model_number is None else self.model_number

    def __getattr__(self, key: str) -> Any:
        if key in METRICS:
            return self.values.get(key)
        raise AttributeError(f"there is no metric {key!r}")

    @property
    def null(self) -> NullSummary | None:
        """The null of ΔR, the metric to headline."""
        return self.nulls.get(HEADLINE)

    def why_missing(self, name: str) -> str:
        """Why a quantity is None; empty if no reason is known."""
        if name in METRICS:
            keys: tuple[str, ...] = (name,)
        else:
            key = quantity(name).metric.key
            keys = (key, f"null of {key}", "nulls")
        return next((self.missing[key] for key in keys if key in self.missing), "")

    def to_json(self) -> dict[str, Any]:
        """One entry of `layers` of `analyze --json`."""
        record: dict[str, Any] = {"layer": self.number, "name": self.name, "width": self.width}
        record |= {"eps": self.eps, "rank_ceiling": self.rank_ceiling}
        for metric in METRICS.of_shape(Shape.SCALAR, Shape.RECORD):
            value = self.values.get(metric.key)
            if value is not None or metric.cost is not Cost.DEFERRED:
                record[metric.key] = asdict(value) if is_dataclass(value) else value  # type: ignore[arg-type]
        if self.null is not None:
            of_delta = asdict(self.null)
            record |= {f"null_{name}": of_delta[name] for name in ("mean", "std", "low", "high")}
            record |= {name: of_delta[name] for name in ("excess", "z", "p")}
        if self.nulls:
            record["nulls"] = {key: asdict(null) for key, null in self.nulls.items()}
        if self.errors:
            record["errors"] = {key: bar.to_json() for key, bar in self.errors.items()}
        if self.missing:
            record["missing"] = dict(self.missing)
        if self.rounding:
            record["rounding"] = dict(self.rounding)
        return record


@dataclass(frozen=True)
class Subset:
    """That the results are of a part of the images: how many there are, and the seed of the draw."""

    of: int
    seed: int


@dataclass(frozen=True)
class Result:
    """All layers of a session under one set of settings.

    Attributes:
        settings: what was asked, with the session's defaults filled in.
        images: how many images the results are of.
        classes: class names, those of one coarser class side by side, see `ordered_classes`.
        class_sizes: images of each class.
        layers: the metrics, layer by layer; empty while nothing is recorded.
        image_keys: prompt and seed of each image, in order.
        timestep: the scheduler's, at their step; None where the session does not say.
        subset: what they are a seeded subset of, where there are too many images; else None.
        notes: what the reader of the results should know (N < d, images left out, …), a line each.
        left_out: the images that are not finite, if any.
        losses: those of the notes that say what was recorded and is not in the results.
        absent: why there are no layers; empty if there are.
        matrices: key → matrix, layers × layers, of those that were asked for.
        matrix_nulls: key → its null.
        missing: key → why such a matrix is missing.
    """

    settings: Settings
    images: int
    classes: tuple[str, ...]
    class_sizes: tuple[int, ...]
    layers: tuple[LayerResult, ...]
    image_keys: tuple[tuple[str, int], ...] = ()
    timestep: float | None = None
    subset: Subset | None = None
    notes: tuple[str, ...] = ()
    left_out: LeftOut | None = None
    losses: tuple[str, ...] = ()
    absent: str = ""
    matrices: Mapping[str, Float64Array] = field(default_factory=dict, compare=False, repr=False)
    matrix_nulls: Mapping[str, MatrixNull] = field(default_factory=dict, compare=False, repr=False)
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def step_name(self) -> str:
        """Their denoising step for people, `19 (t 50)`."""
        return step_name(self.settings.step, self.timestep)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of each layer the number of its block in the model."""
        return tuple(layer.number for layer in self.layers)

    def why_missing(self, name: str) -> str:
        """Why a quantity is missing, as the first layer that says it; empty if none does."""
        if not self.layers:
            return f"there are no images to use: {self.notes[0]}" if self.notes else "there are no images yet"
        return next(filter(None, (layer.why_missing(name) for layer in self.layers)), "")

    @property
    def rounding(self) -> tuple[str, ...]:
        """The notes that say what rounding may have moved; they are among `notes` too."""
        return tuple(rounding_notes(self.layers))

    def curve(self, name: str) -> list[float | None]:
        """One quantity over the layers: a metric by its key, or `KEY.excess`, `KEY.z`, … of its null."""
        asked: Quantity = quantity(name)
        return [asked.value(layer) for layer in self.layers]

    def tests(self, key: str) -> MultipleTests:
        """The tests of a metric at all layers, read together."""
        return MultipleTests.of([layer.nulls.get(key) for layer in self.layers])

    def stack(self, key: str) -> Float64Array | None:
        """The matrices or curves of all layers on top of each other, NaN where a layer has none.

        None where no layer has one, or the layers differ in shape.
        """
        return stacked([layer.arrays.get(key) for layer in self.layers])

    @cached_property
    def overlap(self) -> Float64Array | None:
        """(layers, classes, classes) of the class subspaces."""
        return self.stack("overlap")

    @cached_property
    def explained(self) -> Float64Array | None:
        """The same of the variance explained: row the class of the subspace, column the one explained."""
        return self.stack("explained")

    @cached_property
    def spectra(self) -> Float64Array | None:
        """Eigenvalues of the Gram matrices (layers, N), descending."""
        return self.stack("spectra")


def stacked(arrays: Sequence[Float64Array | None]) -> Float64Array | None:
    """Arrays of one shape on top of each other, NaN for None; None if there is none, or shapes differ."""
    found = [array for array in arrays if array is not None]
    if len({array.shape for array in found}) != 1:
        return None
    missing = np.full(found[0].shape, np.nan)
    return np.stack([missing if array is None else array for array in arrays])
