"""What a metric may ask of one layer, and the same layer under other labels or without some of its images."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.kept import Kept
from subspacelens_tui.geometry import GeometryError, NullSummary, mean_off_diagonal
from subspacelens_tui.geometry.contraction import Contraction
from subspacelens_tui.geometry.updates import Update

if TYPE_CHECKING:
    from subspacelens_tui.analysis.metrics.registry import Metric
    from subspacelens_tui.analysis.statistics.pairs_of_layers import LabelEvidence

Float64Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

# Of each every group is left out in turn: with more of them the error moves by a few per cent.
PERMUTED_MEMBERS = 10


class Need(Enum):
    """What a metric needs of the statistics of a layer; what a kind cannot give it says, with the reason."""

    IMAGES = "two images or more"
    CLASSES = "two classes or more"
    RATES = "coding rates at ε"
    SPECTRUM = "the eigenvalues of all images"
    SUBSPACES = "the subspaces of the classes"
    HALVES = "random halves of the classes"
    VECTORS = "all feature vectors at once"
    UPDATE = "what the block receives beside what it puts out"
    PERMUTATIONS = "permuted labels"
    SUBJECTS = "which images are of one subject"
    BRANCHES = "the other branch of guidance"
    STEPS = "the other captured steps"


BESIDE = (Need.UPDATE, Need.SUBJECTS, Need.BRANCHES, Need.STEPS)
"""What relates a layer's images to something else by their N × N Gram matrices."""


@dataclass(frozen=True)
class Labelings:
    """Permuted labels.

    Attributes:
        codes: (P, groups) the class of each image, or of whatever keeps its label together.
        key: what they were drawn by; the first so many of a key are the same however many there are.
    """

    codes: Codes
    key: Hashable

    def first(self, count: int) -> "Labelings":
        """So many of them."""
        return Labelings(self.codes[:count], self.key)


class LayerStatistics(Kept, ABC):
    """One layer of some images in a feature transform, as far as metrics need it.

    Everything is computed when it is first asked for. What cannot be had raises `GeometryError`, with the
    reason in words.

    Args:
        settings: resolved, with a subspace dimension.

    Attributes:
        lacks: what this kind of statistics cannot give, and why.
    """

    lacks: ClassVar[Mapping[Need, str]] = {}
    # What has a feature vector.
    column: ClassVar[str] = "an image"

    width: int
    images: int
    classes: Sequence[str]
    index: int

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings

    def why_not(self, need: Need) -> str | None:
        """Why a need is not met; None if it is."""
        if need in self.lacks:
            return self.lacks[need]
        if need is Need.IMAGES and self.images < 2:
            return "one image has no geometry yet"
        if need is Need.CLASSES and len(self.classes) < 2:
            return f"there is one class only ({self.classes[0]})"
        return None

    @property
    def columns(self) -> int:
        """How many feature vectors there are: N, or one for each token."""
        return self.images

    @property
    def subspace_dim(self) -> int:
        """r, the dimension of the class subspaces."""
        assert self.settings.subspace_dim is not None
        return self.settings.subspace_dim

    @cached_property
    def eps(self) -> float:
        """ε of this layer: the one asked for, or the one at which R is as asked."""
        iso = self.settings.iso_rate
        return self.settings.eps if iso is None else self.iso_rate_eps(iso)

    @property
    def shown_eps(self) -> float:
        """The same; the one asked for if no ε gives the rate asked for."""
        try:
            return self.eps
        except GeometryError:
            return self.settings.eps

    def iso_rate_eps(self, rate: float) -> float:
        """The ε at which R equals a rate in nats."""
        raise NotImplementedError

    @abstractmethod
    def coding_rate(self) -> float:
        """R in nats at ε."""

    @abstractmethod
    def class_rate(self) -> float:
        """Rc in nats at ε."""

    @abstractmethod
    def eigenvalues(self) -> Float64Array:
        """Those of the Gram matrix that are not 0 by its shape or by the means removed, ascending."""

    @abstractmethod
    def effective_rank(self) -> float:
        """Of the singular values, to what rounding leaves of them."""

    @abstractmethod
    def unbiased_participation_ratio(self) -> float:
        """Over pairs of different images."""

    def subspace_means(self) -> tuple[float, float]:
        """Overlap and variance explained of the class subspaces, each the mean off the diagonal."""
        overlap, explained = (mean_off_diagonal(matrix) for matrix in self.subspaces())
        return float(overlap), float(explained)

    def spectrum(self) -> Float64Array:
        """The eigenvalues as they are shown, descending."""
        return self.eigenvalues()[::-1]

    def subspaces(self) -> tuple[Float64Array, Float64Array]:
        """The same, pair by pair (classes, classes)."""
        raise NotImplementedError

    def split_half_means(self) -> tuple[float, float]:
        """Overlap of random halves of one class, and of two."""
        raise NotImplementedError

    def features(self) -> Float64Array:
        """The feature vectors (d, N) as they are."""
        raise NotImplementedError

    def update(self) -> Update:
        """What the block does to its input, of centred features."""
        raise NotImplementedError

    def contraction(self) -> Contraction:
        """The fit of a denoiser to the gains along the eigenvectors of the input."""
        raise NotImplementedError

    def contraction_nulls(self) -> tuple[NullSummary, NullSummary]:
        """The nulls of its slope and of its R², by the settings' seed."""
        raise NotImplementedError

    def label_part(self) -> tuple[float, float]:
        """L_y in nats at ε, and the product of norms by which it becomes a cosine."""
        raise NotImplementedError

    def label_evidence(self, labelings: Labelings | None = None) -> "LabelEvidence":
        """L_y under permuted labels, default: those of the settings; and its excess under rotations."""
        raise NotImplementedError

    def knn(self, labelings: Codes | None = None) -> Float64Array:
        """The accuracy (P,) of nearest neighbours of other subjects under labelings; (1,) of the labels."""
        raise NotImplementedError

    def cka_of_branches(self) -> float:
        """Unbiased CKA with the same layer on the other branch."""
        raise NotImplementedError

    def cka_of_branches_null(self) -> NullSummary:
        """Its null, with the images of one branch permuted."""
        raise NotImplementedError

    def cka_of_steps(self) -> Float64Array:
        """The same between all captured steps."""
        raise NotImplementedError

    @property
    def labels(self) -> npt.NDArray[Any]:
        """The class of each image (N,)."""
        raise NotImplementedError

    @abstractmethod
    def column_values(self, key: str) -> Float64Array | None:
        """The metric of single images (N,), NaN where one has none; None if its mean is all there is."""

    def column_mean(self, key: str) -> float:
        """The mean of a metric of single images.

        Raises:
            GeometryError: one of them has none.
        """
        values = self.column_values(key)
        assert values is not None
        if np.isnan(values).any():
            raise GeometryError(f"{self.column} has all-zero features")
        return float(values.mean())

    @abstractmethod
    def coordinate_squares(self) -> Float64Array:
        """Σ z² (d,) over the images, coordinate by coordinate, in the feature transform."""

    def rounding(self, values: Mapping[str, Any]) -> Mapping[str, float]:
        """Metric → how far rounding may have moved it, of those values that are not right to a millionth."""
        return {}

    def massive(self) -> str:
        """What is so much larger than the rest that rounding matters; "" if nothing is."""
        return ""

    @classmethod
    def relabelled(
        cls, layers: "Sequence[LayerStatistics]", labelings: Labelings, watch: Watch
    ) -> "Sequence[Resampled]":
        """Each of some layers under the labelings."""
        raise NotImplementedError

    def left_out(self, by: str, watch: Watch, codes: Codes | None = None) -> "Resampled":
        """The layer without each "image", "seed" or "subject" in turn.

        Args:
            by: which.
            watch: progress and cancellation.
            codes: permuted labels, as a row of `Labelings`; None for its own.

        Raises:
            GeometryError: there is one of them only.
        """
        raise NotImplementedError

    def null_left_out(
        self, metrics: "Sequence[Metric]", by: str, labelings: Labelings, watch: Watch
    ) -> "dict[str, Float64Array | GeometryError]":
        """Metric → its mean under permuted labels (m,) without each "image", "seed" or "subject" in turn.

        The permutations are fixed, each restricted to the images that are left. Where there is no closed form
        the first `PERMUTED_MEMBERS` of them are used. What cannot be had is its reason.

        Raises:
            GeometryError: there is one image, seed or subject only.
            Cancelled: see `Watch`.
        """
        found: dict[str, list[Float64Array] | GeometryError] = {metric.key: [] for metric in metrics}
        for codes in labelings.first(PERMUTED_MEMBERS).codes:
            without = self.left_out(by, watch, codes)
            able = [metric for metric in metrics if isinstance(found[metric.key], list)]
            without.prepare(able)
            for metric in able:
                rows = found[metric.key]
                assert isinstance(rows, list)
                try:
                    rows.append(without.values([metric])[metric.key])
                except GeometryError as error:
                    found[metric.key] = error
        return {
            key: rows if isinstance(rows, GeometryError) else np.mean(rows, axis=0)
            for key, rows in found.items()
        }


