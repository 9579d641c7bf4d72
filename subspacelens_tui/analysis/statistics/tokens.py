"""Layers of single tokens: every token a column, the tokens of an image kept together."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.metrics import METRICS, Metric, Need
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.rounding import massive, rates_moved
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.base import (
    BESIDE,
    Codes,
    Float64Array,
    Labelings,
    LayerStatistics,
    Resampled,
)
from subspacelens_tui.analysis.statistics.columns import Columns, values_of
from subspacelens_tui.analysis.statistics.groups import groups_of, kept_without, mean_without, strata_of
from subspacelens_tui.analysis.statistics.token_columns import (
    TokenColumns,
    known_effective_rank,
    subspaces,
    token_view,
    unbiased_participation_ratio,
)
from subspacelens_tui.analysis.statistics.token_jackknife import rates_without_images
from subspacelens_tui.geometry import (
    GeometryError,
    coding_rate_from_spectrum,
    iso_rate_eps,
)
from subspacelens_tui.geometry.iso_rate import refined_eps
from subspacelens_tui.geometry.rounding import TOLERANCE, rates_lost

_TOKENS_ONLY = "it is of token means only"
# Tokens whose norms are taken together.
_AT_ONCE = 2048


class TokenPart(LayerStatistics):
    """Some images' tokens under some labels: rates by Cholesky factors, as for every resampling.

    Args:
        raw: the tokens.
        codes: the class of each image (N,).
        settings: resolved, with a subspace dimension.
    """

    column = "a token"

    def __init__(self, raw: TokenColumns, codes: Codes, settings: Settings) -> None:
        super().__init__(settings)
        self.raw, self.codes = raw, codes
        self.images, self.width = len(raw.rows), raw.width
        self.classes = [str(code) for code in np.unique(codes)]

    @property
    def columns(self) -> int:
        """Tokens."""
        return self.raw.count

    @cached_property
    def viewed(self) -> TokenColumns:
        """The tokens in their feature transform."""
        return token_view(self.raw, self.settings.features, self.codes)

    def coding_rate(self) -> float:
        """Without eigenvalues."""
        return self.viewed.coding_rate(self.eps)

    def class_rate(self) -> float:
        """Without eigenvalues."""
        return self.viewed.class_rate(self.codes, self.eps)

    @cached_property
    def _spectrum(self) -> Float64Array:
        return self.viewed.spectrum()

    def eigenvalues(self) -> Float64Array:
        """Of the scatter or the Gram matrix, whichever is smaller."""
        return self._spectrum

    @cached_property
    def _known_rank(self) -> tuple[float, float]:
        return known_effective_rank(self.viewed.flat, self._spectrum)

    def effective_rank(self) -> float:
        """From eigenvalues, or from singular values where they do not hold it."""
        return self._known_rank[0]

    def unbiased_participation_ratio(self) -> float:
        """Over pairs of tokens of different images."""
        if "centred" in self.settings.features:
            raise GeometryError("of centred tokens there is no unbiased one")
        return unbiased_participation_ratio(self.viewed, self._spectrum)

    @cached_property
    def _subspaces(self) -> tuple[Float64Array, Float64Array, float]:
        return subspaces(self.viewed, self.codes, self.subspace_dim)

    def subspaces(self) -> tuple[Float64Array, Float64Array]:
        """Of the tokens of each class."""
        return self._subspaces[:2]

    def column_values(self, key: str) -> Float64Array:
        """For each image the mean over its tokens."""
        flat, compute = self.raw.flat, METRICS[key].compute
        parts = [values_of(compute, Columns(flat[i : i + _AT_ONCE])) for i in range(0, len(flat), _AT_ONCE)]
        means: Float64Array = np.concatenate(parts).reshape(self.images, -1).mean(axis=1)
        return means

    def coordinate_squares(self) -> Float64Array:
        """Over all tokens."""
        squares: Float64Array = np.einsum("nd,nd->d", self.viewed.flat, self.viewed.flat)
        return squares


class TokenLayer(TokenPart):
    """All tokens of one layer.

    Args:
        index: of it.
        raw: the tokens.
        codes: the class of each image (N,).
        images: their prompts and seeds.
        classes: names, in the order of the codes.
        settings: resolved, with a subspace dimension.
    """

    lacks: Mapping[Need, str] = dict.fromkeys((Need.HALVES, Need.VECTORS, *BESIDE), _TOKENS_ONLY)  # type: ignore[misc]

    def __init__(
        self,
        index: int,
        raw: TokenColumns,
        codes: Codes,
        images: Images,
        classes: tuple[str, ...],
        settings: Settings,
    ) -> None:
        super().__init__(raw, codes, settings)
        self.index, self.of, self.classes = index, images, classes

    def iso_rate_eps(self, rate: float) -> float:
        """From the spectrum, refined where it does not hold the rate."""
        viewed, spectrum = self.viewed, self._spectrum
        eps = float(iso_rate_eps(spectrum, viewed.width, viewed.count, rate))
        if not rates_lost(rate, rate, viewed.moved(spectrum, eps)):
            return eps
        rate_at = replace(viewed, massive=True).coding_rate
        return refined_eps(eps, spectrum, viewed.width, viewed.count, rate, rate_at)

    def coding_rate(self) -> float:
        """From the spectrum, or from singular values."""
        return self._rates[0]

    def class_rate(self) -> float:
        """By Cholesky factors, or from singular values."""
        return self._rates[1]

    @property
    def massive_rates(self) -> bool:
        """Whether products of the tokens do not hold the rates."""
        return self._rates[2]

    @cached_property
    def _rates(self) -> tuple[float, float, bool]:
        viewed, eps, several = self.viewed, self.eps, len(self.classes) > 1
        R = float(coding_rate_from_spectrum(self._spectrum, viewed.width, viewed.count, eps))
        Rc, is_massive = R, True
        with suppress(GeometryError):  # too large for factors of Gram matrices
            Rc = viewed.class_rate(self.codes, eps) if several else R
            is_massive = bool(rates_lost(R, Rc, viewed.moved(self._spectrum, eps)))
        if is_massive:
            of_vectors = replace(viewed, massive=True)
            R, Rc = of_vectors.coding_rate(eps), of_vectors.class_rate(self.codes, eps)
        return R, Rc, is_massive

    @cached_property
    def _subspaces(self) -> tuple[Float64Array, Float64Array, float]:
        moved = math.inf  # what seems flat may not be so
        with suppress(GeometryError):
            *found, moved = subspaces(self.viewed, self.codes, self.subspace_dim)
        if moved > TOLERANCE:
            return subspaces(replace(self.viewed, massive=True), self.codes, self.subspace_dim)
        return found[0], found[1], moved

    @property
    def massive_subspaces(self) -> bool:
        """Whether products of the tokens do not hold the subspaces."""
        try:
            return subspaces(self.viewed, self.codes, self.subspace_dim)[2] > TOLERANCE
        except GeometryError:
            return True

    def rounding(self, values: Mapping[str, Any]) -> Mapping[str, float]:
        """Of what there is."""
        moved: dict[str, float] = {}
        if "R" in values and self.massive_rates:
            by = replace(self.viewed, massive=True).rates_rounding(self.codes, self.eps)
            moved |= {key: far for key, far in rates_moved(*self._rates[:2], *by).items() if key in values}
        if "effective_rank" in values and self._known_rank[1] > TOLERANCE * self._known_rank[0]:
            moved["effective_rank"] = self._known_rank[1]
        if "overlap_mean" in values and self._subspaces[2] > TOLERANCE:
            moved |= dict.fromkeys(("overlap_mean", "explained_mean"), self._subspaces[2])
        return moved

    def massive(self) -> str:
        """From the tokens."""
        return massive(self.raw.flat.T)

    @classmethod
    def relabelled(
        cls, layers: Sequence[LayerStatistics], labelings: Labelings, watch: Watch
    ) -> Sequence[Resampled]:
        """Whole images change their class."""
        return [Relabelled(layer, labelings, watch) for layer in cast(Sequence[TokenLayer], layers)]

    def left_out(self, by: str, watch: Watch, codes: Codes | None = None) -> Resampled:
        """All tokens of each image, seed or subject."""
        return LeftOut(self, by, watch, codes)

    def part(self, kept: npt.NDArray[np.intp], codes: Codes, of_vectors: bool) -> TokenPart:
        """Some of the images under some labels.

        Args:
            kept: which.
            codes: their classes.
            of_vectors: whether products of the tokens are to be avoided.
        """
        raw = self.raw if len(kept) == self.images else self.raw.take(kept)
        settings = replace(self.settings, eps=self.eps, iso_rate=None)
        part = TokenPart(replace(raw, massive=of_vectors), codes, settings)
        if len(kept) == self.images and settings.features != "class-centred":
            part.viewed = replace(self.viewed, massive=of_vectors)
        return part


class Relabelled(Resampled):
    """Tokens whose images have permuted labels.

    Args:
        layer: as it is.
        labelings: of the images.
        watch: progress and cancellation.
    """

    def __init__(self, layer: TokenLayer, labelings: Labelings, watch: Watch) -> None:
        super().__init__(layer)
        self._whole, self._codes, self._watch = layer, labelings.codes, watch

    def members(self) -> Iterator[TokenPart]:
        """One after the other."""
        return self._under(self._whole.massive_rates)

    def _under(self, of_vectors: bool) -> Iterator[TokenPart]:
        every = np.arange(self._whole.images)
        for codes in self._codes:
            self._watch.check()
            yield self._whole.part(every, codes, of_vectors)

    def closed_form(self, metric: Metric) -> Float64Array | None:
        """R does not depend on the labels but in the class-centred view; subspaces need care of their own."""
        if metric.key == "R" and self._whole.settings.features != "class-centred":
            return np.full(len(self._codes), self._whole.coding_rate())
        if Need.SUBSPACES in metric.needs:
            return self._subspace_means[:, int(metric.key == "explained_mean")]
        return None

    @cached_property
    def _subspace_means(self) -> npt.NDArray[Any]:
        return np.asarray([part.subspace_means() for part in self._under(self._whole.massive_subspaces)])


class LeftOut(Resampled):
    """Tokens without those of each image, seed or subject in turn.

    Args:
        layer: as it is.
        by: which.
        watch: progress and cancellation.
        codes: permuted labels; None for its own.

    Raises:
        GeometryError: there is one of them only.
    """

    def __init__(self, layer: TokenLayer, by: str, watch: Watch, codes: Codes | None = None) -> None:
        super().__init__(layer)
        self._codes = layer.codes if codes is None else codes
        self._whole, self._watch, self._of_images = layer, watch, by == "image"
        self._groups = groups_of(layer.of, by)
        self.strata = strata_of(self._groups, layer.codes)

    def members(self) -> Iterator[TokenPart]:
        """One after the other."""
        for kept in kept_without(self._groups):
            self._watch.check()
            yield self._whole.part(kept, self._codes[kept], self._whole.massive_rates)

    def closed_form(self, metric: Metric) -> Float64Array | None:
        """Of means, and of rates without single images."""
        if metric.mean:
            return mean_without(self._whole.column_values(metric.key), self._groups)
        if metric.key in ("R", "Rc") and self._of_images:
            return self._rates[metric.key == "Rc"]
        return None

    @cached_property
    def _rates(self) -> tuple[Float64Array, Float64Array]:
        features, viewed = self._whole.settings.features, self._whole.viewed
        if features == "class-centred":
            viewed = token_view(self._whole.raw, features, self._codes)
        viewed = replace(viewed, massive=self._whole.massive_rates)
        return rates_without_images(viewed, features, self._codes, self._whole.eps)
