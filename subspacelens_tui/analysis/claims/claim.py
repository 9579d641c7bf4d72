"""What a claim is: one declaration, from which the report, its documentation and the screen follow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subspacelens_tui.analysis.claims.evidence import Evidence

LEVEL = 0.05


class Verdict(Enum):
    """What a session says of a claim."""

    SUPPORTED = "supported"
    EXPLAINED = "explained by its null"
    NOT_SUPPORTED = "not supported"
    CANNOT_TELL = "cannot be told"


class CannotTell(Exception):
    """A session cannot decide a claim; the message says what it lacks, after "cannot be told: "."""


@dataclass(frozen=True)
class Finding:
    """A verdict with its numbers.

    Attributes:
        verdict: one of four.
        says: one sentence of what was found in this session; what is lacking where it cannot be told, to
            follow a colon.
        quantity: what `value` is, in words; "" where there are no numbers.
        unit: of value, null, standard error and interval; "" for a share, an index or a count.
        value: what was measured.
        null: the same under the null.
        null_is: what that is, in words.
        standard_error: by the jackknife.
        low, high: confidence interval, at 5 % over all tests: one-sided tests give its lower end, so it is of
            90 % where there is a single one.
        of_excess: whether error and interval are of value less null, rather than of value.
        p: of the permutations, adjusted for the layers where several are tested.
        tests: how many tests the verdict is of.
    """

    verdict: Verdict
    says: str
    quantity: str = ""
    unit: str = ""
    value: float | None = None
    null: float | None = None
    null_is: str = ""
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    of_excess: bool = False
    p: float | None = None
    tests: int = 0

    @property
    def sentence(self) -> str:
        """What was found or is lacking, to stand by itself."""
        return self.says if self.says.endswith(".") else f"{self.says[:1].upper()}{self.says[1:]}."

    @property
    def words(self) -> str:
        """The verdict as it is written: "cannot be told: …" with its reason."""
        told = self.verdict is not Verdict.CANNOT_TELL
        return self.verdict.value if told else f"{self.verdict.value}: {self.says}"


@dataclass(frozen=True)
class Claim:
    """One claim of the article.

    Attributes:
        key: its name in JSON and in links.
        order: its place in the article.
        title: the claim, in a few words.
        quote: how the article says it; "" for what it leaves open.
        measured: what is measured for it.
        rule: when it is supported.
        explained: when it is explained by its null.
        judge: gives the finding of a session; raises `CannotTell`.
    """

    key: str
    order: int
    title: str
    quote: str
    measured: str
    rule: str
    explained: str
    judge: "Callable[[Evidence], Finding]" = field(repr=False)


CLAIMS: dict[str, Claim] = {}


def claim(
    key: str, order: int, *, title: str, quote: str, measured: str, rule: str, explained: str = ""
) -> "Callable[[Callable[[Evidence], Finding]], Callable[[Evidence], Finding]]":
    """Declare the decorated function as the judge of a claim; fields as of `Claim`."""

    def declare(judge: "Callable[[Evidence], Finding]") -> "Callable[[Evidence], Finding]":
        if key in CLAIMS:
            raise ValueError(f"the claim {key!r} is declared twice")
        CLAIMS[key] = Claim(key, order, title, quote, measured, rule, explained, judge)
        in_order = sorted(CLAIMS.items(), key=lambda item: item[1].order)
        CLAIMS.clear()
        CLAIMS.update(in_order)
        return judge

    return declare
