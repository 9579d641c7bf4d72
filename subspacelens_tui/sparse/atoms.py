"""What the atoms of an autoencoder are active for: classes, positions, images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.image_split import IntArray
from subspacelens_tui.sparse.quality import best_cosines

_SHOWN, _IMAGES, _PERMUTATIONS = 24, 3, 4


@dataclass(frozen=True)
class Atom:
    """One atom.

    Attributes:
        atom: its index.
        share: of tokens, 0 to 1, that have it.
        energy: its share of Σ (activation · ‖decoder row‖)² over all atoms.
        of_class, of_position: mutual information of its being active and the class of the image, or the cell
            of the token, beyond that of exchanged ones, as a share of its entropy; None without cells.
        cosine: the largest |cosine| with an atom of the second training; None without one.
        images: places of the images with the largest mean activation.
    """

    atom: int
    share: float
    energy: float
    of_class: float
    of_position: float | None
    cosine: float | None
    images: tuple[int, ...]


def top_atoms(
    autoencoder: Autoencoder,
    second: Autoencoder | None,
    tokens: npt.NDArray[np.floating],
    classes: IntArray,
    cells: IntArray | str,
    seed: int = 0,
) -> tuple[Atom, ...]:
    """The atoms with most energy, at most 24.

    Args:
        autoencoder: for these tokens.
        second: the same from another training.
        tokens: (N, T, d).
        classes: (N,) of the images; exchanged between images for the null.
        cells: (N, T) of the tokens, exchanged within an image; or why there are none.
        seed: random seed of the exchanges.
    """
    N, T, d = tokens.shape
    activations = np.concatenate(
        [found for _, found in autoencoder.activations_by_part(tokens.reshape(-1, d).astype(np.float64))]
    )
    energy = (activations**2).sum(axis=0) * (autoencoder.decoder**2).sum(axis=1)
    chosen = np.argsort(-energy, kind="stable")[: min(_SHOWN, int((energy > 0).sum()))]
    activations = activations[:, chosen]
    active = activations > 0
    rng = np.random.default_rng(seed)
    of_class = _excess(
        active, np.repeat(classes, T), [np.repeat(rng.permutation(classes), T) for _ in range(_PERMUTATIONS)]
    )
    of_position = None
    if not isinstance(cells, str):
        exchanged = [rng.permuted(cells, axis=1).ravel() for _ in range(_PERMUTATIONS)]
        of_position = _excess(active, cells.ravel(), exchanged)
    by_image = activations.reshape(N, T, -1).mean(axis=1)
    cosines = None if second is None else best_cosines(autoencoder, second)[chosen]
    return tuple(
        Atom(
            atom=int(atom),
            share=float(active[:, at].mean()),
            energy=float(energy[atom] / energy.sum()),
            of_class=float(of_class[at]),
            of_position=None if of_position is None else float(of_position[at]),
            cosine=None if cosines is None else float(cosines[at]),
            images=tuple(np.argsort(-by_image[:, at], kind="stable")[:_IMAGES].tolist()),
        )
        for at, atom in enumerate(chosen)
    )


def _excess(active: npt.NDArray[np.bool_], labels: IntArray, exchanged: list[IntArray]) -> FloatArray:
    """Information (m,) of labels (n,) on activity (n, m) beyond that of exchanged ones, by its entropy."""
    entropy = _entropy(active.mean(axis=0))
    null = np.mean([_information(active, of) for of in exchanged], axis=0)
    found: FloatArray = np.divide(
        _information(active, labels) - null, entropy, out=np.zeros(active.shape[1]), where=entropy > 0
    )
    return found


def _information(active: npt.NDArray[np.bool_], labels: IntArray) -> FloatArray:
    """I(active; label) (m,) in nats."""
    sizes = np.bincount(labels)
    kinds = np.flatnonzero(sizes)
    shares = np.stack([active[labels == kind].mean(axis=0) for kind in kinds])
    weights = sizes[kinds] / len(labels)
    found: FloatArray = _entropy(active.mean(axis=0)) - weights @ _entropy(shares)
    return found


def _entropy(share: FloatArray) -> FloatArray:
    """Of a binary variable, in nats."""
    p = np.clip(share, 1e-15, 1 - 1e-15)
    found: FloatArray = -p * np.log(p) - (1 - p) * np.log(1 - p)
    return found
