"""How far rounding may have moved what is shown: for the few layers where that could be seen."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.statistics.base import Float64Array
from subspacelens_tui.geometry.rounding import TIE, TOLERANCE

if TYPE_CHECKING:
    from subspacelens_tui.analysis.result import LayerResult

# A dimension or an image so many times as large as the median one is worth a word.
_MASSIVE = 100


def rates_moved(R: float, Rc: float, by: float, by_class: float) -> dict[str, float]:
    """Metric → how far rounding may have moved it, of those that are not right to a millionth.

    Args:
        R, Rc: in nats.
        by, by_class: how far each may have been moved.
    """
    found = {"R": (R, by), "Rc": (Rc, by_class), "delta_R": (R - Rc, by + by_class)}
    if R > 0:
        found["ratio"] = (Rc / R, (by_class + by * Rc / R) / R)
    moved = {key: amount for key, (value, amount) in found.items() if amount > TOLERANCE * abs(value)}
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


def rounding_notes(layers: "Sequence[LayerResult]") -> Iterator[str]:
    """A line for all that rounding may have moved, with where and why."""
    moved = [layer for layer in layers if layer.rounding]
    if not moved:
        return
    names = dict.fromkeys(name for layer in moved for name in layer.rounding)
    amounts = {name: max(layer.rounding.get(name, 0.0) for layer in moved) for name in names}
    words = ", ".join(_words(name, amount) for name, amount in amounts.items())
    where = ", ".join(str(layer.number) for layer in moved)
    causes = (f": in layer {layer.number} {layer.massive}" for layer in moved if layer.massive)
    yield f"rounding may change {words} (layer{'s' * (len(moved) > 1)} {where}){next(causes, '')}"


def _words(name: str, amount: float) -> str:
    """The last word of a name is the key of a metric, those before it say of what it is."""
    *of, key = name.split()
    metric = METRICS[key]
    called = metric.label if metric.unit == "dimensions" else metric.short
    unit = f" {metric.unit}" if metric.unit == "nats" else ""
    return f"{' '.join([*of, called])} by up to {amount:.2g}{unit}"
