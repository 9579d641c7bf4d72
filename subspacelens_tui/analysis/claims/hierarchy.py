"""Fine labels against coarse ones: does Rc/R fall more for them, and is there a hierarchy?"""

import math

import numpy as np

from subspacelens_tui.analysis.claims.claim import LEVEL, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.curves import Curve, adjusted_p, difference
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.verdict_rules import (
    contrasted,
    number,
    p_words,
    permuted_words,
    rest_words,
    signed,
)
from subspacelens_tui.geometry import Design
from subspacelens_tui.sessions.ranges import ranges

NESTED: Design = "fine-within-coarse"


@claim(
    "ratio",
    80,
    title="Rc/R falls more for fine labels than for coarse ones",
    quote="The model compresses per-subject, not just per-category",
    measured="How far log Rc/R falls from the first to the last layer (the log of the factor by which Rc/R "
    "falls), for fine labels minus the same for coarse ones.",
    rule="It is above 0 beyond its jackknife error; and its excess over fine labels that are permuted within "
    "their coarse class is above 0 beyond its own jackknife error, and with p ≤ .05 under the same "
    "permutations in both layers.",
    explained="Rc/R falls more for fine labels, but just as much for permuted ones: it falls with the scale "
    "of the features and with the number of classes, whatever the classes mean.",
)
def falls_more(evidence: Evidence) -> Finding:
    """First layer against last."""
    schemes = evidence.schemes
    coarse = evidence.curve("ratio", logarithm=True, labels=schemes.coarse)
    fine = evidence.curve("ratio", logarithm=True, labels=schemes.fine, design=NESTED)
    both = Curve(
        fine.values - coarse.values,
        tuple(a - b for a, b in zip(fine.left_out, coarse.left_out, strict=True)),
        fine.permuted - coarse.values,
        fine.excess_left_out,
    )
    fall = difference(0, -1)
    seen, excess, p = both.estimate(fall), both.excess_estimate(fall), both.p(fall)
    rest = rest_words(excess, p)
    course = "; ".join(
        f"Rc/R of {name} labels falls from {number(math.exp(first))} to {number(math.exp(last))}, by a "
        f"factor of {number(math.exp(first - last))}"
        for name, (first, *_, last) in ((schemes.fine, fine.values), (schemes.coarse, coarse.values))
    )
    against = f"{signed(seen.value - excess.value)} of the difference of {signed(seen.value)} in logs"
    return contrasted(
        seen,
        excess,
        p,
        {
            Verdict.SUPPORTED: f"{course}. Permuted fine labels account for {against}, and the remaining "
            f"{rest} exceeds both null and error.",
            Verdict.EXPLAINED: f"{course}. Permuted fine labels account for {against}, and the remaining "
            f"{rest} does not exceed both null and error.",
            Verdict.NOT_SUPPORTED: f"{course}: not a larger fall beyond error.",
        },
        quantity="fall of log Rc/R, fine minus coarse",
        unit="",
        null_is=permuted_words(NESTED, evidence.settings.permutations),
        tests=1,
    )


@claim(
    "hierarchy",
    90,
    title="More ΔR for fine labels than for coarse ones means hierarchy",
    quote="is consistently ~40% higher than coarse, suggesting hierarchical structure",
    measured="The excess of fine ΔR over fine labels permuted within their coarse class, and the excess of "
    "coarse ΔR over whole subjects exchanged between classes.",
    rule="At some layer both excesses have p ≤ .05, each adjusted for the number of layers (max-T under the "
    "same permutations in all layers). The ratio of fine to coarse ΔR itself says nothing: any finer labels "
    "have more ΔR.",
    explained="Fine labels have more ΔR, but the two excesses are not both beyond their nulls: subjects do not "
    "differ within their class, or classes do not group them.",
)
def is_hierarchy(evidence: Evidence) -> Finding:
    """Two tests at each layer."""
    schemes = evidence.schemes
    fine = evidence.curve("delta_R", labels=schemes.fine, design=NESTED)
    coarse = evidence.curve("delta_R", labels=schemes.coarse, design="subjects")
    p_fine, p_coarse = (adjusted_p(curve.values, curve.permuted) for curve in (fine, coarse))
    p = np.maximum(p_fine, p_coarse)
    both = np.flatnonzero(p <= LEVEL).tolist()
    best = int(np.argmin(p))
    ratio = fine.values[-1] / coarse.values[-1] if coarse.values[-1] > 0 else float("inf")
    more = (
        f"ΔR of {schemes.fine} labels is {number(ratio)} times that of {schemes.coarse} ones at the last "
        "layer"
    )
    if not ratio > 1:
        verdict, ends = Verdict.NOT_SUPPORTED, ""
    elif both:
        layers = f"layer{'s' * (len(both) > 1)} {ranges(both)}"
        verdict = Verdict.SUPPORTED
        ends = f"; subjects differ within classes and classes group subjects at {layers}"
    else:
        verdict = Verdict.EXPLAINED
        ends = (
            f"; subjects within classes have {p_words(float(p_fine.min()))} at best, classes of subjects "
            f"{p_words(float(p_coarse.min()))}"
        )
    null = float(fine.null_mean[-1] / coarse.null_mean[-1]) if coarse.null_mean[-1] > 0 else None
    return Finding(
        verdict,
        f"{more}{ends}.",
        quantity="fine ΔR over coarse ΔR at the last layer",
        value=float(ratio) if np.isfinite(ratio) else None,
        null=null,
        null_is=f"the same with both permuted, {evidence.settings.permutations} permutations of the labels "
        f"({NESTED} and subjects)",
        standard_error=_ratio_error(fine, coarse),
        p=float(p[best]),
        tests=2 * evidence.layers,
    )


def _ratio_error(fine: Curve, coarse: Curve) -> float | None:
    if not all((of[:, -1] > 0).all() for of in coarse.left_out):
        return None
    ratio = Curve(
        fine.values / np.where(coarse.values > 0, coarse.values, 1.0),
        tuple(a / np.where(b > 0, b, 1.0) for a, b in zip(fine.left_out, coarse.left_out, strict=True)),
        fine.permuted[:0],
    )
    return ratio.estimate(lambda curves: curves[..., -1]).standard_error
