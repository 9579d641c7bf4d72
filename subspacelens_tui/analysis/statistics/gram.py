"""Layers from their Gram matrices (N, N): all metrics, with closed forms for nulls and errors."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.metrics.registry import METRICS, Metric
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.base import (
    Codes,
    Labelings,
    LayerStatistics,
    Need,
    Resampled,
)
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.gram_permuted import PermutedLayers
from subspacelens_tui.analysis.statistics.gram_resampled import LeftOut, Relabelled
from subspacelens_tui.analysis.statistics.gram_sample import Sample
from subspacelens_tui.analysis.statistics.groups import groups_of
from subspacelens_tui.analysis.statistics.pairs_of_layers import (
    Elsewhere,
    LabelEvidence,
    block_grams,
    gram_of,
    stacked_u_centred,
)
from subspacelens_tui.geometry import (
    GeometryError,
    NullSummary,
    null_rates_left_out,
    summarize_null,
)
from subspacelens_tui.geometry.cka import cka_null_std, cka_of, permuted_cka
from subspacelens_tui.geometry.contraction import Contraction, contraction_nulls, fit_contraction
from subspacelens_tui.geometry.from_features import view_of_features
from subspacelens_tui.geometry.label_part import LabelPart
from subspacelens_tui.geometry.neighbours import knn_accuracy, nearest_of_other_groups
from subspacelens_tui.geometry.updates import BlockGrams, Update, normal_null

ColumnValues = Mapping[str, Float64Array]
"""Metric of single images → its values (layers, N)."""
# Of which the error of an excess is, in closed form: from 50 to 200 it moves by some two per cent.
PERMUTED_RATES = 50


class GramLayer(LayerStatistics):
    """One layer of a sample. What it computes the sample keeps.

    Args:
        sample: of all layers.
        index: of this one.
        settings: resolved, with a subspace dimension.
        columns: the metrics of single images.
        elsewhere: the same images at other points of the session.
        labelings: permuted labels; or why there are none; None if none were asked for.
        watch: progress and cancellation.
    """

    def __init__(
        self,
        sample: Sample,
        index: int,
        settings: Settings,
        columns: ColumnValues,
        elsewhere: Elsewhere,
        labelings: Labelings | str | None = None,
        watch: Watch = Watch(),  # noqa: B008 - it is frozen
    ) -> None:
        super().__init__(settings)
        self.sample, self.index, self._columns = sample, index, columns
        self._elsewhere, self.labelings, self._watch = elsewhere, labelings, watch
        self.width, self.images, self.classes = sample.widths[index], sample.count, sample.classes

    def why_not(self, need: Need) -> str | None:
        """Also where the session has no other branch or step, or no permutations are asked for."""
        if need is Need.PERMUTATIONS:
            if self.labelings is None:
                return "it needs permutations: add --permutations 200"
            return self.labelings if isinstance(self.labelings, str) else None
        if need is Need.BRANCHES and self._elsewhere.branch is None:
            return "there is one branch only at this guidance"
        if need is Need.STEPS and len(self._elsewhere.steps) < 2:
            return "one step was captured only"
        return super().why_not(need)

    def iso_rate_eps(self, rate: float) -> float:
        """From the spectrum."""
        return self.sample.iso_rate_eps(self.index, rate)

    @cached_property
    def _at_once(self) -> bool:
        """Whether the rates of all layers are had for the price of one."""
        return self.settings.iso_rate is None and self.sample.knows_eigenvalues(self.subspace_dim)

    def coding_rate(self) -> float:
        """From the spectrum where that is known, else from a Cholesky factor."""
        if self._at_once:
            return self.sample.rates_at_once(self.eps)[0][self.index]
        return self.sample.coding_rate(self.index, self.eps)

    def class_rate(self) -> float:
        """From the classes' spectra where they are known, else from their factors."""
        if self._at_once:
            return self.sample.rates_at_once(self.eps)[1][self.index]
        return self.sample.class_rate(self.index, self.eps)

    def eigenvalues(self) -> Float64Array:
        """Of the features where the Gram matrix does not hold them."""
        return self.sample.known_spectrum(self.index)

    def effective_rank(self) -> float:
        """Of the same."""
        return self.sample.effective_rank(self.index)

    def unbiased_participation_ratio(self) -> float:
        """From the Gram matrix."""
        return self.sample.unbiased_participation_ratio(self.index)

    def spectrum(self) -> Float64Array:
        """N of them."""
        spectrum: Float64Array = self.sample.spectrum(self.index)[::-1]
        return spectrum

    def subspaces(self) -> tuple[Float64Array, Float64Array]:
        """From the eigenvectors of the classes' blocks."""
        found = self.sample.subspaces(self.index, self.subspace_dim)
        return np.asarray(found.overlap), np.asarray(found.variance_explained)

    def split_half_means(self) -> tuple[float, float]:
        """By the settings' seed."""
        return self.sample.split_half_means(self.index, self.subspace_dim, self.settings.seed)

    def features(self) -> Float64Array:
        """From the session."""
        return self.sample.features(self.index)

    @property
    def labels(self) -> npt.NDArray[Any]:
        """Names."""
        return np.asarray(self.sample.labels)

    def column_values(self, key: str) -> Float64Array:
        """Taken when the images were read."""
        values: Float64Array = self._columns[key][self.index]
        return values

    def coordinate_squares(self) -> Float64Array:
        """From the features."""
        Z = view_of_features(self.features(), self.sample.view, self.labels)
        squares: Float64Array = np.einsum("dn,dn->d", Z, Z)
        return squares

    def block_grams(self) -> BlockGrams:
        """The products of what the block receives and what it adds; those of one layer are kept."""
        return self.sample.keep_last(
            "block", self.index, lambda: block_grams(self.index, self.sample.features, self._elsewhere)
        )

    def update(self) -> Update:
        """From these, once for all label schemes."""
        return self.sample.pooled.keep((self.index, "update"), lambda: Update.of(self.block_grams()))

    def contraction(self) -> Contraction:
        """Of its gains."""
        return self.sample.pooled.keep(
            (self.index, "fit of gains"), lambda: fit_contraction(self.update().gains)
        )

    def contraction_nulls(self) -> tuple[NullSummary, NullSummary]:
        """By refits."""
        seed = self.settings.seed
        return self.sample.pooled.keep(
            (self.index, "refits of gains", seed),
            lambda: contraction_nulls(self.contraction(), self.update().gains, seed),
        )

    def _label_part(self) -> LabelPart:
        return self.sample.keep_last(
            "label part", (self.index, self.eps), lambda: LabelPart(self.block_grams(), self.eps)
        )

    def label_part(self) -> tuple[float, float]:
        """By an inverse of each class's block."""

        def found() -> tuple[float, float]:
            part = self._label_part()
            return part.value(self.labels), part.scale(self.labels)

        return self.sample.keep_last((self.index, "label value"), self.eps, found)

    def label_evidence(self, labelings: Labelings | None = None) -> LabelEvidence:
        """By an inverse of each class's block for each labelling."""
        labelings = labelings or self.labelings  # type: ignore[assignment]
        assert isinstance(labelings, Labelings)

        def found() -> LabelEvidence:
            value, _ = self.label_part()
            part = self._label_part()
            said = self._watch.of(f"label part of layer {self.index}")
            permuted = part.under(labelings.codes, said, self._watch.cancelled)
            return LabelEvidence.of(value, permuted.values, part.rotation(self.labels, permuted))

        key = self.eps, labelings.key, len(labelings.codes)
        return self.sample.keep_last((self.index, "label evidence"), key, found)

    def knn(self, labelings: Codes | None = None) -> Float64Array:
        """The neighbours are found once for all labelings."""
        images = self.sample.images
        if len(set(zip(images.prompts, images.labels, strict=True))) == len(self.classes):
            raise GeometryError("each class is one subject: no image of another subject is of its class")

        def neighbours() -> npt.NDArray[np.intp]:
            return nearest_of_other_groups(gram_of(self.features()), np.asarray(images.prompts))

        codes = np.unique(self.labels, return_inverse=True)[1][None] if labelings is None else labelings
        return knn_accuracy(self.keep("neighbours", neighbours), codes)

    def cka_of_branches(self) -> float:
        """Of the same images."""
        one, other = self._branches()
        return float(cka_of(one, other)[0, 0])

    def cka_of_branches_null(self) -> NullSummary:
        """With the images of one branch permuted; without permutations a normal of its exact deviation."""
        value, count = self.cka_of_branches(), self.settings.permutations
        if not count:
            return normal_null(value, cka_null_std(self.images))
        one, other = self._branches()
        drawn = permuted_cka(one, other, count, self.settings.seed, self._watch.cancelled)
        return summarize_null(value, drawn[:, 0, 0], "greater")

    def _branches(self) -> tuple[Float64Array, Float64Array]:
        """U-centred Gram matrices (1, N, N) on both branches."""
        branch = self._elsewhere.branch
        assert branch is not None
        one, other = stacked_u_centred(of for of in (self.features(), branch(self.index)))
        return one[None], other[None]

    def cka_of_steps(self) -> Float64Array:
        """Of the same images."""
        at = self._elsewhere.at_step
        centred = stacked_u_centred(at(step, self.index) for step in self._elsewhere.steps)
        return cka_of(centred, centred)

    def rounding(self, values: Mapping[str, Any]) -> Mapping[str, float]:
        """Of the rates and of what is known of spectra and subspaces."""
        if self.images < 2:
            return {}
        rank = self.subspace_dim if "overlap_mean" in values else None
        return self.sample.rounding(self.index, self.shown_eps, rank)

    def massive(self) -> str:
        """From the features."""
        return self.sample.massive(self.index)

    @classmethod
    def relabelled(
        cls, layers: Sequence[LayerStatistics], labelings: Labelings, watch: Watch
    ) -> Sequence[Resampled]:
        """Together, for their closed forms share what depends on the labels only."""
        mine = cast(Sequence[GramLayer], layers)
        sample = mine[0].sample.of_layers([layer.index for layer in mine])
        eps, r = [layer.eps for layer in mine], mine[0].subspace_dim
        together = PermutedLayers(sample, eps, r, labelings, watch)
        return [Relabelled(layer, place, together, labelings, watch) for place, layer in enumerate(mine)]

    def left_out(self, by: str, watch: Watch, codes: Codes | None = None) -> Resampled:
        """Of images in closed form as far as there is one."""
        return LeftOut(self, by, watch, codes)

    def null_left_out(
        self, metrics: Sequence[Metric], by: str, labelings: Labelings, watch: Watch
    ) -> dict[str, Float64Array | GeometryError]:
        """In closed form of rates, as far as their Gram matrix holds them."""
        rates = [metric for metric in metrics if {base.key for base in metric.bases} <= {"R", "Rc"}]
        if not rates or self.sample.rates_are_coarse(self.index, self.eps):
            return super().null_left_out(metrics, by, labelings, watch)
        found: dict[str, Float64Array | GeometryError] = {}
        try:
            found |= self._null_rates_left_out(rates, by, labelings.first(PERMUTED_RATES), watch)
        except GeometryError as error:
            found |= {metric.key: error for metric in rates}
        others = [metric for metric in metrics if metric not in rates]
        return found | (super().null_left_out(others, by, labelings, watch) if others else {})

    def _null_rates_left_out(
        self, rates: Sequence[Metric], by: str, labelings: Labelings, watch: Watch
    ) -> dict[str, Float64Array]:
        groups = None if by == "image" else groups_of(self.sample.images, by)
        precision = self.sample.precision(self.index, self.eps)
        R, Rc = null_rates_left_out(
            self.sample.raw[self.index],
            labelings.codes,
            groups,
            1,
            precision,
            self.sample.view,
            progress=watch.of("error bars of the excess"),
            cancelled=watch.cancelled,
        )
        if R is None:
            # The labels do not enter it.
            R = self.left_out(by, watch).values([METRICS["R"]])["R"]
        return {metric.key: metric.of_values({"R": R, "Rc": Rc}).mean(axis=0) for metric in rates}

    def keep(self, key: Any, compute: Any) -> Any:
        """With the sample."""
        return self.sample.keep((self.index, key), compute)

    def keep_last(self, what: Any, key: Any, compute: Any) -> Any:
        """With the sample."""
        return self.sample.keep_last((self.index, what), key, compute)

    def knows(self, key: Any) -> bool:
        """Whether the sample does."""
        return self.sample.knows((self.index, key))
