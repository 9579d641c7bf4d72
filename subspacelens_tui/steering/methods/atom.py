"""Set atoms of a sparse autoencoder to the values that they have in images of class B."""

from collections.abc import Sequence

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.examples import TokenStatistics
from subspacelens_tui.steering.method_declaration import Method


def atom(statistics: TokenStatistics, source: str, target: str) -> Edit:
    """x → x + Σ_a (v_a - f_a(x)) D_a over the atoms a that are named for class B, or that tell it best.

    The activation of an atom becomes v at strength 1, and f + s (v - f) at strength s; what the autoencoder
    does not code stays as it is (Cywiński & Deja 2025, arXiv 2501.18052; Surkov et al. 2024, 2410.22366).
    """
    assert statistics.dictionary is not None
    dictionary = statistics.dictionary
    atoms = dictionary.atoms.get(target) or telling_atoms(statistics, target)
    values = dictionary.values.get(target) or _values(statistics, target, atoms)
    nothing = np.zeros((1, statistics.width), np.float32)
    return Edit(nothing, clamp=dictionary.clamp(atoms, values))


def telling_atoms(statistics: TokenStatistics, name: str) -> list[int]:
    """Those whose mean activation in a class exceeds that in others most: as many as are clamped, if active.

    In units of length: an activation is worth the norm of its atom's direction.
    """
    assert statistics.dictionary is not None
    others = [other for other in statistics.names if other and other != name]
    if not others:
        raise SteeringError(f"there is no class to tell {name!r} from: name atoms with --atom")
    (own, active), rest = statistics.atoms_of(name), [statistics.atoms_of(other)[0] for other in others]
    more = np.linalg.norm(statistics.dictionary.decoder, axis=1) * (own - np.mean(rest, axis=0))
    found = [
        int(of) for of in np.argsort(-more, kind="stable")[: statistics.dictionary.clamped] if active[of]
    ]
    if not found:
        raise SteeringError(f"no atom of the autoencoder is active on tokens of {name!r}")
    return found


def _values(statistics: TokenStatistics, name: str, atoms: Sequence[int]) -> list[float]:
    """The mean activations over the tokens of a class that have each atom."""
    mean, share = statistics.atoms_of(name)
    for of in atoms:
        if not share[of]:
            raise SteeringError(
                f"atom {of} is active on no token of {name!r}: say with --value what to set it to"
            )
    return [float(mean[of] / share[of]) for of in atoms]


METHOD = Method(
    "atom", "atoms of a sparse autoencoder set to their values in class B", atom, sparse=True, tokens=True
)
