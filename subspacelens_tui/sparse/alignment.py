"""Whether atoms lie in the subspaces of classes more than in those of permuted labels, and than tokens do."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.image_split import IntArray, Split

# As class subspaces have elsewhere, at most.
_LARGEST_DIM = 10
_PERMUTATIONS = 4
# Held-out tokens that are looked at, drawn evenly.
_TOKENS = 2000


@dataclass(frozen=True)
class Alignment:
    """maxₖ ‖Uₖᵀu‖² of unit vectors u: the share of their energy in the class subspace that has most of it.

    Uₖ are the directions of most variance, about the mean of all, of the training tokens of class k.

    Attributes:
        subspace_dim: of each class.
        atoms: of each atom's decoder row, 0 to 1, in the order in which atoms were given.
        permuted_atoms: the same where subjects are exchanged between the classes, the mean of four times.
        tokens, permuted_tokens: the same of held-out tokens about that mean, their mean.
    """

    subspace_dim: int
    atoms: tuple[float, ...]
    permuted_atoms: tuple[float, ...]
    tokens: float
    permuted_tokens: float

    @property
    def mean(self) -> float:
        """Of the atoms."""
        return float(np.mean(self.atoms))

    @property
    def permuted_mean(self) -> float:
        """Of the atoms, permuted."""
        return float(np.mean(self.permuted_atoms))


def alignment_of(
    atoms: FloatArray, values: npt.NDArray[np.floating], split: Split, seed: int = 0
) -> Alignment | str:
    """Of decoder rows with the classes of their layer.

    Args:
        atoms: (m, d).
        values: (N, T, d) tokens as they were recorded.
        split: class subspaces are fitted on its training images.
        seed: random seed of the exchanges.

    Returns:
        The alignment; or why there is none.
    """
    d = values.shape[2]
    train = values[split.train].astype(np.float64)
    mean = train.mean(axis=(0, 1))
    subjects, classes = split.groups.subjects[split.train], split.groups.classes
    if len(np.unique(classes[split.train])) in (1, len(np.unique(subjects))):
        return "there is one class, or each is one subject: permuted labels have the same subspaces"
    scatters = {
        int(subject): _scatter(train[subjects == subject].reshape(-1, d) - mean)
        for subject in np.unique(subjects)
    }
    held_out = values[split.test].reshape(-1, d).astype(np.float64) - mean
    tokens = _unit(held_out[np.linspace(0, len(held_out) - 1, min(len(held_out), _TOKENS)).astype(np.intp)])
    rows, dim = _unit(atoms), max(1, min(_LARGEST_DIM, d // 4))

    def both(labels: IntArray) -> tuple[FloatArray, float]:
        bases = _bases(scatters, split, labels, dim)
        return _nearest(rows, bases), float(_nearest(tokens, bases).mean())

    of_atoms, of_tokens = both(classes)
    rng = np.random.default_rng([seed, 3])
    permuted = [both(split.exchanged(rng)) for _ in range(_PERMUTATIONS)]
    return Alignment(
        dim,
        tuple(of_atoms.tolist()),
        tuple(np.mean([found for found, _ in permuted], axis=0).tolist()),
        of_tokens,
        float(np.mean([found for _, found in permuted])),
    )


def _scatter(tokens: FloatArray) -> FloatArray:
    found: FloatArray = tokens.T @ tokens
    return found


def _unit(rows: FloatArray) -> FloatArray:
    found: FloatArray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    return found


def _bases(scatters: dict[int, FloatArray], split: Split, classes: IntArray, dim: int) -> FloatArray:
    """Orthonormal columns (K, d, r) of most variance in the training tokens of each class."""
    subjects = split.groups.subjects[split.train]
    pairs = {(int(c), int(s)) for c, s in zip(classes[split.train], subjects, strict=True)}
    every = sorted({c for c, _ in pairs})
    of_class = np.stack([np.sum([scatters[s] for c, s in pairs if c == one], axis=0) for one in every])
    found: FloatArray = np.linalg.eigh(of_class)[1][:, :, -dim:]
    return found


def _nearest(rows: FloatArray, bases: FloatArray) -> FloatArray:
    found: FloatArray = np.max([((rows @ basis) ** 2).sum(axis=1) for basis in bases], axis=0)
    return found
