"""All claims judged by one session, and by its control beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

from subspacelens_tui.analysis.claims.claim import CLAIMS, CannotTell, Claim, Finding, Verdict
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.sessions.ranges import ranges


@dataclass(frozen=True)
class Judged:
    """A claim with what a session says of it.

    Attributes:
        claim: which.
        finding: of the session.
        control: of its control; None where there is none.
    """

    claim: Claim
    finding: Finding
    control: Finding | None = None

    @property
    def in_control(self) -> bool:
        """Whether the control supports a supported claim as well."""
        both = (self.finding, self.control)
        return all(of is not None and of.verdict is Verdict.SUPPORTED for of in both)


def judged(evidence: Evidence, control: Evidence | None = None) -> Iterator[Judged]:
    """Every claim in turn, in the article's order.

    Raises:
        Cancelled: as the watch of the evidence says.
    """
    for place, claim in enumerate(CLAIMS.values()):
        evidence.watch.report("claims", place, len(CLAIMS))
        yield Judged(claim, finding(claim, evidence), None if control is None else finding(claim, control))


def finding(claim: Claim, evidence: Evidence) -> Finding:
    """What a session says of a claim."""
    if (layers := evidence.analyzer.session.manifest.layers) is not None:
        why = f"only blocks {ranges(layers)} were recorded: claims over the depth need all of them"
        return Finding(Verdict.CANNOT_TELL, why)
    try:
        return claim.judge(evidence)
    except CannotTell as lacking:
        return Finding(Verdict.CANNOT_TELL, str(lacking))
