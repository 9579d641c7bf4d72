"""The rule that most claims share: seen beyond its error, and beyond its null."""

from subspacelens_tui.analysis.claims.claim import LEVEL, CannotTell, Finding, Verdict
from subspacelens_tui.analysis.claims.curves import Estimate
from subspacelens_tui.geometry import Design

LEAST_LAYERS = 5


def verdict_of(seen: Estimate, excess: Estimate, p: float) -> Verdict:
    """By the lower ends of what is seen and of its excess over the null, and the p of the excess."""
    if seen.low <= 0:
        return Verdict.NOT_SUPPORTED
    if excess.low <= 0 or p > LEVEL:
        return Verdict.EXPLAINED
    return Verdict.SUPPORTED


def contrasted(
    seen: Estimate, excess: Estimate, p: float, says: dict[Verdict, str], *, quantity: str, unit: str,
    null_is: str, tests: int,
) -> Finding:  # fmt: skip
    """The finding of `verdict_of`, with the sentence that goes with the verdict."""
    verdict = verdict_of(seen, excess, p)
    return Finding(
        verdict,
        says[verdict],
        quantity=quantity,
        unit=unit,
        value=seen.value,
        null=seen.value - excess.value,
        null_is=null_is,
        standard_error=excess.standard_error,
        low=excess.low,
        high=excess.high,
        of_excess=True,
        p=p,
        tests=tests,
    )


def rest_words(excess: Estimate, p: float, unit: str = "") -> str:
    """What is left beyond the null, with its error and its p."""
    return f"{signed(excess.value)}{unit} (s.e. {number(excess.standard_error)}, {p_words(p)})"


def permuted_words(design: Design | None, permutations: int) -> str:
    """What a null of permuted labels is."""
    return f"{permutations} permutations of the labels ({design})"


def enough_layers(layers: int) -> None:
    """Raise `CannotTell` where there are too few layers for a shape over the depth."""
    if layers < LEAST_LAYERS:
        raise CannotTell(f"{layers} layers have no middle: a shape over the depth needs {LEAST_LAYERS}")


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def signed(value: float) -> str:
    """The same with its sign."""
    return f"{value:+.3g}" if abs(value) < 1000 else f"{value:+.0f}"


def p_words(p: float) -> str:
    """A p-value."""
    return f"p {p:.3f}"
