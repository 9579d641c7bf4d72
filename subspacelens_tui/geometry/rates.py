"""Coding rates and rate reduction (MCR²), in nats.

R(Z) = ½ log det(I + α ZZᵀ) with α = d/(N ε²), and ΔR = R - Rc with
Rc = Σ_k (n_k/N) · ½ log det(I + α_k Z_k Z_kᵀ), α_k = d/(n_k ε²): Yu et al. 2020, arXiv 2006.08558. ε is not
squared here; the MCR², ReduNet and CRATE code bases call ε² "eps".
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import device, is_torch_array, to_device

from subspacelens_tui.geometry.classes import ClassIndex, class_blocks, class_index
from subspacelens_tui.geometry.errors import GeometryError, RoundingWarning
from subspacelens_tui.geometry.inputs import (
    FLOAT64_EPS,
    Array,
    count,
    features,
    precision,
    spectrum,
    square_gram,
)
from subspacelens_tui.geometry.rounding import (
    RATE_TOLERANCE,
    class_rate_rounding,
    rate_rounding,
    rates_lost,
)


@dataclass(frozen=True)
class RateReduction:
    """R, Rc, ΔR = R - Rc in nats, and the ratio Rc/R."""

    R: float
    Rc: float
    delta_R: float
    ratio: float


def coding_rate(Z: Array, eps: float) -> float:
    """R_ε(Z) = ½ log det(I + d/(N ε²) ZZᵀ), in nats.

    Args:
        Z: Features (d, N), one column per image.
        eps: The coding precision ε > 0, in the unit of Z; not squared.

    Raises:
        GeometryError: Z is not (d, N), not finite or of fewer than two images, or ε is not finite and
            positive.

    Warns:
        RoundingWarning: The features differ in size by so much that R is not known to a millionth.
    """
    xp, Z = features(Z)
    R = _rate_or_coarse(Z, _scalar(eps), xp)
    return _exact_rates(Z, None, _scalar(eps))[0] if R is None else R


def _rate_or_coarse(Z: Array, eps: float, xp: Any) -> float | None:
    """R by the Gram matrix; None where its rounding could be seen."""
    d, n = Z.shape
    eigenvalues = _smaller_spectrum(Z, xp)
    R = coding_rate_from_spectrum(eigenvalues, d, n, eps)
    moved = rate_rounding(eigenvalues, FLOAT64_EPS * xp.sum(xp.abs(eigenvalues)), d, n, eps)
    return float(R) if bool(moved <= RATE_TOLERANCE * R) else None


def _exact_rates(Z: Array, index: ClassIndex | None, eps: float) -> tuple[float, float]:
    """R and Rc by the singular values of the features, with a warning where those are not known either."""
    # Imported here: few features need it.
    from subspacelens_tui.geometry.from_features import Spectrum, class_spectra_of_features
    from subspacelens_tui.geometry.singular_values import decomposition

    Z = np.asarray(to_device(Z, "cpu") if is_torch_array(Z) else Z)
    d, n = Z.shape
    found = Spectrum.of(decomposition(Z))
    R = float(coding_rate_from_spectrum(found.eigenvalues, d, n, eps))
    moved = float(rate_rounding(found.eigenvalues, found.resolution, d, n, eps))
    Rc = 0.0
    if index is not None:
        spectra = class_spectra_of_features(Z, index)
        values = [of.eigenvalues for of in spectra]
        resolutions = [of.resolution for of in spectra]
        Rc = float(class_rate_from_spectra(values, index.sizes, d, eps))
        moved += float(class_rate_rounding(values, resolutions, index.sizes, d, eps))
    if rates_lost(R, Rc, moved):
        warnings.warn(
            f"rounding may change the rates by {moved:.2g} nats: features differ too much in size",
            RoundingWarning,
            stacklevel=3,
        )
    return R, Rc


def rate_reduction(Z: Array, labels: Any, eps: float) -> RateReduction:
    """R, Rc, ΔR and Rc/R of features under a labelling, in nats.

    ΔR grows with the scale of Z, and with any refinement of the labels, random ones included: read it beside
    its value under permuted labels.

    Args:
        Z: Features (d, N), one column per image.
        labels: (N,) integers or strings.
        eps: The coding precision ε > 0, in the unit of Z; not squared.

    Raises:
        GeometryError: As for `coding_rate`; labels that are not one per image; or Z all zero, where Rc/R has
            no value.

    Warns:
        RoundingWarning: As for `coding_rate`.
    """
    xp, Z = features(Z)
    d, n = Z.shape
    index = class_index(labels, n)
    R = _rate_or_coarse(Z, _scalar(eps), xp)
    if R is None:
        R, Rc = _exact_rates(Z, index, _scalar(eps))
    elif n <= d:
        spectra = _class_spectra(xp.matmul(xp.matrix_transpose(Z), Z), xp, index)
        Rc = float(class_rate_from_spectra(spectra, index.sizes, d, _scalar(eps)))
    else:
        spectra = [_smaller_spectrum(Z[:, xp.asarray(m, device=device(Z))], xp) for m in index.members]
        Rc = float(class_rate_from_spectra(spectra, index.sizes, d, _scalar(eps)))
    if R == 0:
        raise GeometryError("all features are zero: R is 0 and Rc/R has no value; check what was recorded")
    return RateReduction(R=R, Rc=Rc, delta_R=R - Rc, ratio=Rc / R)


def coding_rate_from_spectrum(eigenvalues: Array, d: int, n: int, eps: Any) -> Array:
    """½ Σ log1p(d/(n ε²) λ), in nats: the coding rate once the eigenvalues are known, O(m) for any ε.

    Args:
        eigenvalues: (..., m), of the Gram matrix ZᵀZ or of ZZᵀ (the two share all that are not zero).
            Negatives within rounding count as 0.
        d: The width of the features.
        n: The number of images.
        eps: ε, a number or an array that broadcasts against the leading shape of `eigenvalues`: for a sweep
            of E values over L layers, eigenvalues (L, m) and eps (E, 1) give (E, L).

    Raises:
        GeometryError: ε not finite and positive, or eigenvalues not finite or negative beyond rounding.
    """
    xp, eigenvalues = spectrum(eigenvalues)
    eps = precision(eps, xp, eigenvalues)
    alpha = count(d, "d") / (count(n, "n") * eps**2)
    return 0.5 * xp.sum(xp.log1p(alpha[..., None] * eigenvalues), axis=-1)


def class_rate_from_spectra(spectra: Sequence[Array], sizes: Sequence[int], d: int, eps: Any) -> Array:
    """Rc = Σ_k (n_k/N) R_ε(Z_k), in nats, from the classes' eigenvalues; ε as in `coding_rate_from_spectrum`.

    Args:
        spectra: For each class its eigenvalues (..., m_k), as `class_spectra` gives them.
        sizes: The number of images n_k of each class.
        d: The width of the features.
        eps: ε, a number or an array that broadcasts against the leading shape.

    Raises:
        GeometryError: As `coding_rate_from_spectrum`, or as many sizes as spectra are not given.
    """
    if not spectra or len(spectra) != len(sizes):
        raise GeometryError(f"one size per class is needed: {len(spectra)} spectra, {len(sizes)} sizes")
    total = sum(sizes)
    xp, _ = spectrum(spectra[0])
    # Classes of one size share α_k and weight, so that their eigenvalues can be summed as one list.
    return sum(
        (size / total)
        * coding_rate_from_spectrum(
            xp.concat([s for s, other in zip(spectra, sizes, strict=True) if other == size], axis=-1),
            d,
            size,
            eps,
        )
        for size in sorted(set(sizes))
    )


def feature_spectrum(Z: Array) -> Array:
    """The min(d, N) eigenvalues of ZᵀZ, or of ZZᵀ where N > d, ascending, for Z (d, N).

    Raises:
        GeometryError: Z is not (d, N), not finite, or of fewer than two images.
    """
    xp, Z = features(Z)
    return _smaller_spectrum(Z, xp)


def gram_spectrum(G: Array) -> Array:
    """The eigenvalues (..., N), ascending, of Gram matrices (..., N, N): all layers in one batched call.

    Raises:
        GeometryError: G is not (..., N, N), not finite, or of fewer than two images.
    """
    xp, G = square_gram(G)
    return xp.linalg.eigvalsh(G)


def class_spectra(G: Array, labels: Any, classes: Sequence[Any] | None = None) -> list[Array]:
    """For each class the eigenvalues (..., n_k), ascending, of its block of the Gram matrices G (..., N, N).

    Args:
        G: Gram matrices (..., N, N); layers are batched over the leading axes.
        labels: (N,) integers or strings.
        classes: The order of the classes; sorted by name where it is not given.

    Raises:
        GeometryError: G is not (..., N, N) or not finite, labels are not one per image, or `classes` are not
            those that occur.
    """
    xp, G = square_gram(G)
    return _class_spectra(G, xp, class_index(labels, G.shape[-1], classes))


def _class_spectra(G: Array, xp: Any, index: ClassIndex) -> list[Array]:
    spectra: list[Array] = [None] * len(index.names)
    for which, members in index.by_size():
        eigenvalues = xp.linalg.eigvalsh(class_blocks(G, members, xp, device(G)))
        for position, k in enumerate(which):
            spectra[k] = eigenvalues[..., position, :]
    return spectra


def _smaller_spectrum(Z: Array, xp: Any) -> Array:
    transposed = xp.matrix_transpose(Z)
    d, n = Z.shape
    return xp.linalg.eigvalsh(xp.matmul(transposed, Z) if n <= d else xp.matmul(Z, transposed))


def _scalar(eps: Any) -> float:
    """ε as one number: an array of them would give an array where a number is promised."""
    try:
        return float(eps)
    except (TypeError, ValueError):
        raise GeometryError(f"eps must be one number, got {eps!r}") from None
