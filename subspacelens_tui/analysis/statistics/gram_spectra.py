"""The spectra and rates of a sample, layer by layer, with all that is computed kept for the next ε."""

import contextlib
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.statistics.by_features import ByFeatures
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.kept import Kept
from subspacelens_tui.analysis.statistics.transformed_grams import FeaturesOf, ViewedGrams
from subspacelens_tui.geometry import (
    GeometryError,
    View,
    class_rate_from_gram,
    class_rate_from_spectra,
    class_spectra,
    coding_rate_and_rounding,
    coding_rate_from_spectrum,
    gram_spectrum,
    iso_rate_eps,
)
from subspacelens_tui.geometry.from_features import Spectrum
from subspacelens_tui.geometry.inputs import FLOAT64_EPS
from subspacelens_tui.geometry.rounding import (
    TOLERANCE,
    effective_rank_rounding,
    rate_and_rounding,
    rates_lost,
)

SPECTRUM = "spectrum"
_AT_ONCE = "rates at once"


class SampleSpectra(Kept):
    """The Gram matrices of all layers over one set of images, the features they are of, and their rates.

    Where rounding of a Gram matrix could be seen in a metric, the metric comes from the features.

    Args:
        grams: (layers, N, N), of the features as they are.
        widths: d of each layer.
        images: which they are.
        classes: the classes that occur, in the order of the result's rows.
        view: the feature view that the metrics are of.
        pooled: keeps what these images have in this view whatever their labels, for all samples of them.
        features: gives the raw features (d, N) of a layer.

    Attributes:
        raw: the Gram matrices of the features as they are, see `ViewedGrams`.
        grams: those of the view.
        by_features: the same metrics from the features.
        sizes: images of each class.
        count: N.

    Raises:
        GeometryError: if the view cannot be had for these images.
    """

    def __init__(
        self,
        grams: Float64Array,
        widths: list[int],
        images: Images,
        classes: tuple[str, ...],
        view: View,
        pooled: Kept,
        features: FeaturesOf,
    ) -> None:
        super().__init__()
        self.images = images
        self.labels = images.labels
        self.classes = classes
        self.sizes = tuple(images.labels.count(name) for name in classes)
        self.count = len(images.labels)
        self.widths = widths
        self.view = view
        viewed = ViewedGrams.of(grams, features, view, images.labels)
        self.raw, self.grams, self._resolution = viewed.raw, viewed.viewed, viewed.resolution
        self.features = features
        self.by_features = ByFeatures(features, images.labels, classes, view)
        self.pooled = pooled

    def spectrum(self, layer: int) -> Float64Array:
        """Eigenvalues (N,) of a layer's Gram matrix, ascending."""
        if not self.spectrum_is_coarse(layer):
            return self._gram_spectrum(layer)
        known = self._exact_spectrum(layer).eigenvalues
        return np.concatenate([np.zeros(self.count - len(known)), known])

    def known_spectrum(self, layer: int) -> Float64Array:
        """The same without those that are 0 by the width, or by the means that the view removes."""
        return self.may_be_there(layer, self.spectrum(layer))

    def spectrum_is_coarse(self, layer: int) -> bool:
        """Whether the Gram matrix does not hold all eigenvalues, as far as the ranks depend on them."""
        return self.pooled.keep(("coarse", layer), lambda: self._spectrum_is_coarse(layer))

    def _spectrum_is_coarse(self, layer: int) -> bool:
        values, resolution = self.may_be_there(layer, self._gram_spectrum(layer)), self._resolution[layer]
        if not len(values) or values[-1] <= 0:
            return False
        # What is below the floor of the effective rank may be anything up to there.
        unknown = values[0] <= max(resolution, self.count * FLOAT64_EPS * values[-1])
        return bool(unknown or effective_rank_rounding(values, resolution) > TOLERANCE)

    def may_be_there(self, layer: int, spectrum: Float64Array, labels: Sequence[str] = ()) -> Float64Array:
        """Of ascending eigenvalues of some images those that are not 0 by the width or by removed means."""
        removed = {"centred": 1, "class-centred": len(set(labels or self.labels))}.get(self.view, 0)
        return spectrum[max(len(spectrum) - self.widths[layer], removed) :]

    def _gram_spectrum(self, layer: int) -> Float64Array:
        return self.pooled.keep((SPECTRUM, layer), lambda: np.asarray(gram_spectrum(self.grams[layer])))

    def _knows_spectrum(self, layer: int) -> bool:
        return self.pooled.knows((SPECTRUM, layer))

    def _exact_spectrum(self, layer: int) -> Spectrum:
        return self.pooled.keep(("exact", layer), lambda: self.by_features.spectrum(layer))

    def _exact_class_spectra(self, layer: int) -> list[Spectrum]:
        return self.keep(("exact classes", layer), lambda: self.by_features.class_spectra(layer))

    def rates_are_coarse(self, layer: int, eps: float) -> bool:
        """Whether rounding of a layer's Gram matrix could be seen in its rates."""
        return self._rates(layer, eps)[2]

    def coding_rate(self, layer: int, eps: float) -> float:
        """R of a layer, in nats: from its spectrum where that is known, else from a Cholesky factor."""
        return self._rates(layer, eps)[0]

    def class_rate(self, layer: int, eps: float) -> float:
        """Rc of a layer, in nats: from the classes' spectra where they are known, else from their factors."""
        return self._rates(layer, eps)[1]

    def _rates(self, layer: int, eps: float) -> tuple[float, float, bool]:
        """R, Rc, and whether they are not from the Gram matrix, since that is too coarse."""
        of_eps, at_once = self._last.get(_AT_ONCE, (None, None))
        if of_eps == eps:
            R, Rc, lost = at_once
            return R[layer], Rc[layer], lost[layer]
        return self.keep_last(("rates", layer), eps, lambda: self._rates_of_layer(layer, eps))

    def _rates_of_layer(self, layer: int, eps: float) -> tuple[float, float, bool]:
        R, Rc, moved = self._gram_rates(layer, eps)
        if not rates_lost(R, Rc, moved + self.count * FLOAT64_EPS):
            return R, Rc, False
        return *self._exact_rates(layer, eps), True

    def _gram_rates(self, layer: int, eps: float) -> tuple[float, float, float]:
        """R and Rc from the Gram matrix, and how far rounding may have moved R."""
        if not self._knows_spectrum(layer):
            R, moved = self._factored_R(eps)[:, layer].tolist()
            Rc = self.keep_last("Rc", eps, lambda: self._factored(self._class_rates, eps))[layer]
            if not (math.isnan(R) or math.isnan(Rc)):
                return R, float(Rc), moved
        values, precision = self._gram_spectrum(layer), self.precision(layer, eps)
        R, moved = rate_and_rounding(values, self._resolution[layer], 1, self.count, precision)
        Rc = class_rate_from_spectra(self._class_spectra(layer), self.sizes, 1, precision)
        return float(R), float(Rc), float(moved)

    def _exact_rates(self, layer: int, eps: float) -> tuple[float, float]:
        precision = self.precision(layer, eps)
        classes = [of.eigenvalues for of in self._exact_class_spectra(layer)]
        R = coding_rate_from_spectrum(self._exact_spectrum(layer).eigenvalues, 1, self.count, precision)
        return float(R), float(class_rate_from_spectra(classes, self.sizes, 1, precision))

    def _class_spectra(self, layer: int) -> list[Float64Array]:
        return self.keep(
            ("classes", layer), lambda: class_spectra(self.grams[layer], self.labels, self.classes)
        )

    def _factored_R(self, eps: float) -> Float64Array:
        """R of all layers, and how far rounding may have moved it (2, layers)."""
        return self.pooled.keep_last("R", eps, lambda: self._factored(self._coding_rates, eps, (2,)))

    def _coding_rates(self, some: slice, precisions: Float64Array) -> Float64Array:
        return np.stack(coding_rate_and_rounding(self.grams[some], 1, precisions, self._resolution[some]))

    def _class_rates(self, some: slice, precisions: Float64Array) -> Float64Array:
        return np.asarray(class_rate_from_gram(self.grams[some], self.labels, 1, precisions))

    def _factored(
        self,
        rates: Callable[[slice, Float64Array], Float64Array],
        eps: float,
        leading: tuple[int, ...] = (),
    ) -> Float64Array:
        """Rates (..., layers) from Cholesky factors; NaN in layers too large for them."""
        precisions = self.precisions([eps] * len(self.widths))
        try:
            return rates(slice(None), precisions)
        except GeometryError:
            found = np.full((*leading, len(precisions)), np.nan)
            for layer in range(len(precisions)):
                some = slice(layer, layer + 1)
                with contextlib.suppress(GeometryError):
                    found[..., some] = rates(some, precisions[some])
            return found

    def rates_at(self, eps: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
        """R and Rc (E, layers) at E values of ε, in nats, from spectra that are kept."""
        R, Rc, _ = self._rates_at(np.asarray(eps, dtype=np.float64))
        return R, Rc

    def _rates_at(self, eps: Float64Array) -> tuple[Float64Array, Float64Array, npt.NDArray[np.bool_]]:
        """The same, and where they are not from Gram matrices, since these are too coarse."""
        precisions = self.precisions(eps[:, None])
        pooled, classes = self.keep("stacked spectra", self._stacked_spectra)
        R, moved = rate_and_rounding(pooled, self._resolution[:, None], 1, self.count, precisions)
        Rc = np.asarray(class_rate_from_spectra(classes, self.sizes, 1, precisions))
        lost = np.asarray(rates_lost(R, Rc, moved + self.count * FLOAT64_EPS))
        for at, layer in np.argwhere(lost):
            R[at, layer], Rc[at, layer] = self._exact_rates(int(layer), float(eps[at]))
        return R, Rc, lost

    def _stacked_spectra(self) -> tuple[Float64Array, list[Float64Array]]:
        """The spectra of all images (layers, N), and of each class (layers, n)."""
        layers = range(len(self.widths))
        by_layer = [self._class_spectra(layer) for layer in layers]
        classes = [np.stack(of_class) for of_class in zip(*by_layer, strict=True)]
        return np.stack([self._gram_spectrum(layer) for layer in layers]), classes

    def rates_at_once(self, eps: float) -> tuple[list[float], list[float]]:
        """R and Rc of every layer at one ε, in nats, from spectra that are kept."""

        def rates() -> tuple[list[float], list[float], list[bool]]:
            R, Rc, lost = self._rates_at(np.asarray([eps]))
            return R[0].tolist(), Rc[0].tolist(), lost[0].tolist()

        R, Rc, _ = self.keep_last(_AT_ONCE, eps, rates)
        return R, Rc

    def iso_rate_eps(self, layer: int, rate: float) -> float:
        """The ε at which R of a layer equals a rate in nats.

        Raises:
            GeometryError: if no ε does.
        """
        width = self.widths[layer]
        eps = float(iso_rate_eps(self._gram_spectrum(layer), width, self.count, rate))
        if not self.rates_are_coarse(layer, eps):
            return eps
        return float(iso_rate_eps(self._exact_spectrum(layer).eigenvalues, width, self.count, rate))

    def precision(self, layer: int, eps: float) -> float:
        """That of one layer, to the last bit: a rate must not depend on how many layers were asked for."""
        return eps / math.sqrt(self.widths[layer])

    def precisions(self, eps: npt.ArrayLike) -> Float64Array:
        """ε of each layer for d = 1: layers differ in width, and only d/ε² matters to a rate."""
        return np.asarray(eps, dtype=np.float64) / np.sqrt(np.asarray(self.widths, dtype=np.float64))
