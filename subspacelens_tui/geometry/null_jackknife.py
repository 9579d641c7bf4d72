"""Rc under permuted labels without each image or group in turn: the null side of a jackknifed excess.

The permutations are fixed: each is restricted to the images that are left. Leaving the images S out of a
class leaves the determinant of A = I + αB without their rows and columns, which is det A · det (A⁻¹)_SS: one
inverse of a class block gives the value without each of its groups of one size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry.classes import ClassIndex, class_blocks, class_indices, label_array
from subspacelens_tui.geometry.delete_one import delete_one_class_rates, delete_one_rates
from subspacelens_tui.geometry.determinants import MEMORY, TOO_LARGE, log_determinants, too_large_refused
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import feature_view
from subspacelens_tui.geometry.inputs import Array, count, precision, square_gram
from subspacelens_tui.geometry.nulls import null_class_centred_rate, null_class_rate
from subspacelens_tui.geometry.progress import (
    CHUNK,
    IsCancelled,
    Progress,
    check_cancelled,
    checked_labelings,
)

Float64Array = npt.NDArray[np.float64]
_ONE_GROUP = "all images are of one group, and leaving it out leaves none; record more of them"


def null_rates_left_out(
    G: Array,
    labelings: npt.NDArray[Any],
    groups: Any,
    d: int,
    eps: float,
    view: str = "raw",
    *,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> tuple[Float64Array | None, Float64Array]:
    """R and Rc (P, m) in nats under each of P labelings without each of m groups of images.

    R is None where it does not depend on the labels: in every view but the class-centred one.

    Args:
        G: Gram matrix (N, N) of the raw features.
        labelings: (P, N), as `permuted_labels` gives them.
        groups: (N,) integers or strings, the seed or the subject of each image, in the order of whose sorted
            names the values come; None to leave out single images.
        d: The width of the features.
        eps: ε.
        view: The feature view, one of VIEWS; what of it depends on the images is had anew without each group.
        progress: Called with what is done and the total.
        cancelled: Asked many times.

    Raises:
        GeometryError: Bad G, labelings, groups, ε, d or view; a single group; a permuted class of a single
            image that is left out; or features so large that factors in float64 fail.
        Cancelled: `cancelled` returned True.
    """
    _, G = square_gram(G)
    G = np.asarray(G, dtype=np.float64)
    n = len(G)
    labelings = checked_labelings(labelings, n)
    scale = count(d, "d") / float(precision(eps, np, G)) ** 2
    of_image = np.arange(n) if groups is None else label_array(groups, n, "groups")
    names, group_of = np.unique(of_image, return_inverse=True)
    if len(names) < 2:
        raise GeometryError(_ONE_GROUP)
    if view in ("raw", "unit"):
        viewed = np.asarray(feature_view(G, view))
        return None, _by_inverses(viewed, labelings, group_of, scale, progress, cancelled)
    if groups is None:
        return _without_images(G, labelings, scale, view, progress, cancelled)
    return _anew(G, labelings, group_of, d, eps, view, progress, cancelled)


def _without_images(
    G: Float64Array,
    labelings: npt.NDArray[Any],
    scale: float,
    view: str,
    progress: Progress | None,
    cancelled: IsCancelled | None,
) -> tuple[Float64Array | None, Float64Array]:
    """Without single images of views that they take part in: the closed form of each labelling."""
    R, Rc = [], []
    scales = np.asarray(scale)
    for done, (labels, index) in enumerate(zip(labelings, class_indices(labelings), strict=True)):
        check_cancelled(cancelled)
        if view == "class-centred":
            both = delete_one_rates(G, labels, index, scales, view, np)
            R.append(both[0])
            Rc.append(both[1])
        else:
            Rc.append(delete_one_class_rates(G, labels, index, scales, view, np))
        if progress is not None and done % CHUNK == 0:
            progress(done + 1, len(labelings))
    return np.stack(R) if R else None, np.stack(Rc)


def _anew(
    G: Float64Array,
    labelings: npt.NDArray[Any],
    group_of: npt.NDArray[np.intp],
    d: int,
    eps: float,
    view: str,
    progress: Progress | None,
    cancelled: IsCancelled | None,
) -> tuple[Float64Array | None, Float64Array]:
    """Without groups of images of views that they take part in: the null of what is left."""
    class_centred, m = view == "class-centred", int(group_of.max()) + 1
    R, Rc = [], []
    for group in range(m):
        kept = np.flatnonzero(group_of != group)
        rest, labels = G[kept[:, None], kept], labelings[:, kept]
        rest = rest if class_centred else feature_view(rest, view)
        Rc.append(null_class_rate(rest, labels, d, eps, class_centred=class_centred, cancelled=cancelled))
        if class_centred:
            R.append(null_class_centred_rate(rest, labels, d, eps, cancelled=cancelled))
        if progress is not None:
            progress(group + 1, m)
    return np.stack(R, axis=1) if R else None, np.stack(Rc, axis=1)


@dataclass(frozen=True)
class _Blocks:
    """Permuted classes of one size.

    Attributes:
        labelling: (b,) which labelling each is of.
        members: (b, n) its images.
        left_out: (b, m) how many of them each group holds.
    """

    labelling: npt.NDArray[np.intp]
    members: npt.NDArray[np.intp]
    left_out: npt.NDArray[np.intp]


def _by_inverses(
    G: Float64Array,
    labelings: npt.NDArray[Any],
    group_of: npt.NDArray[np.intp],
    scale: float,
    progress: Progress | None,
    cancelled: IsCancelled | None,
) -> Float64Array:
    """Rc (P, m) where leaving images out changes nothing of the others."""
    sizes = np.bincount(group_of)
    found = np.zeros((len(labelings), len(sizes)))
    indices = class_indices(labelings)
    done, total = 0, sum(len(index.members) for index in indices)
    for blocks in _in_blocks(indices, group_of, len(sizes)):
        check_cancelled(cancelled)
        np.add.at(found, blocks.labelling, _parts(G, blocks, group_of, scale))
        done += len(blocks.labelling)
        if progress is not None:
            progress(done, total)
    result: Float64Array = found / (len(G) - sizes)
    return result


def _in_blocks(indices: Sequence[ClassIndex], group_of: npt.NDArray[np.intp], m: int) -> Iterator[_Blocks]:
    """The classes of all labelings by size, as many at a time as the cache holds."""
    by_size: dict[int, list[tuple[int, npt.NDArray[np.intp]]]] = {}
    for p, index in enumerate(indices):
        for members in index.members:
            by_size.setdefault(len(members), []).append((p, members))
    for size, owned in by_size.items():
        at_once = max(1, MEMORY // (8 * size**2))
        for start in range(0, len(owned), at_once):
            some = owned[start : start + at_once]
            members = np.stack([of for _, of in some])
            rows = np.repeat(np.arange(len(some)), size)
            left_out = np.zeros((len(some), m), dtype=np.intp)
            np.add.at(left_out, (rows, group_of[members].ravel()), 1)
            yield _Blocks(np.asarray([p for p, _ in some]), members, left_out)


def _parts(G: Float64Array, blocks: _Blocks, group_of: npt.NDArray[np.intp], scale: float) -> Float64Array:
    """n_k R(Z_k) (b, m) of each class without each group, n_k the images that are left of it."""
    B = class_blocks(G, blocks.members, np, None)
    size = blocks.members.shape[1]
    parts = np.zeros(blocks.left_out.shape)
    # Of a class, its images group by group: those of a group lie together.
    order = np.argsort(group_of[blocks.members], axis=1, kind="stable")
    starts = np.cumsum(blocks.left_out, axis=1) - blocks.left_out
    for gone in np.flatnonzero(np.bincount(blocks.left_out.ravel())):
        if gone == size:
            continue
        here = blocks.left_out == gone
        which, group = np.nonzero(here)
        has = here.any(axis=1)
        used, back = np.flatnonzero(has), (np.cumsum(has) - 1)[which]
        alpha = np.full(len(used), scale / (size - gone))
        half = 0.5 * np.asarray(log_determinants(B[used], alpha, np))[back]
        if gone:
            inverses = _inverse(B[used], alpha[0])
            S = order[which[:, None], starts[which, group][:, None] + np.arange(gone)]
            half = half + 0.5 * _log_minors(inverses, back, S)
        parts[which, group] = (size - gone) * half
    return parts


def _inverse(B: Float64Array, alpha: float) -> Float64Array:
    with too_large_refused():
        return np.asarray(np.linalg.inv(alpha * B + np.eye(B.shape[-1])))


def _log_minors(inverses: Float64Array, which: npt.NDArray[np.intp], S: npt.NDArray[np.intp]) -> Float64Array:
    """log det (A⁻¹)_SS (q,) of the inverses (b, n, n) named in `which` (q,) at the images S (q, s)."""
    minors = inverses[which[:, None, None], S[:, :, None], S[:, None, :]]
    if S.shape[1] == 1:
        sign, logs = np.sign(minors[:, 0, 0]), np.log(np.abs(minors[:, 0, 0]))
    else:
        sign, logs = np.linalg.slogdet(minors)
    if not np.all(sign > 0):
        raise GeometryError(TOO_LARGE)
    return np.asarray(logs)
