"""Subspaces or one Gaussian: the verdict of a layer, as far as it can be told without sparse codes."""

from dataclasses import dataclass

from subspacelens_tui.sparse.lenses import GAUSS, POSITION_KNOWN, SCALES, Comparison

# Of the two, the one that is judged by: chosen beforehand, or the better of two would be favoured by chance.
JUDGED = 25
_TOKENS_EACH = 40
# A receiver knows which token it receives: the position lens does not pay for it here.
_NAMES = {SCALES: "8-scales", POSITION_KNOWN: "position"}


@dataclass(frozen=True)
class Verdict:
    """One of "subspaces", "gaussian" and "undecided".

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
    """The verdict of a layer. An edge is what 25 learned subspaces save, with its 95 % interval.

    "gaussian": the whole interval of the edge is at or below zero. "subspaces": it is above zero, and so is
    that of what they save beyond the 8-scales and the position lens. Else "undecided", as with fewer than 40
    training tokens a subspace, and where a lens that the edge has to be held against is missing.
    """
    key = f"subspaces_{JUDGED}"
    if key not in found.lenses:
        return Verdict("undecided", found.missing[key])
    each = found.training_tokens / JUDGED
    if each < _TOKENS_EACH:
        return Verdict("undecided", f"{each:.0f} training tokens a subspace, fewer than {_TOKENS_EACH}")
    over = found.subspaces_over[JUDGED]
    edge, error = over[GAUSS]
    if edge + error <= 0:
        return Verdict("gaussian", f"{JUDGED} subspaces save nothing")
    if edge - error <= 0:
        return Verdict("undecided", "the edge of subspaces is within its error")
    for trap, name in _NAMES.items():
        if trap not in over:
            return Verdict("undecided", f"the {name} lens is missing")
        beyond, its_error = over[trap]
        if beyond - its_error <= 0:
            return Verdict("undecided", f"the edge of subspaces is within the {name} lens")
    return Verdict("subspaces", f"{JUDGED} subspaces save more than any other lens here explains")
