"""Checks that every public function runs on what it is given: arrays, ε, dimensions, spectra.

NumPy arrays and torch tensors are taken alike, through their array-API namespace; torch itself is never
imported.
"""

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from subspacelens_tui.geometry.errors import GeometryError

Array = Any  # a NumPy array or a torch tensor

FLOAT64_EPS = 2.0**-52
# Squares of larger numbers, summed over a wide layer, would overflow float64.
LARGEST_FEATURE = 1e150
# Rounding makes small eigenvalues of a Gram negative; anything beyond this share of the largest is no
# rounding.
NEGATIVE_SHARE = 1e-6


def real_array(X: Array, name: str) -> tuple[Any, Array]:
    """The namespace of `X`, and `X` without gradient; GeometryError unless it holds real numbers."""
    try:
        # NumPy speaks the array API itself; array_api_compat's clone of it takes 0.15 s to import.
        xp = np if isinstance(X, np.ndarray) else array_namespace(X)
    except TypeError:
        raise GeometryError(
            f"{name} must be a NumPy array or a torch tensor, not {type(X).__name__}; convert it first"
        ) from None
    try:
        is_real = xp.isdtype(X.dtype, ("real floating", "integral", "bool"))
    except (TypeError, ValueError):
        is_real = False
    if not is_real:
        raise GeometryError(f"{name} must hold real numbers, not {X.dtype}; convert it to float32 or float64")
    return xp, X.detach() if hasattr(X, "detach") else X


def features(Z: Array, batched: bool = False, least: int = 2) -> tuple[Any, Array]:
    """The namespace of `Z`, and `Z` (d, N), or (..., d, N) where `batched`, in float64, on its own device.

    `least` is the smallest N that will do.
    """
    xp, Z = real_array(Z, "Z")
    if Z.ndim < 2 or (Z.ndim > 2 and not batched):
        raise GeometryError(f"Z must be (d, N), one column per image; got shape {tuple(Z.shape)}")
    d, n = Z.shape[-2:]
    if d < 1 or 0 in Z.shape[:-2]:
        raise GeometryError(f"Z has no features: its shape is {tuple(Z.shape)}")
    if n < least:
        at_least_two_images(n)
    Z = xp.astype(Z, xp.float64, copy=False)
    # NaN fails the comparison as well.
    if not float(xp.max(xp.abs(Z))) < LARGEST_FEATURE:
        bad = xp.any(~(xp.abs(Z) < LARGEST_FEATURE), axis=tuple(range(Z.ndim - 1)))
        columns = [i for i in range(n) if bool(bad[i])]
        named = ", ".join(map(str, columns[:5])) + (", …" if len(columns) > 5 else "")
        raise GeometryError(
            f"Z is not finite (NaN, infinite or beyond {LARGEST_FEATURE:g}) in {len(columns)} of {n} columns "
            f"({named}); leave those images out"
        )
    return xp, Z


def square_gram(G: Array, finite: bool = True) -> tuple[Any, Array]:
    """The namespace of `G`, and `G` (..., N, N) in float64; whether it is finite is looked at if `finite`."""
    xp, G = real_array(G, "G")
    if G.ndim < 2 or G.shape[-1] != G.shape[-2]:
        raise GeometryError(f"G must be a Gram matrix (..., N, N); got shape {tuple(G.shape)}")
    at_least_two_images(G.shape[-1])
    G = xp.astype(G, xp.float64, copy=False)
    if finite and not math.isfinite(float(xp.sum(G))):
        raise GeometryError("G is not finite; leave out the images whose features are NaN or infinite")
    return xp, G


def at_least_two_images(n: int) -> None:
    """GeometryError for fewer than two images: one image spans no geometry."""
    if n < 2:
        raise GeometryError(f"at least 2 images are needed, got {n}; record more images")


def precision(eps: Any, xp: Any, like: Array) -> Array:
    """ε as a float64 array beside `like`; GeometryError unless every value is finite and positive."""
    try:
        eps = xp.asarray(eps, dtype=xp.float64, device=device(like))
    except (TypeError, ValueError):
        raise GeometryError(f"eps must be a number or an array of numbers, got {eps!r}") from None
    if not bool(xp.all(xp.isfinite(eps) & (eps > 0))):
        shown = float(eps) if eps.ndim == 0 else "an array with other values"
        raise GeometryError(
            f"eps must be finite and above 0, got {shown}; 0.5 is usual for unit-norm features"
        )
    return eps


def count(value: Any, name: str, least: int = 1) -> int:
    """`value` as an int; GeometryError unless it is a whole number of at least `least`."""
    try:
        number = int(value)
        whole = number == value
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or number < least:
        raise GeometryError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return number


def spectrum(eigenvalues: Array) -> tuple[Any, Array]:
    """The namespace, and eigenvalues (..., m) in float64 with the negatives that rounding left set to 0."""
    xp, eigenvalues = real_array(eigenvalues, "eigenvalues")
    if eigenvalues.ndim < 1 or 0 in eigenvalues.shape:
        raise GeometryError(f"eigenvalues must be (..., m) with m >= 1; got shape {tuple(eigenvalues.shape)}")
    eigenvalues = xp.astype(eigenvalues, xp.float64, copy=False)
    if not bool(xp.all(xp.isfinite(eigenvalues))):
        raise GeometryError(
            "eigenvalues are not finite; leave out the images whose features are NaN or infinite"
        )
    largest = xp.max(xp.abs(eigenvalues), axis=-1)
    if bool(xp.any(xp.min(eigenvalues, axis=-1) < -NEGATIVE_SHARE * largest)):
        raise GeometryError(
            "eigenvalues are negative beyond rounding; pass those of a Gram matrix or a covariance"
        )
    return xp, xp.clip(eigenvalues, 0.0, None)
