"""Metrics under permuted labels, for many layers at once, and the summary of an observed metric against them.

R does not depend on the labels, so only class blocks of the Gram matrix are needed; their log-determinants
come from Cholesky factors, several times cheaper than eigenvalues.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from array_api_compat import device, is_torch_array, to_device

from subspacelens_tui.geometry.classes import class_indices
from subspacelens_tui.geometry.determinants import TOO_LARGE, block_log_determinants
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import feature_view
from subspacelens_tui.geometry.inputs import FLOAT64_EPS, Array, count, precision, real_array, square_gram
from subspacelens_tui.geometry.permuted_classes import permuted_classes
from subspacelens_tui.geometry.progress import IsCancelled, Progress, checked_labelings, chunks
from subspacelens_tui.geometry.rates import class_spectra

# The relative error of a determinant beyond which it is refused.
_DIGITS_LOST = 1e-2


@dataclass(frozen=True)
class NullSummary:
    """An observed metric against its values under permuted labels.

    Attributes:
        mean: Mean of the permuted values.
        std: Their standard deviation (n - 1).
        low: Their 2.5 % quantile, the lower edge of the 95 % band.
        high: Their 97.5 % quantile.
        excess: Observed value less the mean.
        z: Excess in standard deviations; None where all permuted values are equal to rounding.
        p: (1 + #{permuted at least as extreme as observed}) / (1 + permutations), one-sided.
        permutations: How many permuted values there were.
    """

    mean: float
    std: float
    low: float
    high: float
    excess: float
    z: float | None
    p: float
    permutations: int

    @property
    def standard_error(self) -> float:
        """Of the mean, for having so few permutations: all there is to say of a null of four."""
        return self.std / math.sqrt(self.permutations)


def null_class_rate(
    G: Array,
    labelings: np.ndarray,
    d: int,
    eps: Any,
    *,
    class_centred: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Array:
    """Rc (P, ...) in nats under each of P labelings, for Gram matrices (..., N, N).

    Args:
        G: Gram matrices of the view in question, layers batched over the leading axes.
        labelings: (P, N), as `permuted_labels` gives them.
        d: The width of the features.
        eps: ε, a number or an array that broadcasts against the leading shape of G.
        class_centred: For the class-centred view: pass the raw or centred G, and every labelling removes the
            means of its own classes. (A G centred by the true classes would give permuted blocks one rank
            more than true ones, and so an excess out of nothing.) R then depends on the labelling too:
            `null_class_centred_rate`.
        progress: Called with the permutations done and their total.
        cancelled: Asked between chunks of permutations.

    Raises:
        GeometryError: Bad G, ε or d, or labelings that are not (P, N) integers.
        Cancelled: `cancelled` returned True.
    """
    xp, G = square_gram(G)
    n = G.shape[-1]
    labelings = checked_labelings(labelings, n)
    alpha = count(d, "d") / xp.broadcast_to(precision(eps, xp, G), G.shape[:-2]) ** 2
    alpha = xp.reshape(alpha, (-1,))
    layers = xp.reshape(G, (-1, n, n))
    rates = []
    for chunk in chunks(labelings, progress, cancelled):
        # By size: the images of each class, and which labelling of the chunk it belongs to.
        blocks: dict[int, list[tuple[int, np.ndarray]]] = {}
        for p, index in enumerate(class_indices(chunk)):
            for members in index.members:
                blocks.setdefault(len(members), []).append((p, members))
        total = xp.zeros((layers.shape[0], len(chunk)), dtype=xp.float64, device=device(G))
        for size, owned in blocks.items():
            members = np.stack([m for _, m in owned])
            log_dets = block_log_determinants(layers, members, alpha / size, xp, class_centred)
            weights = np.zeros((len(owned), len(chunk)))
            weights[np.arange(len(owned)), [p for p, _ in owned]] = size / n
            total = total + 0.5 * xp.matmul(log_dets, xp.asarray(weights, device=device(G)))
        rates.append(xp.matrix_transpose(total))
    return xp.reshape(xp.concat(rates, axis=0), (len(labelings), *G.shape[:-2]))


def null_class_centred_rate(
    G: Array,
    labelings: np.ndarray,
    d: int,
    eps: Any,
    *,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Array:
    """R (P, ...) in nats of the class-centred view under each of P labelings; G (..., N, N) raw or centred.

    With Q (N, K) the orthonormal class indicators and A = I + αG, the determinant on the complement of Q is
    det(I + αPGP) = det A · det(Qᵀ A⁻¹ Q) (Jacobi): one inverse for all labelings, then K × K determinants.
    Arguments as for `null_class_rate`.

    Raises:
        GeometryError: Bad G, ε or d, labelings that are not (P, N) integers with the same classes in each, or
            features so large that the inverse in float64 has no digits left.
        Cancelled: `cancelled` returned True.
    """
    G = feature_view(G, "centred")  # changes nothing after class-centring, and removes what would lose digits
    xp, G = square_gram(G)
    n = G.shape[-1]
    labelings = checked_labelings(labelings, n)
    alpha = count(d, "d") / (n * xp.broadcast_to(precision(eps, xp, G), G.shape[:-2]) ** 2)
    A = alpha[..., None, None] * G + xp.eye(n, dtype=xp.float64, device=device(G))
    # The least eigenvalue of A is 1, for centring left one of 0: its trace bounds its condition.
    if bool(xp.any(xp.sum(xp.linalg.diagonal(A), axis=-1) * FLOAT64_EPS > _DIGITS_LOST)):
        raise GeometryError(TOO_LARGE)
    inverse = xp.linalg.inv(A)
    log_det = xp.linalg.slogdet(A)[1]
    classes = np.unique(labelings)
    rates = []
    for chunk in chunks(labelings, progress, cancelled):
        indicators = (chunk[:, :, None] == classes).astype(np.float64)
        sizes = indicators.sum(axis=1, keepdims=True)
        if not np.all(sizes > 0):
            raise GeometryError("every labelling must have the same classes; permuted_labels makes them so")
        Q = xp.asarray(indicators / np.sqrt(sizes), device=device(G))  # (p, N, K)
        side_by_side = xp.reshape(xp.permute_dims(Q, (1, 0, 2)), (n, -1))
        product = xp.reshape(xp.matmul(inverse, side_by_side), (*G.shape[:-1], len(chunk), len(classes)))
        small = xp.matmul(xp.matrix_transpose(Q), xp.moveaxis(product, -2, -3))
        rates.append(xp.moveaxis(0.5 * (log_det[..., None] + xp.linalg.slogdet(small)[1]), -1, 0))
    return xp.concat(rates, axis=0)


def null_overlap(
    G: Array,
    labelings: np.ndarray,
    rank: int,
    *,
    class_centred: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Array:
    """Mean off-diagonal subspace overlap (P, ...) under each of P labelings: `permuted_classes` has more."""
    return permuted_classes(
        G, labelings, rank, class_centred=class_centred, progress=progress, cancelled=cancelled
    ).overlap


def null_spectra(G: Array, labelings: np.ndarray) -> tuple[list[Array], list[int]]:
    """Class spectra under P labelings: (spectra, sizes) for `class_rate_from_spectra`, the null at any ε.

    All classes of all labelings stand in one list, so `class_rate_from_spectra(*null_spectra(G, few), d,
    eps)` is the mean of Rc over the labelings. It is unbiased, with an error of std/√P for the null's own
    std. With P = 4 free permutations that is the expectation for a first paint; a free-probability formula
    from the spectrum of G alone was 0.1 % off on even features, but by more than the excess itself where
    image norms vary.

    Raises:
        GeometryError: Bad G or labelings.
    """
    _, G = square_gram(G)
    spectra: list[Array] = []
    for labels in checked_labelings(labelings, G.shape[-1]):
        spectra += class_spectra(G, labels)
    return spectra, [s.shape[-1] for s in spectra]


def summarize_null(
    observed: float,
    samples: Array,
    alternative: Literal["greater", "smaller"] = "greater",
    rounding: float = 0.0,
) -> NullSummary:
    """An observed metric against its permuted values (P,).

    Args:
        observed: The metric with the true labels.
        samples: (P,) values under permuted labels.
        alternative: Which side is evidence of structure: "greater" for ΔR, "smaller" for Rc, Rc/R and
            overlap.
        rounding: Differences up to this count as ties: an excess or a std no larger is none. ΔR is the
            difference of large numbers: 1e-10 R is right for it.

    Raises:
        GeometryError: Fewer than two samples, values that are not finite, or an unknown alternative.
    """
    _, samples = real_array(samples, "samples")
    values = np.asarray(to_device(samples, "cpu") if is_torch_array(samples) else samples, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise GeometryError(f"samples must be (P,) with P of at least 2; got shape {values.shape}")
    if not (np.all(np.isfinite(values)) and np.isfinite(observed)):
        raise GeometryError("the observed metric and its permuted values must be finite")
    if alternative not in ("greater", "smaller"):
        raise GeometryError(f"alternative must be 'greater' or 'smaller', not {alternative!r}")
    observed = float(observed)
    sign = 1 if alternative == "greater" else -1
    extreme = int(np.sum(sign * values >= sign * observed - rounding))
    mean, std = float(np.mean(values)), float(np.std(values, ddof=1))
    low, high = np.quantile(values, [0.025, 0.975])
    excess = observed - mean if abs(observed - mean) > rounding else 0.0
    spread = std > max(rounding, 1e-12 * max(abs(observed), float(np.max(np.abs(values)))))
    if not spread:
        std, low, high = 0.0, mean, mean
    return NullSummary(
        mean=mean,
        std=std,
        low=float(low),
        high=float(high),
        excess=excess,
        z=excess / std if spread else None,
        p=(1 + extreme) / (1 + len(values)),
        permutations=len(values),
    )
