"""The rates of tokens without each image in turn, all its tokens at once, in closed form.

Without image i, with tokens X_i (T, d), the scatter S becomes S - X_iᵀ W X_i, and with A = I + αS

    log det(I + α(S - X_iᵀ W X_i)) = log det A + log det(I - α W X_i A⁻¹ X_iᵀ),

a determinant of side T for each image. W is I where nothing but the image goes. In views that remove a mean,
the mean goes with it: of n rows that sum to zero, n - T are left, and W = I + 11ᵀ/(n - T).
"""

import numpy as np

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.token_columns import Codes, TokenColumns, cholesky
from subspacelens_tui.geometry import GeometryError, View
from subspacelens_tui.geometry.determinants import TOO_LARGE
from subspacelens_tui.geometry.rounding import TOLERANCE, scaled_rounding


def rates_without_images(
    viewed: TokenColumns, view: View, codes: Codes, eps: float
) -> tuple[Float64Array, Float64Array]:
    """R (N,) and Rc (N,) of tokens without each image.

    Args:
        viewed: the tokens in a feature view.
        view: which.
        codes: (N,) the classes of the images.
        eps: ε.

    Raises:
        GeometryError: if a class is a single image, the view has no closed form, or rounding would be seen.
    """
    if view == "trace":
        raise GeometryError(
            "without each image the trace view has no closed form for tokens; leave out seeds or subjects"
        )
    if np.bincount(codes).min() < 2:
        raise GeometryError("a class has a single image and cannot spare it; record more images")
    T = viewed.rows.shape[1]
    scale = viewed.width / eps**2
    sizes = np.bincount(codes)[codes] * T
    removed = {"centred": np.full(len(codes), viewed.count), "class-centred": sizes}.get(view)
    c = np.zeros(len(codes)) if removed is None else 1 / (removed - T)
    W = np.eye(T) + c[:, None, None]
    scatter = viewed.flat.T @ viewed.flat
    if viewed.massive and scaled_rounding(scatter, scale / viewed.count) > TOLERANCE * viewed.coding_rate(
        eps
    ):
        raise GeometryError(
            "rounding would be seen in what single images change; leave out seeds or subjects"
        )
    R = _changed(scatter, scale / (viewed.count - T), viewed.rows, -W)
    if view == "centred":
        return R, _centred_class_rates(viewed, codes, scale)
    return R, _class_rates(viewed, codes, scale, W)


def _leverages(scatter: Float64Array, alpha: float, V: Float64Array) -> tuple[float, Float64Array]:
    """log det A and V_i A⁻¹ V_iᵀ (n, t, t) for A = I + αS and V (n, t, d)."""
    # Imported here: the app loads the analysis at its start.
    from scipy.linalg import solve_triangular

    n, t, d = V.shape
    factor = cholesky(scatter, alpha)
    Y = solve_triangular(factor, V.reshape(-1, d).T, lower=True, check_finite=False)
    Y = np.ascontiguousarray(Y.T).reshape(n, t, d)
    return 2 * float(np.sum(np.log(np.diagonal(factor)))), np.matmul(Y, Y.transpose(0, 2, 1))


def _class_rates(viewed: TokenColumns, codes: Codes, scale: float, W: Float64Array) -> Float64Array:
    """Rc (N,) without each image, where that changes its own class only."""
    T = viewed.rows.shape[1]
    result: Float64Array = np.zeros(len(codes))
    for code, members in enumerate(viewed.classes(codes)):
        own = codes == code
        size = len(members)
        scatter = members.T @ members
        log_det = 2 * float(np.sum(np.log(np.diagonal(cholesky(scatter, scale / size)))))
        result[~own] += size * 0.5 * log_det
        result[own] += (size - T) * _changed(scatter, scale / (size - T), viewed.rows[own], -W[own])
    result /= viewed.count - T
    return result


def _centred_class_rates(viewed: TokenColumns, codes: Codes, scale: float) -> Float64Array:
    """Rc (N,) of globally centred tokens, where leaving image i out moves all others by b_i.

    With s_i the sum of its tokens, b_i = s_i/(N·T - T). A class of n rows and sum σ gains σbᵀ + bσᵀ + n bbᵀ,
    of rank two; its own image goes as well, and as b_i is a combination of its tokens, the rank is T + 1.
    """
    T = viewed.rows.shape[1]
    left = viewed.count - T
    b = viewed.rows.sum(axis=1) / left
    result: Float64Array = np.zeros(len(codes))
    for code, members in enumerate(viewed.classes(codes)):
        own = codes == code
        size, scatter, total = len(members), members.T @ members, members.sum(axis=0)
        others = np.stack([np.broadcast_to(total, b[~own].shape), b[~own]], axis=1)
        gained = np.array([[0, 1], [1, size]], dtype=np.float64)
        result[~own] += size * _changed(scatter, scale / size, others, gained)
        rows = viewed.rows[own]
        theirs = np.concatenate([rows, np.broadcast_to(total, (len(rows), 1, len(total)))], axis=1)
        result[own] += (size - T) * _changed(scatter, scale / (size - T), theirs, _own_change(T, left, size))
    result /= left
    return result


def _own_change(T: int, left: int, size: int) -> Float64Array:
    """C (T + 1, T + 1): without image i its centred class has the scatter S + VᵀCV, V = [X_i; σ]."""
    change = np.zeros((T + 1, T + 1))
    change[:T, :T] = -np.eye(T) + (size - T) / left**2 - 2 / left
    change[:T, T] = change[T, :T] = 1 / left
    return change


def _changed(scatter: Float64Array, alpha: float, V: Float64Array, C: Float64Array) -> Float64Array:
    """½ log det(I + α(S + V_iᵀ C V_i)) (n,) for V (n, t, d) and C (t, t), or (n, t, t)."""
    log_det, H = _leverages(scatter, alpha, V)
    sign, change = np.linalg.slogdet(np.eye(V.shape[1]) + alpha * C @ H)
    if not np.all(sign > 0):
        raise GeometryError(TOO_LARGE)
    half: Float64Array = 0.5 * (log_det + change)
    return half
