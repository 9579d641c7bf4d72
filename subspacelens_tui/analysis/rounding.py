"""How far rounding may have moved what is shown: for the few layers where that could be seen."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.geometry.rounding import TIE, TOLERANCE

if TYPE_CHECKING:
    from subspacelens_tui.analysis.figures import LayerFigures

_NAMES = {
    "R": "R",
    "Rc": "Rc",
    "delta_R": "ΔR",
    "ratio": "Rc/R",
    "effective_rank": "effective rank",
    "participation_ratio_unbiased": "unbiased participation ratio",
    "overlap_mean": "overlap",
    "explained_mean": "variance explained",
}
_IN_NATS = ("R", "Rc", "delta_R")
# A dimension or an image so many times as large as the median one is worth a word.
_MASSIVE = 100


def rates_moved(R: float, Rc: float, by: float, by_class: float) -> dict[str, float]:
    """Figure → how far rounding may have moved it, of those that are not right to a millionth.

    Args:
        R, Rc: in nats.
        by, by_class: how far each may have been moved.
    """
    found = {"R": (R, by), "Rc": (Rc, by_class), "delta_R": (R - Rc, by + by_class)}
    if R > 0:
        found["ratio"] = (Rc / R, (by_class + by * Rc / R) / R)
    moved = {figure: amount for figure, (value, amount) in found.items() if amount > TOLERANCE * abs(value)}
    if R - Rc <= TIE * R and "R" not in moved:
        # Nothing but rounding itself, and taken for no difference.
        moved.pop("delta_R", None)
    return moved


def massive(Z: Float64Array) -> str:
    """What is so much larger than the rest of features (d, N) that rounding matters; "" if nothing is."""
    return massive_dimension(np.linalg.norm(Z, axis=1)) or _massive("image", np.linalg.norm(Z, axis=0))


def massive_dimension(norms: Float64Array) -> str:
    """The same, of the norms (d,) of the dimensions."""
    return _massive("dimension", norms)


def _massive(what: str, norms: Float64Array) -> str:
    median = float(np.median(norms))
    if not (median > 0 and norms.max() > _MASSIVE * median):
        return ""
    times = f"{norms.max() / median:.0e}".replace("e+0", "e").replace("e+", "e")
    return f"{what} {int(norms.argmax())} is {times} times the median one"


def rounding_notes(layers: "Sequence[LayerFigures]") -> Iterator[str]:
    """A line for all that rounding may have moved, with where and why."""
    moved = [layer for layer in layers if layer.rounding]
    if not moved:
        return
    figures = dict.fromkeys(figure for layer in moved for figure in layer.rounding)
    amounts = {figure: max(layer.rounding.get(figure, 0.0) for layer in moved) for figure in figures}
    words = ", ".join(_words(figure, amount) for figure, amount in amounts.items())
    where = ", ".join(str(layer.layer) for layer in moved)
    causes = (f": in layer {layer.layer} {layer.massive}" for layer in moved if layer.massive)
    yield f"rounding may change {words} (layer{'s' * (len(moved) > 1)} {where}){next(causes, '')}"


def rounding_words(rounding: dict[str, float]) -> str:
    """What rounding may have moved in one layer, in one cell of a table."""
    return ", ".join(_words(figure, amount) for figure, amount in rounding.items())


def _words(figure: str, amount: float) -> str:
    unit = " nats" if figure.split()[-1] in _IN_NATS else ""
    return f"{_NAMES.get(figure, figure)} by up to {amount:.2g}{unit}"
