"""Some images of a session in one feature view, with all that is computed of them kept for the next ε."""

import contextlib
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.rounding import massive, rates_moved
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.gram_spectra import SPECTRUM, SampleSpectra
from subspacelens_tui.analysis.statistics.kept import Kept
from subspacelens_tui.geometry import (
    ClassSubspaces,
    GeometryError,
    class_subspaces,
    effective_rank_from_spectrum,
    feature_view,
    mean_off_diagonal,
    split_half_overlap,
    unbiased_participation_ratio,
)
from subspacelens_tui.geometry.rounding import (
    TOLERANCE,
    class_rate_rounding,
    effective_rank_rounding,
    overlap_rounding,
    rate_rounding,
    subspace_rounding,
)
from subspacelens_tui.geometry.spectra import OF_SINGULAR_VALUES, unbiased_centred_and_rounding


class Sample(SampleSpectra):
    """The metrics of one set of images: ranks and overlaps as well, and how far all of them are known."""

    def of_layers(self, layers: list[int]) -> "Sample":
        """The same images in some of the layers."""
        if len(layers) == len(self.widths):
            return self
        return self.keep(("layers", tuple(layers)), lambda: self._of_layers(layers))

    def _of_layers(self, layers: list[int]) -> "Sample":
        widths = [self.widths[layer] for layer in layers]
        pooled = Kept()
        for place, layer in enumerate(layers):
            pooled.keep((SPECTRUM, place), partial(self._gram_spectrum, layer))
        return Sample(
            self.raw[layers],
            widths,
            self.images,
            self.classes,
            self.view,
            pooled,
            lambda place: self.features(layers[place]),
        )

    def view_of(self, layer: int, kept: npt.NDArray[np.intp], labels: npt.NDArray[Any]) -> Float64Array:
        """The Gram matrix of a layer's view, made anew of some of the images, with labels of their own."""
        return np.asarray(feature_view(self.raw[layer][kept[:, None], kept], self.view, labels))

    def effective_rank(self, layer: int) -> float:
        """Of all images."""
        of_values = (OF_SINGULAR_VALUES,) if self.spectrum_is_coarse(layer) else ()
        return float(effective_rank_from_spectrum(self.known_spectrum(layer), *of_values))

    def unbiased_participation_ratio(self, layer: int) -> float:
        """Of all images; errors as of `unbiased`."""
        return self.keep(("unbiased", layer), lambda: self.unbiased(self.grams[layer]))[0]

    def unbiased(self, G: Float64Array) -> tuple[float, float]:
        """The unbiased participation ratio of a Gram matrix of the view, and the share rounding may be of it.

        Raises:
            GeometryError: if it cannot be had.
        """
        if self.view == "class-centred":
            raise GeometryError("it does not hold for class-centred features")
        if self.view != "centred":
            return float(unbiased_participation_ratio(G)), 0.0
        ratio, share = unbiased_centred_and_rounding(G)
        return float(ratio), float(share)

    def knows_eigenvalues(self, rank: int | None) -> bool:
        """Whether the spectra of all layers are known, and their class subspaces of this rank."""
        return all(("subspaces", layer, rank) in self._kept for layer in range(len(self.widths)))

    def subspaces(self, layer: int, rank: int) -> ClassSubspaces:
        """Overlap and variance explained, each (classes, classes), of a layer.

        Raises:
            GeometryError: if a class spans fewer dimensions than `rank`.
        """
        return self.keep(("subspaces", layer, rank), lambda: self._subspaces(layer, rank))

    def _subspaces(self, layer: int, rank: int) -> ClassSubspaces:
        found: ClassSubspaces | None = None
        with contextlib.suppress(GeometryError):  # what seems to be of low rank may not be so
            found = class_subspaces(self.grams[layer], self.labels, rank, self.classes)
        coarse = found is None or self._overlap_rounding(layer, rank, found) > TOLERANCE
        if coarse:
            found, spectra = self.by_features.subspaces(layer, rank)
            angles = [float(subspace_rounding(of.eigenvalues, of.resolution, rank)) for of in spectra]
            self._kept["overlap rounding", layer, rank] = overlap_rounding(angles, rank)
        assert found is not None
        self._kept["coarse subspaces", layer, rank] = coarse
        # One decomposition gives both: the class rate need not make its own.
        self._kept.setdefault(("classes", layer), found.eigenvalues)
        return found

    def _overlap_rounding(self, layer: int, rank: int, found: ClassSubspaces) -> float:
        """How far rounding of the Gram matrix may have moved the mean overlap."""
        by_size: dict[int, list[Float64Array]] = {}
        for values in found.eigenvalues:
            by_size.setdefault(len(values), []).append(values)
        angles: list[float] = []
        for size, spectra in by_size.items():
            resolution = size / self.count * self._resolution[layer]
            angles += subspace_rounding(np.stack(spectra), resolution, rank).tolist()
        return overlap_rounding(angles, rank)

    def subspaces_are_coarse(self, layer: int, rank: int) -> bool:
        """Whether rounding of a layer's Gram matrix could be seen in its subspaces; errors as of those."""
        self.subspaces(layer, rank)
        return bool(self._kept["coarse subspaces", layer, rank])

    def split_half(self, layer: int, rank: int, seed: int) -> Float64Array:
        """Overlap (classes, classes) between random halves of the classes, see `split_half_overlap`."""
        return self.keep(("split-half", layer, rank, seed), lambda: self._split_half(layer, rank, seed))

    def _split_half(self, layer: int, rank: int, seed: int) -> Float64Array:
        if self.subspaces_are_coarse(layer, rank):
            return self.by_features.split_half(layer, rank, seed)
        return np.asarray(
            split_half_overlap(self.grams[layer], self.labels, rank, seed, classes=self.classes)
        )

    def rounding(self, layer: int, eps: float, rank: int | None) -> dict[str, float]:
        """Metric → how far rounding may have moved it, of those that are not right to a millionth.

        Args:
            layer: which.
            eps: of the rates.
            rank: of the overlap, None where there is none.
        """
        found = self._rates_rounding(layer, eps) if self.rates_are_coarse(layer, eps) else {}
        if self._knows_spectrum(layer) and self.spectrum_is_coarse(layer):
            spectrum = self._exact_spectrum(layer)
            share = float(effective_rank_rounding(spectrum.eigenvalues, spectrum.resolution))
            if share > TOLERANCE:
                found["effective_rank"] = share * self.effective_rank(layer)
        ratio, share = self.kept(("unbiased", layer)) or (0.0, 0.0)
        if share > TOLERANCE:
            found["participation_ratio_unbiased"] = share * ratio
        if rank is not None and self.subspaces_are_coarse(layer, rank):
            moved = self._kept["overlap rounding", layer, rank]
            if moved > TOLERANCE:
                found |= {"overlap_mean": moved, "explained_mean": moved}
        return found

    def massive(self, layer: int) -> str:
        """What in a layer is so much larger than the rest that rounding matters; "" if nothing is."""
        return massive(self.features(layer))

    def _rates_rounding(self, layer: int, eps: float) -> dict[str, float]:
        precision = self.precision(layer, eps)
        R, Rc, _ = self._rates(layer, eps)
        spectrum, classes = self._exact_spectrum(layer), self._exact_class_spectra(layer)
        by = rate_rounding(spectrum.eigenvalues, spectrum.resolution, 1, self.count, precision)
        by_class = class_rate_rounding(
            [of.eigenvalues for of in classes], [of.resolution for of in classes], self.sizes, 1, precision
        )
        return rates_moved(R, Rc, float(by), float(by_class))

    def split_half_means(self, layer: int, rank: int, seed: int) -> tuple[float, float]:
        """The mean of `split_half` over halves of one class, and over halves of two."""
        halves = self.split_half(layer, rank, seed)
        return float(np.diagonal(halves).mean()), float(mean_off_diagonal(halves))
