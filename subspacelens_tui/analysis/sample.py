"""Some images of a session in one feature view, with all that is computed of them kept for the next ε."""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.geometry import (
    ClassSubspaces,
    GeometryError,
    View,
    class_rate_from_gram,
    class_rate_from_spectra,
    class_spectra,
    class_subspaces,
    coding_rate_from_gram,
    coding_rate_from_spectrum,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    feature_view,
    gram_spectrum,
    iso_rate_eps,
    mean_off_diagonal,
    participation_ratio_from_spectrum,
    split_half_overlap,
    stable_rank_from_spectrum,
    unbiased_centred_participation_ratio,
    unbiased_participation_ratio,
)

T = TypeVar("T")

RANKS = {
    "effective_rank": effective_rank_from_spectrum,
    "eigenvalue_rank": eigenvalue_rank_from_spectrum,
    "participation_ratio": participation_ratio_from_spectrum,
    "stable_rank": stable_rank_from_spectrum,
}


@dataclass(frozen=True)
class Images:
    """The images of a sample: for each its prompt, its seed, its class, and its class under other schemes."""

    prompts: list[int]
    seeds: list[int]
    labels: list[str]
    other_labels: list[list[str]]

    @property
    def coarser_labels(self) -> list[str]:
        """The labels of the coarsest other scheme in which these are nested.

        Raises:
            GeometryError: if there is none.
        """
        fine = len(set(self.labels))
        nested = [
            other
            for other in self.other_labels
            if len(set(zip(self.labels, other, strict=True))) == fine > len(set(other)) > 1
        ]
        if not nested:
            raise GeometryError(
                "no other label scheme groups these classes: there is nothing to permute within"
            )
        return min(nested, key=lambda other: len(set(other)))


