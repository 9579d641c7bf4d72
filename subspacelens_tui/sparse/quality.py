"""How good a sparse autoencoder is on tokens that it was trained on and on others."""

from dataclasses import dataclass

import numpy as np

from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.components import FloatArray

# Atoms of two trainings whose cosine is above this are the same.
SAME = 0.9


@dataclass(frozen=True)
class Quality:
    """Of one autoencoder.

    Attributes:
        atoms: m.
        training_ev, held_out_ev: explained variance 1 - Σ‖x - x̂‖² / Σ‖x - mean‖².
        l0: active atoms a held-out token, the mean.
        dead: atoms that no training token has.
        tokens_an_atom: training tokens for each atom.
        stable: share of atoms with one of |cosine| > 0.9 in the second training; None without one.
    """

    atoms: int
    training_ev: float
    held_out_ev: float
    l0: float
    dead: int
    tokens_an_atom: float
    stable: float | None

    @property
    def gap(self) -> float:
        """How much less of held-out tokens is explained."""
        return self.training_ev - self.held_out_ev


def quality_of(
    autoencoder: Autoencoder, train: FloatArray, test: FloatArray, second: Autoencoder | None
) -> Quality:
    """Of training and held-out tokens (n, d), in the units that both autoencoders are for."""
    fit = _fit(autoencoder, train)
    held_out = _fit(autoencoder, test)
    return Quality(
        atoms=autoencoder.atoms,
        training_ev=fit[0],
        held_out_ev=held_out[0],
        l0=held_out[1],
        dead=int((fit[2] == 0).sum()),
        tokens_an_atom=len(train) / autoencoder.atoms,
        stable=None if second is None else float((best_cosines(autoencoder, second) > SAME).mean()),
    )


def best_cosines(autoencoder: Autoencoder, other: Autoencoder) -> FloatArray:
    """The largest |cosine| (m,) of each atom with one of another autoencoder."""
    mine, theirs = (
        of.decoder / np.maximum(np.linalg.norm(of.decoder, axis=1, keepdims=True), 1e-30)
        for of in (autoencoder, other)
    )
    found: FloatArray = np.abs(mine @ theirs.T).max(axis=1)
    return found


def _fit(autoencoder: Autoencoder, x: FloatArray) -> tuple[float, float, FloatArray]:
    """Explained variance, mean active atoms a token, and how many tokens have each atom."""
    left, counts = 0.0, np.zeros(autoencoder.atoms)
    for part, activations in autoencoder.activations_by_part(x):
        left += float(((x[part] - autoencoder.decode(activations)) ** 2).sum())
        counts += (activations > 0).sum(axis=0)
    variance = float(((x - x.mean(axis=0)) ** 2).sum())
    return 1 - left / variance, float(counts.sum()) / len(x), counts
