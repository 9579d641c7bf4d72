"""R and Rc without each image in turn, for every feature view, in closed form.

Leaving image i out of a block B of n images leaves the determinant of A = I + αB without row and column i,
which is det A · (A⁻¹)ᵢᵢ. Where a view depends on the image left out, more of A⁻¹ is needed, never another
inverse:

- centred by the block's own mean: the determinant on the complement of span(eᵢ, 1), which is
  det A · (n (A⁻¹)ᵢᵢ - 1)/(n - 1);
- class blocks of globally centred features: without image i the mean moves by -xᵢ/(N-1), a rank-two update;
- trace-normalised: α becomes another for each i, so A is diagonalised once.
"""

from typing import Any

import numpy as np
from array_api_compat import device

from subspacelens_tui.geometry.classes import ClassIndex, class_blocks
from subspacelens_tui.geometry.determinants import TOO_LARGE, log_determinants, too_large_refused
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import feature_view
from subspacelens_tui.geometry.inputs import Array


def delete_one_rates(
    G: Array, labels: Any, index: ClassIndex, scale: Array, view: str, xp: Any
) -> tuple[Array, Array]:
    """R (..., N) and Rc (..., N) without each image, from raw G (..., N, N); `scale` (...) is d/ε²."""
    return delete_one_coding_rates(G, labels, index, scale, view, xp), delete_one_class_rates(
        G, labels, index, scale, view, xp
    )


def delete_one_coding_rates(
    G: Array, labels: Any, index: ClassIndex, scale: Array, view: str, xp: Any
) -> Array:
    """R (..., N) without each image; arguments as of `delete_one_rates`."""
    n = G.shape[-1]
    alpha = scale / (n - 1)
    if view == "trace":
        return _without_each_at(G, _trace_scales(G, scale, xp) / (n - 1), xp)
    viewed = feature_view(G, view, labels)
    if view == "centred":
        return _without_means(viewed, ClassIndex(("all",), (np.arange(n),)), alpha, xp)
    if view == "class-centred":
        return _without_means(viewed, index, alpha, xp)
    return _without_each(viewed, alpha, xp)


def delete_one_class_rates(
    G: Array, labels: Any, index: ClassIndex, scale: Array, view: str, xp: Any
) -> Array:
    """Rc (..., N) without each image; arguments as of `delete_one_rates`."""
    if view == "trace":
        return _trace_normalised_class_rates(G, index, _trace_scales(G, scale, xp), xp)
    viewed = feature_view(G, view, labels)
    if view == "centred":
        return _centred_class_rates(viewed, index, scale, xp)
    return _class_rates(viewed, index, scale, view == "class-centred", xp)


def _without_each(B: Array, alpha: Array, xp: Any) -> Array:
    """½ log det(I + αB without image i) (..., n)."""
    return _half(log_determinants(B, alpha, xp), xp.linalg.diagonal(_inverse(B, alpha, xp)), xp)


def _without_means(B: Array, index: ClassIndex, alpha: Array, xp: Any) -> Array:
    """½ log det(I + αB without image i) (..., n), where B is centred by the classes of `index` and stays so.

    The factor (n_k (A⁻¹)ᵢᵢ - 1)/(n_k - 1) would lose its digits where A is large, since A⁻¹ keeps the 1 of
    the means' directions. With those raised to 1/t the 1 becomes t.
    """
    n = B.shape[-1]
    averaging, sizes = np.zeros((n, n)), np.zeros(n)
    for members in index.members:
        averaging[np.ix_(members, members)] = 1 / len(members)
        sizes[members] = len(members)
    averaging, sizes = xp.asarray(averaging, device=device(B)), xp.asarray(sizes, device=device(B))
    raised = alpha * xp.sum(xp.linalg.diagonal(B), axis=-1) / n
    inverse = _inverse(B, alpha, xp, raised[..., None, None] * averaging)
    t = 1 / (1 + raised[..., None])
    factor = (sizes * xp.linalg.diagonal(inverse) - t) / (sizes - 1)
    return _half(log_determinants(B, alpha, xp), factor, xp)


def _class_rates(G: Array, index: ClassIndex, scale: Array, class_centred: bool, xp: Any) -> Array:
    """Rc (..., N) where leaving image i out changes its own class only."""
    n = G.shape[-1]
    result = xp.zeros(G.shape[:-1], dtype=xp.float64, device=device(G))
    for _, members in index.by_size():
        size = members.shape[1]
        blocks = class_blocks(G, members, xp, device(G))
        scales = scale[..., None]
        whole = 0.5 * size * log_determinants(blocks, scales / size, xp)
        if class_centred:
            one = ClassIndex(("class",), (np.arange(size),))
            without = _without_means(blocks, one, scales / (size - 1), xp)
        else:
            without = _without_each(blocks, scales / (size - 1), xp)
        result = result + xp.sum(whole, axis=-1)[..., None]
        for position, m in enumerate(members):
            change = (size - 1) * without[..., position, :] - whole[..., position, None]
            result[..., xp.asarray(m, device=device(G))] += change
    return result / (n - 1)


