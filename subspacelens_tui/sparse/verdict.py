"""Subspaces, a sparse code or one Gaussian: the verdict of a layer."""

from dataclasses import dataclass

from subspacelens_tui.sparse.lens_fits import GAUSS, POSITION_KNOWN, SCALES, SPARSE
from subspacelens_tui.sparse.lenses import Comparison
from subspacelens_tui.sparse.recipe import TOKENS_AN_ATOM

# Of the two, the one that is judged by: chosen beforehand, or the better of two would be favoured by chance.
JUDGED = 25
_KEY = f"subspaces_{JUDGED}"
_TOKENS_EACH = 40
_LARGEST_GAP = 0.10
# A receiver knows which token it receives: the position lens does not pay for it here.
_TRAPS = {SCALES: "8-scales", POSITION_KNOWN: "position"}
_WORDS = {_KEY: "subspaces", SPARSE: "sparse codes"}


@dataclass(frozen=True)
class Verdict:
    """One of "subspaces", "sparse", "gaussian" and "undecided".

    Attributes:
        word: the verdict.
        reason: in one line; of "undecided", what would have to be otherwise.
    """

    word: str
    reason: str

    @property
    def words(self) -> str:
        """As it is shown."""
        return f"undecided: {self.reason}" if self.word == "undecided" else self.word


def judge(found: Comparison) -> Verdict:
    """The verdict of a layer. An edge is what a lens saves against the Gaussian, with its 95 % interval.

    "gaussian": the intervals of 25 subspaces and of the sparse code, if there is one, are at or below zero.
    "subspaces" or "sparse": this edge is above zero, and above the other's, the 8-scales and the position
    lens, each by more than its error. Else "undecided", as with fewer than 40 training tokens a subspace or
    an atom, an autoencoder that explains more than .10 less of held-out tokens than of training tokens, or a
    missing lens.
    """
    if (why := _unfit(found)) is not None:
        return Verdict("undecided", why)
    measured = [key for key in (_KEY, SPARSE) if key in found.lenses]
    edges = {key: found.beyond[key][GAUSS] for key in measured}
    if all(edge + error <= 0 for edge, error in edges.values()):
        return Verdict("gaussian", f"{_names(measured)} save nothing")
    best = max(measured, key=lambda key: edges[key][0])
    name, over = _WORDS[best], found.beyond[best]
    edge, error = edges[best]
    if edge - error <= 0:
        return Verdict("undecided", f"the edge of {name} is within its error")
    for trap, what in _TRAPS.items():
        if trap not in over:
            return Verdict("undecided", f"the {what} lens is missing")
        beyond, its_error = over[trap]
        if beyond - its_error <= 0:
            return Verdict("undecided", f"the edge of {name} is within the {what} lens")
    for other in measured:
        if other != best and over[other][0] - over[other][1] <= 0:
            return Verdict("undecided", f"{name} and {_WORDS[other]} are within the error of each other")
    word = "sparse" if best == SPARSE else "subspaces"
    return Verdict(word, f"{name} save more than any other lens here explains")


def _unfit(found: Comparison) -> str | None:
    """Why no verdict can rest on these lenses."""
    if _KEY not in found.lenses:
        return found.missing[_KEY]
    each = found.training_tokens / JUDGED
    if each < _TOKENS_EACH:
        return f"{each:.0f} training tokens a subspace, fewer than {_TOKENS_EACH}"
    quality = found.quality
    if quality is None:
        return None
    if SPARSE not in found.lenses:
        return found.missing[SPARSE]
    if quality.tokens_an_atom < TOKENS_AN_ATOM:
        return f"{quality.tokens_an_atom:.0f} training tokens an atom, fewer than {TOKENS_AN_ATOM}"
    if quality.gap > _LARGEST_GAP:
        return (
            f"the autoencoder explains {quality.training_ev:.2f} of training tokens and "
            f"{quality.held_out_ev:.2f} of held-out ones"
        )
    return None


def _names(keys: list[str]) -> str:
    return " and ".join(f"{JUDGED} subspaces" if key == _KEY else _WORDS[key] for key in keys)