class Sample:
    """The Gram matrices of all layers over one set of images.

    Args:
        grams: (layers, N, N), of the features as they are.
        widths: d of each layer.
        images: which they are.
        classes: the classes that occur, in the order of the result's rows.
        view: the feature view that the figures are of.
        pooled: what is kept of these images in this view whatever their labels, shared between samples.

    Attributes:
        raw: the Gram matrices of the features as they are.
        grams: those of the view.
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
        pooled: dict[Any, Any],
    ) -> None:
        self.images = images
        self.labels = images.labels
        self.classes = classes
        self.sizes = tuple(images.labels.count(name) for name in classes)
        self.count = len(images.labels)
        self.widths = widths
        self.view = view
        self.raw = grams
        derived = view != "raw" and self.count > 1
        self.grams = feature_view(grams, view, images.labels) if derived else grams
        self._pooled = pooled
        self._kept: dict[Any, Any] = {}
        self._last: dict[str, tuple[Any, Any]] = {}

    def of_layers(self, layers: list[int]) -> "Sample":
        """The same images in some of the layers."""
        if len(layers) == len(self.widths):
            return self
        return self.keep(("layers", tuple(layers)), lambda: self._of_layers(layers))

    def _of_layers(self, layers: list[int]) -> "Sample":
        widths = [self.widths[layer] for layer in layers]
        pooled = {place: self.spectrum(layer) for place, layer in enumerate(layers)}
        return Sample(self.raw[layers], widths, self.images, self.classes, self.view, pooled)

    def spectrum(self, layer: int) -> Float64Array:
        """Eigenvalues (N,) of a layer's Gram matrix, ascending."""
        if layer not in self._pooled:
            self._pooled[layer] = np.asarray(gram_spectrum(self.grams[layer]))
        spectrum: Float64Array = self._pooled[layer]
        return spectrum

    def coding_rate(self, layer: int, eps: float) -> float:
        """R of a layer, in nats: from its spectrum where that is known, else from a Cholesky factor."""
        if layer not in self._pooled:
            with contextlib.suppress(GeometryError):  # too large for factors, not for a spectrum
                return float(self._factored_R(eps)[layer])
        return float(
            coding_rate_from_spectrum(self.spectrum(layer), 1, self.count, self.precision(layer, eps))
        )

    def class_rate(self, layer: int, eps: float) -> float:
        """Rc of a layer, in nats: from the classes' spectra where they are known, else from their factors."""
        if layer not in self._pooled and ("classes", layer) not in self._kept:
            with contextlib.suppress(GeometryError):
                return float(self.keep_last("Rc", eps, lambda: self._factored(eps, self.labels))[layer])
        spectra = self._class_spectra(layer)
        return float(class_rate_from_spectra(spectra, self.sizes, 1, self.precision(layer, eps)))

    def _class_spectra(self, layer: int) -> list[Float64Array]:
        return self.keep(
            ("classes", layer), lambda: class_spectra(self.grams[layer], self.labels, self.classes)
        )

    def _factored_R(self, eps: float) -> Float64Array:
        # Shared by all label schemes, as the spectra are.
        if self._pooled.get("eps") != eps:
            self._pooled |= {"eps": eps, "R": self._factored(eps)}
        R: Float64Array = self._pooled["R"]
        return R

    def _factored(self, eps: float, labels: list[str] | None = None) -> Float64Array:
        """R of all layers, or Rc under labels, from Cholesky factors (layers,)."""
        precisions = self.precisions([eps] * len(self.widths))
        if labels is None:
            return np.asarray(coding_rate_from_gram(self.grams, 1, precisions))
        return np.asarray(class_rate_from_gram(self.grams, labels, 1, precisions))

    def rates_at(self, eps: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
        """R and Rc (E, layers) at E values of ε, in nats, from spectra that are kept."""
        precisions = self.precisions(np.asarray(eps, dtype=np.float64)[:, None])
        pooled, classes = self.keep("stacked spectra", self._stacked_spectra)
        R = coding_rate_from_spectrum(pooled, 1, self.count, precisions)
        return np.asarray(R), np.asarray(class_rate_from_spectra(classes, self.sizes, 1, precisions))

    def _stacked_spectra(self) -> tuple[Float64Array, list[Float64Array]]:
        """The spectra of all images (layers, N), and of each class (layers, n)."""
        layers = range(len(self.widths))
        by_layer = [self._class_spectra(layer) for layer in layers]
        classes = [np.stack(of_class) for of_class in zip(*by_layer, strict=True)]
        return np.stack([self.spectrum(layer) for layer in layers]), classes

    def rates_at_once(self, eps: float) -> tuple[list[float], list[float]]:
        """R and Rc of every layer at one ε, in nats, from spectra that are kept."""

        def rates() -> tuple[list[float], list[float]]:
            R, Rc = self.rates_at([eps])
            return R[0].tolist(), Rc[0].tolist()

        return self.keep_last("rates at once", eps, rates)

    def iso_rate_eps(self, layer: int, rate: float) -> float:
        """The ε at which R of a layer equals a rate in nats.

        Raises:
            GeometryError: if no ε does.
        """
        return float(iso_rate_eps(self.spectrum(layer), self.widths[layer], self.count, rate))

    def view_of(self, layer: int, kept: Sequence[int] | npt.NDArray[np.int64]) -> Float64Array:
        """The Gram matrix of a layer's view, made anew of some of the images."""
        rows = np.asarray(kept)
        labels = [self.labels[image] for image in rows]
        return np.asarray(feature_view(self.raw[layer][rows[:, None], rows], self.view, labels))

    def ranks(self, layer: int, kept: Sequence[int] | npt.NDArray[np.int64]) -> dict[str, float]:
        """The ranks of some of the images, without those that cannot be had."""
        G = self.view_of(layer, kept)
        spectrum = gram_spectrum(G)
        found = {name: float(rank(spectrum)) for name, rank in RANKS.items()}
        try:
            return found | {"participation_ratio_unbiased": self.unbiased_participation_ratio(G)}
        except GeometryError:
            return found

    def unbiased_participation_ratio(self, G: Float64Array) -> float:
        """Of a Gram matrix of the view.

        Raises:
            GeometryError: if it cannot be had.
        """
        if self.view == "class-centred":
            raise GeometryError("it does not hold for class-centred features")
        centred = self.view == "centred"
        ratio = unbiased_centred_participation_ratio if centred else unbiased_participation_ratio
        return float(ratio(G))

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
        found = class_subspaces(self.grams[layer], self.labels, rank, self.classes)
        # One eigendecomposition gives both: the class rate need not make its own.
        self._kept.setdefault(("classes", layer), found.eigenvalues)
        return found

    def split_half(self, layer: int, rank: int, seed: int) -> Float64Array:
        """Overlap (classes, classes) between random halves of the classes, see `split_half_overlap`."""
        return self.keep(
            ("split-half", layer, rank, seed),
            lambda: np.asarray(
                split_half_overlap(self.grams[layer], self.labels, rank, seed, classes=self.classes)
            ),
        )

    def precision(self, layer: int, eps: float) -> float:
        """That of one layer, to the last bit: a rate must not depend on how many layers were asked for."""
        return eps / math.sqrt(self.widths[layer])

    def split_half_means(self, layer: int, rank: int, seed: int) -> tuple[float, float]:
        """The mean of `split_half` over halves of one class, and over halves of two."""
        halves = self.split_half(layer, rank, seed)
        return float(np.diagonal(halves).mean()), float(mean_off_diagonal(halves))

    def precisions(self, eps: npt.ArrayLike) -> Float64Array:
        """ε of each layer for d = 1: layers differ in width, and only d/ε² matters to a rate."""
        return np.asarray(eps, dtype=np.float64) / np.sqrt(np.asarray(self.widths, dtype=np.float64))

    def keep(self, key: Any, compute: Callable[[], T]) -> T:
        """The value under a key, computed the first time."""
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept

    def keep_last(self, what: str, key: Any, compute: Callable[[], T]) -> T:
        """The value under a key that takes endless values, as ε does: only the last one is kept."""
        if what not in self._last or self._last[what][0] != key:
            self._last[what] = key, compute()
        kept: T = self._last[what][1]
        return kept

    def kept(self, key: Any) -> Any:
        """The value under a key if it was computed, or None."""
        return self._kept.get(key)