class Resampled(ABC):
    """One layer many times over: under permuted labels, or without each of its groups in turn.

    Attributes:
        layer: as it is.
        strata: the class of each group that is left out, as of `strata_of`; None for other resamplings.
    """

    strata: Codes | None = None

    def __init__(self, layer: LayerStatistics) -> None:
        self.layer = layer
        self._found: dict[str, Float64Array] = {}
        self._failed: dict[str, GeometryError] = {}

    @abstractmethod
    def members(self) -> Iterator[LayerStatistics]:
        """The layer each time anew."""

    def observed(self, metric: "Metric", value: float) -> float:
        """The value of the layer itself, had as the members have theirs, so that rounding cancels."""
        return value

    def closed_form(self, metric: "Metric") -> Float64Array | None:
        """The values of a metric without going through the members; None where there is no such form."""
        return None

    def values(self, metrics: Sequence["Metric"]) -> dict[str, Float64Array]:
        """Metric → its values, one for each member.

        Raises:
            GeometryError: one of them cannot be had.
            Cancelled: see `Watch`.
        """
        self.prepare(metrics)
        for metric in metrics:
            for base in metric.bases:
                if base.key in self._failed:
                    raise self._failed[base.key]
        return {metric.key: metric.of_values(self._found) for metric in metrics}

    def prepare(self, metrics: Sequence["Metric"]) -> None:
        """Have the values of some metrics ready, with one go through the members for all of them."""
        bases = {base.key: base for metric in metrics for base in metric.bases}
        generic = []
        for metric in bases.values():
            if metric.key not in self._found and metric.key not in self._failed:
                try:
                    values = self.closed_form(metric)
                except GeometryError as error:
                    self._failed[metric.key] = error
                    continue
                if values is None:
                    generic.append(metric)
                else:
                    self._found[metric.key] = values
        rows: dict[str, list[float]] = {metric.key: [] for metric in generic}
        for member in self.members() if generic else ():
            for metric in generic:
                if metric.key not in self._failed:
                    try:
                        rows[metric.key].append(metric.value(member))
                    except GeometryError as error:
                        self._failed[metric.key] = error
            if all(metric.key in self._failed for metric in generic):
                break
        self._found |= {key: np.asarray(row) for key, row in rows.items() if key not in self._failed}
