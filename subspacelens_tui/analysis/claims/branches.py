"""Do the conditional and the unconditional branch come together at the last layer, and at which noise?"""

from dataclasses import dataclass

import numpy as np

from subspacelens_tui.analysis.claims.claim import CannotTell, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.curves import Curve, Estimate, combination
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.verdict_rules import permuted_words
from subspacelens_tui.analysis.statistics.columns import Float64Array

# How far apart the branches may be and still count as one, as a share of their mean.
SAME_RATE, SAME_EXCESS = 0.05, 0.25


@dataclass(frozen=True)
class _Step:
    """One captured step: the relative gap at the last layer, that of the excess, and what holds."""

    gap: Estimate
    excess_gap: Estimate | None
    nearer: bool

    @property
    def seen(self) -> bool:
        """Whether ΔR of the branches comes together."""
        return self.nearer and _within(self.gap, SAME_RATE)

    @property
    def beyond(self) -> bool:
        """Whether the excess does as well."""
        return self.seen and self.excess_gap is not None and _within(self.excess_gap, SAME_EXCESS)


@claim(
    "branches",
    100,
    title="Conditional and unconditional branch converge at the last layer",
    quote="By layer 27, conditional = 615.8 and unconditional = 615.7.",
    measured="ΔR of the coarse labels, conditional minus unconditional, as a share of their mean, at every "
    "captured step.",
    rule="At some step the gap at the last layer is within ±5 % beyond its jackknife error (two one-sided "
    "tests), an earlier layer has a gap that is larger beyond the error of the difference, and the excesses "
    "over permuted labels at the last layer are within ±25 % of each other beyond error; all at 5 % over "
    "steps and layers (Bonferroni).",
    explained="ΔR converges, but the excess does not: what agrees is what any labels would give.",
)
def converge(evidence: Evidence) -> Finding:
    """At every captured step."""
    if not evidence.has_uncond:
        raise CannotTell("there is no unconditional branch at guidance 1")
    steps = evidence.steps
    found = {step: _at(evidence, step, len(steps)) for step in steps}
    beyond = [step for step, of in found.items() if of.beyond]
    seen = [step for step, of in found.items() if of.seen]
    shown = (beyond or seen or [evidence.settings.step or steps[-1]])[-1]
    verdict = Verdict.SUPPORTED if beyond else Verdict.EXPLAINED if seen else Verdict.NOT_SUPPORTED
    every = ", ".join(f"{100 * of.gap.value:+.1f} % at step {step}" for step, of in found.items())
    ends = {
        Verdict.SUPPORTED: f"converged at step {_steps(evidence, beyond)}",
        Verdict.EXPLAINED: f"ΔR converges at step {_steps(evidence, seen)}, but its excess does at none",
        Verdict.NOT_SUPPORTED: "at no step is the gap, beyond error, both small and smaller than "
        "at an earlier layer",
    }
    gap = found[shown].gap
    excess_gap = found[shown].excess_gap
    return Finding(
        verdict,
        f"The gap at the last layer is {every}: {ends[verdict]}.",
        quantity=f"gap of ΔR at the last layer as a share of its mean, step {evidence.step_name(shown)}",
        value=gap.value,
        null=None if excess_gap is None else excess_gap.value,
        null_is="the gap of the excess over "
        + permuted_words(evidence.design_of(evidence.coarse_or_first), evidence.settings.permutations),
        standard_error=gap.standard_error,
        low=gap.low,
        high=gap.high,
        tests=len(steps) * (2 * (evidence.layers - 1) + 4),
    )


def _at(evidence: Evidence, step: int, steps: int) -> _Step:
    labels = evidence.coarse_or_first
    cond, uncond = (
        evidence.curve("delta_R", labels=labels, step=step, branch=branch) for branch in ("cond", "uncond")
    )
    gap = Curve(
        _gap(cond.values, uncond.values),
        tuple(_gap(a, b) for a, b in zip(cond.left_out, uncond.left_out, strict=True)),
        cond.permuted[:0],
    )
    last = gap.estimate(lambda curves: curves[..., -1], steps)
    tests = 2 * (evidence.layers - 1) * steps
    nearer = any(_is_larger(gap, layer, tests) for layer in range(evidence.layers - 1))
    return _Step(last, _excess_gap(cond, uncond, steps), nearer)


def _gap(cond: Float64Array, uncond: Float64Array) -> Float64Array:
    """Difference over mean; 0 where both are 0 to rounding."""
    mean = (cond + uncond) / 2
    nothing = np.abs(mean) < 1e-12
    gap: Float64Array = np.where(nothing, 0.0, (cond - uncond) / np.where(nothing, 1.0, mean))
    return gap


def _is_larger(gap: Curve, layer: int, tests: int) -> bool:
    """Whether the gap of a layer is larger than the last one's, whatever the sign of either."""
    sign = 1.0 if gap.values[layer] >= 0 else -1.0
    return all(gap.estimate(combination({layer: sign, -1: last}), tests).low > 0 for last in (1.0, -1.0))


def _excess_gap(cond: Curve, uncond: Curve, steps: int) -> Estimate | None:
    """The gap of the excesses at the last layer; None where they are not both above 0."""
    a, b = cond.excess[-1], uncond.excess[-1]
    if a <= 0 or b <= 0:
        return None
    # Of nats over a fixed mean: a share of small excesses without a seed is not smooth.
    mean = (a + b) / 2
    gap = Curve(
        (cond.excess - uncond.excess) / mean,
        tuple((x - y) / mean for x, y in zip(cond.excess_left_out, uncond.excess_left_out, strict=True)),
        cond.permuted[:0],
    )
    return gap.estimate(lambda curves: curves[..., -1], steps)


def _within(gap: Estimate, share: float) -> bool:
    return -share < gap.low and gap.high < share


def _steps(evidence: Evidence, steps: list[int]) -> str:
    return ", ".join(evidence.step_name(step) for step in steps)
