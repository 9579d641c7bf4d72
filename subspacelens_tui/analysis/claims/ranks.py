"""The effective rank over the depth."""

import numpy as np

from subspacelens_tui.analysis.claims.claim import CannotTell, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.curves import Curve, Estimate, difference
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.verdict_rules import enough_layers, number

# Nearer to min(N, d), a peak may be cut off.
OF_CEILING = 0.8


@claim(
    "rank",
    50,
    title="The effective rank rises, then collapses",
    quote="Effective rank peaks at ~69 around layer 10, then collapses to ~22 by layer 27.",
    measured="How far the largest effective rank of the inner layers exceeds the larger of those at the first "
    "and the last layer; raw and centred features.",
    rule="The peak exceeds both ends beyond the jackknife error of the difference, at 5 % over the inner "
    "layers (Bonferroni), and does so in centred features as well. It cannot be told if the peak is "
    "above 80 % of the ceiling min(N, d), because the number of images then cuts it off; a ceiling cannot "
    "produce a collapse.",
    explained="It rises and collapses only in raw features: a mean that all images share and that grows and "
    "shrinks produces this.",
)
def rises_and_collapses(evidence: Evidence) -> Finding:
    """Raw against centred."""
    enough_layers(evidence.layers)
    found = evidence.result(permutations=0)
    raw = evidence.curve("effective_rank", null=False)
    centred = evidence.curve("effective_rank", null=False, features="centred")
    peak, ceiling = peak_of(raw), found.layers[0].rank_ceiling
    highest = float(raw.values[peak])
    if highest > OF_CEILING * ceiling:
        raise CannotTell(
            f"the effective rank reaches {number(highest)} of at most min(N, d) = {ceiling}; record more "
            "images"
        )
    seen, control = above_both(raw, peak), above_both(centred, peak_of(centred))
    verdict = Verdict.SUPPORTED if control.low > 0 else Verdict.EXPLAINED
    verdict = verdict if seen.low > 0 else Verdict.NOT_SUPPORTED
    course = (
        f"effective rank {number(raw.values[0])} at the first layer, {number(highest)} at layer {peak}, "
        f"{number(raw.values[-1])} at the last; the ceiling is {ceiling}"
    )
    ends = {
        Verdict.SUPPORTED: "centred features do the same",
        Verdict.EXPLAINED: "centred features do not do so beyond error",
        Verdict.NOT_SUPPORTED: "no inner layer is above both ends beyond error",
    }
    return Finding(
        verdict,
        f"{course[0].upper()}{course[1:]}; {ends[verdict]}.",
        quantity=f"effective rank at layer {peak} minus the larger of the two ends",
        unit="dimensions",
        value=seen.value,
        null=control.value,
        null_is="the same in centred features",
        standard_error=seen.standard_error,
        low=seen.low,
        high=seen.high,
        tests=evidence.layers - 2,
    )


def peak_of(curve: Curve) -> int:
    """The inner layer with the largest value."""
    return 1 + int(np.argmax(curve.values[1:-1]))


def above_both(curve: Curve, peak: int) -> Estimate:
    """The peak less each end, at 5 % over the inner layers: the difference that is less sure."""
    tests = len(curve.values) - 2
    ends = [curve.estimate(difference(peak, end), tests) for end in (0, -1)]
    return min(ends, key=lambda end: end.low)