def _centred_class_rates(G: Array, index: ClassIndex, scale: Array, xp: Any) -> Array:
    """Rc (..., N) of globally centred features, where leaving image i out moves all by b xᵢ, b = 1/(N-1).

    The block of a class becomes B + b(a1ᵀ + 1aᵀ) + b² Gᵢᵢ 11ᵀ with a the inner products with image i. By the
    determinant lemma det A changes by (1 + αb aᵀM1)² + αb² (Gᵢᵢ - α aᵀMa) 1ᵀM1, where M = A⁻¹.
    """
    n = G.shape[-1]
    b = 1 / (n - 1)
    norms = xp.linalg.diagonal(G)
    result = xp.zeros(G.shape[:-1], dtype=xp.float64, device=device(G))
    for members in index.members:
        m = xp.asarray(members, device=device(G))
        size = len(members)
        rows = xp.take(G, m, axis=-2)
        block = xp.take(rows, m, axis=-1)
        # Images of other classes.
        alpha = (scale / size)[..., None]
        M = _inverse(block, scale / size, xp)
        Ma = xp.matmul(M, rows)
        residual = norms - alpha * xp.sum(rows * Ma, axis=-2)
        total = xp.sum(M, axis=(-2, -1))[..., None]
        ratio = (1 + alpha * b * xp.sum(Ma, axis=-2)) ** 2 + alpha * b**2 * residual * total
        rates = size * _half(log_determinants(block, scale / size, xp), ratio, xp)
        # Its own images, each taken out as well: M without e_i, and a = B e_i simplifies the terms.
        M = _inverse(block, scale / (size - 1), xp)
        left, sums = xp.linalg.diagonal(M), xp.sum(M, axis=-1)
        total = xp.sum(M, axis=(-2, -1))[..., None] - sums**2 / left
        ratio = (1 + b * (1 - sums / left)) ** 2 + b**2 * (1 / left - 1) * total
        own = _half(log_determinants(block, scale / (size - 1), xp), left * ratio, xp)
        rates[..., m] = (size - 1) * own
        result = result + rates
    return result / (n - 1)


def _trace_scales(G: Array, scale: Array, xp: Any) -> Array:
    """d/ε² times the factor (N-1)/(tr G - Gᵢᵢ) (..., N) by which the rest gets mean squared norm 1."""
    norms = xp.linalg.diagonal(G)
    rest = xp.sum(norms, axis=-1, keepdims=True) - norms
    return scale[..., None] * (G.shape[-1] - 1) / rest


def _trace_normalised_class_rates(G: Array, index: ClassIndex, scales: Array, xp: Any) -> Array:
    """Rc (..., N) where leaving image i out rescales all others to mean squared norm 1."""
    Rc = xp.zeros_like(scales)
    for members in index.members:
        m = xp.asarray(members, device=device(G))
        size = len(members)
        block = xp.take(xp.take(G, m, axis=-2), m, axis=-1)
        rates = size * 0.5 * _log_dets_at(xp.linalg.eigvalsh(block), scales / size, xp)
        rates[..., m] = (size - 1) * _without_each_at(block, scales[..., m] / (size - 1), xp)
        Rc = Rc + rates
    return Rc / (G.shape[-1] - 1)


def _without_each_at(B: Array, alpha: Array, xp: Any) -> Array:
    """½ log det(I + αᵢ B without image i) (..., n), α (..., n) its own for each image."""
    eigenvalues, V = xp.linalg.eigh(B)
    eigenvalues = xp.clip(eigenvalues, 0.0, None)
    inverse = 1 / (1 + alpha[..., None] * eigenvalues[..., None, :])
    return _half(_log_dets_at(eigenvalues, alpha, xp), xp.sum(V**2 * inverse, axis=-1), xp)


def _log_dets_at(eigenvalues: Array, alpha: Array, xp: Any) -> Array:
    """Σ log1p(α λ) (..., n) for eigenvalues (..., m) and n values α (..., n)."""
    return xp.sum(xp.log1p(alpha[..., None] * xp.clip(eigenvalues, 0.0, None)[..., None, :]), axis=-1)


def _inverse(B: Array, alpha: Array, xp: Any, raised: Any = 0.0) -> Array:
    """(I + αB + raised)⁻¹ (..., n, n)."""
    A = alpha[..., None, None] * B + xp.eye(B.shape[-1], dtype=xp.float64, device=device(B)) + raised
    with too_large_refused():
        return xp.linalg.inv(A)


def _half(log_det: Array, factor: Array, xp: Any) -> Array:
    """½ (log det A + log factor) (..., n), `log_det` (...) or (..., n)."""
    if not bool(xp.all(factor > 0)):
        raise GeometryError(TOO_LARGE)
    if log_det.ndim < factor.ndim:
        log_det = log_det[..., None]
    return 0.5 * (log_det + xp.log(factor))
