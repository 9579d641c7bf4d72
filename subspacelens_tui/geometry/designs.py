"""Which labels may be exchanged with which: the permutation designs behind the nulls.

A p-value holds for the hypothesis under which its design leaves the features' distribution unchanged: that
images are exchangeable altogether (free), among those with the same initial noise (within-seed), among those
of one coarse class (fine-within-coarse), or that subjects as wholes are exchangeable between categories
(subjects).
"""

from typing import Any, Literal

import numpy as np

from subspacelens_tui.geometry.classes import label_array
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import count

Design = Literal["free", "within-seed", "fine-within-coarse", "subjects"]
DESIGNS: tuple[Design, ...] = ("free", "within-seed", "fine-within-coarse", "subjects")


def permuted_labels(
    labels: Any, design: str, permutations: int, rng: np.random.Generator | int, groups: Any = None
) -> np.ndarray:
    """Permuted labelings (P, N), as integers 0 … K-1 that stand for the sorted class names.

    - ``free``: labels shuffled among all images.
    - ``within-seed``: labels shuffled among the images that share a seed; `groups` are the seeds. An image
      alone with its seed keeps its label.
    - ``fine-within-coarse``: `labels` are fine ones, shuffled among the images of a coarse class; `groups`
      are the coarse labels.
    - ``subjects``: `labels` are coarse ones; whole subjects change category, and each category keeps its
      number of subjects; `groups` are the subjects. The test of hierarchy.

    Args:
        labels: (N,) integers or strings.
        design: One of DESIGNS.
        permutations: P.
        rng: A generator, or a seed for one: the same seed gives the same labelings, and the first of them
            are the same whatever P is.
        groups: (N,) integers or strings; what they are depends on the design, and ``free`` takes none.

    Raises:
        GeometryError: Unknown design, groups missing or not one per image, labels not nested in the groups
            (or groups in the labels) where the design needs it, or a design under which no label can change.
    """
    array = np.asarray(labels) if not hasattr(labels, "shape") else labels
    n = array.shape[0] if array.ndim else 0
    names, codes = np.unique(label_array(array, n), return_inverse=True)
    permutations = count(permutations, "permutations")
    rng = np.random.default_rng(rng)
    if len(names) < 2:
        raise GeometryError("one class has no labels to permute; choose labels with two classes or more")
    if design == "free":
        return rng.permuted(np.tile(codes, (permutations, 1)), axis=1)
    if design not in DESIGNS:
        raise GeometryError(f"unknown permutation design {design!r}; choose one of {', '.join(DESIGNS)}")
    if groups is None:
        raise GeometryError(f"the {design} design needs groups: {_GROUPS[design]}")
    group_names, group_of = np.unique(label_array(groups, n, "groups"), return_inverse=True)
    if design == "subjects":
        return _whole_groups(codes, group_of, group_names, permutations, rng)
    if design == "fine-within-coarse":
        _check_nested(group_of, codes, names, "fine label", "coarse class")
    return _within_groups(codes, group_of, design, permutations, rng)


_GROUPS = {
    "within-seed": "the seed of each image",
    "fine-within-coarse": "the coarse label of each image",
    "subjects": "the subject of each image",
}


# The same number whatever is asked for, so that the first labelings do not depend on how many follow.
_DRAWN_AT_ONCE = 200


def _within_groups(
    codes: np.ndarray, group_of: np.ndarray, design: str, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    groups = [np.flatnonzero(group_of == group) for group in range(group_of.max() + 1)]
    movable = [members for members in groups if np.ptp(codes[members]) > 0]
    if not movable:
        raise GeometryError(
            "no seed is shared by images of different classes, so that within-seed permutes nothing; "
            "record with shared seeds or use the free design"
            if design == "within-seed"
            else "every coarse class has a single fine label, so that fine-within-coarse permutes nothing; "
            "use the free design"
        )
    drawn = []
    for _ in range(0, permutations, _DRAWN_AT_ONCE):
        labelings = np.tile(codes, (_DRAWN_AT_ONCE, 1))
        for members in movable:
            labelings[:, members] = rng.permuted(labelings[:, members], axis=1)
        drawn.append(labelings)
    return np.concatenate(drawn)[:permutations]


def _whole_groups(
    codes: np.ndarray, group_of: np.ndarray, names: np.ndarray, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    _check_nested(codes, group_of, names, "subject", "category")
    category = np.zeros(len(names), dtype=codes.dtype)
    category[group_of] = codes
    if np.bincount(category).max() == 1:
        raise GeometryError(
            "every category has a single subject, so that exchanging subjects changes nothing; "
            "use labels that group several subjects"
        )
    return rng.permuted(np.tile(category, (permutations, 1)), axis=1)[:, group_of]


def _check_nested(outer: np.ndarray, inner: np.ndarray, names: np.ndarray, what: str, within: str) -> None:
    """GeometryError unless every inner class lies in a single outer one."""
    for code, name in enumerate(names.tolist()):
        found = len(np.unique(outer[inner == code]))
        if found > 1:
            raise GeometryError(
                f"{what} {name!r} lies in more than one {within} ({found}); "
                f"this design needs each {what} in a single one"
            )
