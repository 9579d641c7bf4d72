"""ΔR over the depth: does it grow, and does it dip after the middle?"""

from typing import Any

import numpy as np

from subspacelens_tui.analysis.claims.claim import CannotTell, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.curves import Curve, Estimate, difference
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.verdict_rules import (
    contrasted,
    enough_layers,
    number,
    p_words,
    permuted_words,
    rest_words,
    signed,
)
from subspacelens_tui.analysis.statistics.columns import Float64Array

# Layers 15–18 of 28, and some room on either side.
DIP_FROM, DIP_TO = 0.5, 0.75
_RULE = (
    "ΔR of the last layer exceeds that of the first beyond the jackknife error of their difference; so "
    "does its excess over permuted labels, beyond its own jackknife error and with p ≤ .05 for the "
    "difference under the same permutations in both layers."
)
_EXPLAINED = "ΔR grows, but under permuted labels it grows just as much, within error."


_last_less_first = difference(-1, 0)


def _grows(evidence: Evidence, where: str, **changes: Any) -> Finding:
    if "iso_rate" not in changes:
        evidence.refuse_widths()
    labels = evidence.coarse_or_first
    curve = evidence.curve("delta_R", labels=labels, **changes)
    seen, excess = curve.estimate(_last_less_first), curve.excess_estimate(_last_less_first)
    p = curve.p(_last_less_first)
    first, last = curve.values[0], curve.values[-1]
    moved = f"ΔR of the {labels} labels goes from {number(first)} to {number(last)} nats{where}"
    rest = rest_words(excess, p, " nats")
    against = f"{number(seen.value - excess.value)} of the {signed(seen.value)} nats"
    return contrasted(
        seen,
        excess,
        p,
        {
            Verdict.SUPPORTED: f"{moved}; permuted labels account for {against}, and the remaining "
            f"{rest} exceeds both null and error.",
            Verdict.EXPLAINED: f"{moved}, but permuted labels account for {against}, and the remaining "
            f"{rest} does not exceed both null and error.",
            Verdict.NOT_SUPPORTED: f"{moved}, which is not growth beyond its error.",
        },
        quantity="ΔR of the last layer minus that of the first",
        unit="nats",
        null_is=permuted_words(evidence.design_of(labels), evidence.settings.permutations),
        tests=1,
    )


@claim(
    "growth",
    10,
    title="ΔR grows over the layers",
    quote="increases 33× across layers",
    measured="ΔR of the coarse labels at the last layer minus that at the first, raw features.",
    rule=_RULE,
    explained=_EXPLAINED,
)
def grows(evidence: Evidence) -> Finding:
    """At the settings' ε."""
    return _grows(evidence, "")


@claim(
    "growth-trace",
    20,
    title="ΔR grows though the features' scale does not",
    quote="increases 33× across layers",
    measured="The same with every layer scaled to mean squared norm 1 (the `trace` transform).",
    rule=_RULE,
    explained=_EXPLAINED,
)
def grows_at_one_scale(evidence: Evidence) -> Finding:
    """In the trace transform."""
    return _grows(evidence, " at a common scale", features="trace")


@claim(
    "growth-iso-rate",
    30,
    title="ΔR grows at equal coding rate",
    quote="increases 33× across layers",
    measured="The same with each layer's ε chosen so that its R is the median R of the layers.",
    rule=_RULE + " Each layer keeps its ε under permutations and in the jackknife.",
    explained=_EXPLAINED,
)
def grows_at_one_rate(evidence: Evidence) -> Finding:
    """At the ε that give every layer the median R."""
    rates = [rate for rate in evidence.result(permutations=0).curve("R") if rate is not None]
    if not rates or min(rates) <= 0:
        raise CannotTell("a layer has no coding rate, so the layers have no common rate")
    rate = float(np.median(rates))
    return _grows(evidence, f" at R = {number(rate)} nats", iso_rate=rate)


@claim(
    "dip",
    40,
    title="ΔR dips after the middle, by two thirds of the depth",
    quote="with a consistent dip at layers 15–18",
    measured="The deepest dip of ΔR between half and three quarters of the depth: how far a layer lies below "
    "the lower of the two highest layers on either side of it.",
    rule="Both of those layers exceed it beyond the jackknife error of the difference, at 5 % over all pairs "
    "of a layer in that range and another layer (Bonferroni); the same holds for the excess over permuted labels, "
    "and the depth of the excess's dip has p ≤ .05 under the same permutations in all layers.",
    explained="ΔR dips, but its excess over permuted labels does not, within error.",
)
def dips(evidence: Evidence) -> Finding:
    """Of the coarse labels."""
    enough_layers(evidence.layers)
    evidence.refuse_widths()
    labels = evidence.coarse_or_first
    curve = evidence.curve("delta_R", labels=labels)
    left, dip, right = _dip(curve.values)
    tests = len(_range(evidence.layers)) * (evidence.layers - 1)
    seen = _both(curve, left, dip, right, tests, excess=False)
    excess = _both(curve, left, dip, right, tests, excess=True)
    p = curve.p(dip_depths)
    where = f"the deepest dip of ΔR near two thirds of the depth is at layer {dip}"
    depth = f"{number(seen.value)} nats below layer {left if _lower(curve, left, right) else right}"
    return contrasted(
        seen,
        excess,
        p,
        {
            Verdict.SUPPORTED: f"{_upper(where)}, {depth}, and its excess dips as well ({p_words(p)}).",
            Verdict.EXPLAINED: f"{_upper(where)}, {depth}, but the excess over permuted labels has no such "
            f"dip ({signed(excess.value)} nats, {p_words(p)}).",
            Verdict.NOT_SUPPORTED: f"{_upper(where)}, where ΔR is not below both sides beyond error "
            f"({signed(seen.value)} nats)."
            if seen.value > 0
            else "ΔR has no dip between half and three quarters of the depth.",
        },
        quantity=f"depth of the dip at layer {dip}",
        unit="nats",
        null_is=permuted_words(evidence.design_of(labels), evidence.settings.permutations),
        tests=tests,
    )


def _range(layers: int) -> list[int]:
    """The inner layers where a dip is looked for."""
    return [layer for layer in range(1, layers - 1) if DIP_FROM <= layer / (layers - 1) <= DIP_TO]


def dip_depths(curves: Float64Array) -> Float64Array:
    """How far the deepest dip of curves (…, layers) lies below the lower of the highest layers beside it."""
    layers = curves.shape[-1]
    sides = [
        np.minimum(curves[..., :layer].max(axis=-1), curves[..., layer + 1 :].max(axis=-1))
        - curves[..., layer]
        for layer in _range(layers)
    ]
    deepest: Float64Array = np.max(sides, axis=0)
    return deepest


def _dip(curve: Float64Array) -> tuple[int, int, int]:
    """The highest layer before the deepest dip, the dip, and the highest layer after it."""
    found = [
        (int(np.argmax(curve[:layer])), layer, layer + 1 + int(np.argmax(curve[layer + 1 :])))
        for layer in _range(len(curve))
    ]
    return max(found, key=lambda at: min(curve[at[0]], curve[at[2]]) - curve[at[1]])


def _both(curve: Curve, left: int, dip: int, right: int, tests: int, excess: bool) -> Estimate:
    """Of the two sides of a dip the one that is less sure."""
    of = curve.excess_estimate if excess else curve.estimate
    sides = [of(difference(side, dip), tests) for side in (left, right)]
    return min(sides, key=lambda side: side.low)


def _lower(curve: Curve, left: int, right: int) -> bool:
    return bool(curve.values[left] <= curve.values[right])


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
