"""Tables of docs/validation.md, and the intervals in them."""

from collections.abc import Iterable, Sequence

from scipy.stats import binomtest


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right-aligned."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [headings, rule, *rows])


def percent(count: int, of: int) -> str:
    """A share in per cent with its 95 % Clopper–Pearson interval."""
    low, high = binomial_interval(count, of)
    return f"{100 * count / of:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def binomial_interval(count: int, of: int) -> tuple[float, float]:
    """The 95 % Clopper–Pearson interval of a share."""
    interval = binomtest(count, of).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)
