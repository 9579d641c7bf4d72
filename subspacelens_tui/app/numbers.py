"""How numbers are written: short, of steady width, and plain where there is none."""

NONE = "–"


def number(value: float | None, signed: bool = False) -> str:
    """A number in at most six characters (seven signed): 0.42, 4.23, 30.1, 743, 12345, 0.004, 4e-6."""
    if value is None:
        return NONE
    value = value or 0.0  # zero has no sign
    size = abs(value)
    if size >= 99999.5 or 0 < size < 0.00095:
        mantissa, exponent = f"{value:.0e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.00995 or size == 0 else 3
        text = f"{value:.{digits}f}"
    return f"+{text}" if signed and not text.startswith("-") else text


def ends(low: float, high: float) -> tuple[str, str]:
    """Both ends of a scale: short, or in as many digits as tell one from the other."""
    written = number(low), number(high)
    digits = 3
    while written[0] == written[1] and low != high:
        written = _digits(low, digits), _digits(high, digits)
        digits += 1
    return written


def _digits(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def fraction(value: float | None, digits: int = 2) -> str:
    """A number between 0 and 1 without its leading zero: .67, 1.00."""
    if value is None:
        return NONE
    text = f"{value:z.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def interval(low: float | None, high: float | None) -> str:
    """An interval as [0.60, 2.05]; nothing where there is none."""
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def score(value: float | None) -> str:
    """A z-score: signed, one decimal."""
    return NONE if value is None else f"{value:+z.1f}" if abs(value) < 1000 else f"{value:+.0e}"


def probability(value: float | None, permutations: int = 0) -> str:
    """A p-value; of so many permutations "≤ .048" where it is the smallest that they can give."""
    if value is None:
        return NONE
    smallest = permutations > 0 and value * (permutations + 1) < 1.5
    return ("≤ " if smallest else "") + fraction(value, 3)


def duration(seconds: float | None) -> str:
    """A time span as 0:07, 1:18 or 2:03:11."""
    if seconds is None:
        return NONE
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def gigabytes(count: float) -> str:
    """A number of bytes in whole GB, without the unit."""
    return f"{count / 1e9:.0f}"
