"""The Gram matrix of the images, and every feature view as an operation on it."""

from typing import Any, Literal

import numpy as np
from array_api_compat import device

from subspacelens_tui.geometry.classes import class_index
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import FLOAT64_EPS, Array, features, square_gram

View = Literal["raw", "centred", "class-centred", "unit", "trace"]
VIEWS: tuple[View, ...] = ("raw", "centred", "class-centred", "unit", "trace")


def gram(Z: Array) -> Array:
    """The Gram matrix ZᵀZ (..., N, N) of Z (..., d, N), in float64 whatever the precision of Z.

    A float32 Gram is not enough: on a collapsed spectrum with massive dimensions it gave R = 653 nats for
    517.

    Raises:
        GeometryError: Z is not (..., d, N), not finite, or holds fewer than two images.
    """
    xp, Z = features(Z, batched=True)
    return xp.matmul(xp.matrix_transpose(Z), Z)


def feature_view(G: Array, view: str, labels: Any = None) -> Array:
    """The Gram matrix of a view of the features, from that of the features themselves.

    - ``raw``: G.
    - ``centred``: H G H, with H = I - 11ᵀ/N: the mean over all images removed.
    - ``class-centred``: P G P, with P block diagonal over the classes of `labels`: each class's own mean
      removed. Blocks between classes change as well.
    - ``unit``: D^-½ G D^-½: every image scaled to norm 1.
    - ``trace``: G N/tr G: all images scaled by one factor, so that the mean squared norm is 1.

    ``unit`` and ``trace`` share one scale: ε² is then the allowed squared error as a fraction of an image's
    (mean) squared norm; Yu et al. 2020 set ε² = 0.5 on unit-norm features. An ε chosen for raw features z
    corresponds to ε / sqrt(mean ‖z‖²) here.

    Args:
        G: Gram matrices (..., N, N).
        view: One of VIEWS.
        labels: (N,) integers or strings; used by ``class-centred`` only.

    Raises:
        GeometryError: Unknown view, labels missing or of another length, or an image (``unit``) or all images
            (``trace``) of zero norm.
    """
    xp, G = square_gram(G)
    if view == "raw":
        return G
    if view == "centred":
        return _centred(G, xp, np.zeros(G.shape[-1], dtype=np.int64))
    if view == "class-centred":
        if labels is None:
            raise GeometryError("the class-centred view needs labels; choose a label scheme")
        return _centred(G, xp, labels)
    if view == "unit":
        norms = xp.linalg.diagonal(G)
        if bool(xp.any(norms <= 0)):
            bad = xp.any(xp.reshape(norms <= 0, (-1, norms.shape[-1])), axis=0)
            image = next(i for i in range(norms.shape[-1]) if bool(bad[i]))
            raise GeometryError(f"image {image} has all-zero features and no unit norm; leave it out")
        scale = 1 / xp.sqrt(norms)
        return G * scale[..., :, None] * scale[..., None, :]
    if view == "trace":
        total = xp.sum(xp.linalg.diagonal(G), axis=-1)
        if bool(xp.any(total <= 0)):
            raise GeometryError("all features are zero and cannot be trace-normalised; use the raw view")
        return G * (G.shape[-1] / total)[..., None, None]
    raise GeometryError(f"unknown feature view {view!r}; choose one of {', '.join(VIEWS)}")


def without_mean(B: Array, xp: Any) -> Array:
    """H B H (..., n, n): the mean of all n images removed."""
    rows = xp.mean(B, axis=-1, keepdims=True)
    return B - rows - xp.matrix_transpose(rows) + xp.mean(rows, axis=-2, keepdims=True)


def _centred(G: Array, xp: Any, labels: Any) -> Array:
    """P G P, P removing each class's mean: G less its class means over rows, over columns, plus over both."""
    n = G.shape[-1]
    index = class_index(labels, n)
    averaging = np.zeros((len(index.names), n))
    codes = np.empty(n, dtype=np.int64)
    for k, members in enumerate(index.members):
        averaging[k, members] = 1 / len(members)
        codes[members] = k
    mean = xp.asarray(averaging, device=device(G))
    codes = xp.asarray(codes, device=device(G))
    of_rows = xp.matmul(mean, G)
    of_both = xp.matmul(of_rows, xp.matrix_transpose(mean))
    by_row = of_rows[..., codes, :]
    centred = G - by_row - xp.matrix_transpose(by_row) + of_both[..., codes[:, None], codes[None, :]]
    # Of an image equal to its mean only rounding is left, and that must not pass for structure.
    left = xp.linalg.diagonal(centred) > n * FLOAT64_EPS * xp.linalg.diagonal(G)
    return xp.where(left[..., :, None] & left[..., None, :], centred, xp.zeros_like(centred))
