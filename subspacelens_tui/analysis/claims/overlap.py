"""Where over the depth the classes overlap least, and whether that layer moves with the step."""

from dataclasses import replace

import numpy as np

from subspacelens_tui.analysis.claims.claim import LEVEL, CannotTell, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.curves import Curve, adjusted_p
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.verdict_rules import enough_layers, number, p_words, permuted_words
from subspacelens_tui.analysis.least_overlap import Separation, layers_in_words, separation

MIDDLE_FROM, MIDDLE_TO = 1 / 3, 2 / 3


def is_middle(layer: int, layers: int) -> bool:
    """Whether a layer lies in the middle third of the depth."""
    return MIDDLE_FROM <= layer / (layers - 1) <= MIDDLE_TO


@claim(
    "overlap-middle",
    60,
    title="Class subspaces overlap least in the middle",
    quote="Mean off-diagonal overlap drops to its minimum around L14, then rebounds.",
    measured="The layers that may have the least mean overlap of the coarse classes: those whose overlap does "
    "not exceed the smallest beyond the jackknife error of the difference, at 5 % over all layers "
    "(Bonferroni).",
    rule="All of these layers lie in the middle third of the depth; so do those of the overlap minus its mean "
    "under permuted labels; and at one of the latter the overlap is below its null (p ≤ .05, max-T over the "
    "layers). It cannot be told if some of the layers lie in the middle and some do not, either for the "
    "overlap itself or, where it is below its null, for the overlap minus its mean under permuted labels.",
    explained="The overlap is least in the middle, but not below its null there, or least elsewhere once its "
    "mean under permuted labels is subtracted.",
)
def least_in_the_middle(evidence: Evidence) -> Finding:
    """Of the coarse labels."""
    enough_layers(evidence.layers)
    labels, layers = evidence.coarse_or_first, evidence.layers
    # What needs no null first: it costs a tenth.
    of_value = _separation(evidence.curve("overlap_mean", null=False, labels=labels))
    inside = [is_middle(layer, layers) for layer in of_value.candidates]
    if any(inside) and not all(inside):
        raise CannotTell(_not_resolved(layers_in_words(of_value.candidates)))
    curve = evidence.curve("overlap_mean", labels=labels)
    of_excess = _separation(curve, of_excess=True)
    p = adjusted_p(curve.values, curve.permuted, sign=-1)
    beyond = min(p[layer] for layer in of_excess.candidates)
    least = of_value.layer
    verdict = Verdict.EXPLAINED
    if not all(inside):
        verdict = Verdict.NOT_SUPPORTED
    elif beyond <= LEVEL:
        of_excess_inside = [is_middle(layer, layers) for layer in of_excess.candidates]
        if all(of_excess_inside):
            verdict = Verdict.SUPPORTED
        elif any(of_excess_inside):
            raise CannotTell(f"minus its null, {_not_resolved(layers_in_words(of_excess.candidates))}")
    where = f"the overlap is least at {layers_in_words(of_value.candidates)}"
    null = f"minus its null, {layers_in_words(of_excess.candidates)} cannot be excluded ({p_words(beyond)})"
    others = float(np.min(np.delete(curve.values, of_value.candidates), initial=np.inf))
    return Finding(
        verdict,
        f"{where[0].upper()}{where[1:]}; {null}.",
        quantity=f"mean overlap at layer {least}"
        + (f" (lowest of the others: {number(others)})" if np.isfinite(others) else ""),
        value=float(curve.values[least]),
        null=float(curve.null_mean[least]),
        null_is=permuted_words(evidence.design_of(labels), evidence.settings.permutations),
        standard_error=curve.estimate(lambda curves: curves[..., least]).standard_error,
        p=float(beyond),
        tests=2 * (layers - 1) + layers,
    )


@claim(
    "overlap-moves",
    70,
    title="The layer of least overlap moves deeper as the noise falls",
    quote="Earlier denoising steps achieve peak separation sooner",
    measured="The layers that may have the least mean overlap at each captured step, at 5 % over all layers "
    "and steps (Bonferroni).",
    rule="Every such layer of the last step is deeper than every one of the first; the same holds for the "
    "overlap minus its mean under permuted labels. It is not supported if none of them is deeper. It cannot "
    "be told in between, where the layers of the two steps overlap or interleave, either for the overlap "
    "itself or for the overlap minus its mean under permuted labels.",
    explained="The layer moves deeper, but not for the overlap minus its mean under permuted labels.",
)
def moves_with_the_step(evidence: Evidence) -> Finding:
    """First captured step against last."""
    enough_layers(evidence.layers)
    labels, steps = evidence.coarse_or_first, [evidence.steps[0], evidence.steps[-1]]
    if steps[0] == steps[1]:
        raise CannotTell("only one step was captured")
    early, late = (
        _separation(evidence.curve("overlap_mean", null=False, labels=labels, step=step), 2) for step in steps
    )
    where = " and ".join(
        f"{layers_in_words(found.candidates)} at step {evidence.step_name(step)}"
        for step, found in zip(steps, (early, late), strict=True)
    )
    if not_deeper(early, late):
        says = f"The overlap is least at {where}: it does not move deeper."
        return _moved(Verdict.NOT_SUPPORTED, says, early, late, evidence)
    if not deeper(early, late):
        raise CannotTell(_not_resolved(where))
    curves = [evidence.curve("overlap_mean", labels=labels, step=step) for step in steps]
    of_excess = [_separation(curve, 2, of_excess=True) for curve in curves]
    if not (deeper(*of_excess) or not_deeper(*of_excess)):
        both = " and ".join(layers_in_words(found.candidates) for found in of_excess)
        raise CannotTell(f"minus its null, {_not_resolved(both)}")
    verdict = Verdict.SUPPORTED if deeper(*of_excess) else Verdict.EXPLAINED
    ends = {
        Verdict.SUPPORTED: "minus its null, it moves as well",
        Verdict.EXPLAINED: "minus its null, it does not move deeper",
    }
    found = _moved(verdict, f"The overlap is least at {where}; {ends[verdict]}.", early, late, evidence)
    excess = of_excess[1].layer - of_excess[0].layer
    return replace(
        found, null=float(found.value or 0) - excess, null_is="the part of the move that is not in the excess"
    )


def _separation(curve: Curve, tests: int = 1, of_excess: bool = False) -> Separation:
    if of_excess:
        return separation(curve.excess, curve.excess_left_out, tests)
    return separation(curve.values, curve.left_out, tests)


def deeper(early: Separation, late: Separation) -> bool:
    """Whether every layer that could be the late one lies deeper than every early one."""
    return max(early.candidates) < min(late.candidates)


def not_deeper(early: Separation, late: Separation) -> bool:
    """Whether no layer that could be the late one lies deeper than an early one."""
    return max(late.candidates) <= min(early.candidates)


def _moved(verdict: Verdict, says: str, early: Separation, late: Separation, evidence: Evidence) -> Finding:
    return Finding(
        verdict,
        says,
        quantity="layer of least overlap at the last step minus that at the first",
        unit="layers",
        value=float(late.layer - early.layer),
        tests=4 * (evidence.layers - 1),
    )


def _not_resolved(layers: str) -> str:
    return f"the layer of least overlap is not resolved: {layers} cannot be excluded"
