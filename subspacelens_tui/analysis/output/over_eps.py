"""The excess over ε, as a table and as JSON."""

from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.output.console import INTERVAL, PlainTable, console, number, print_json
from subspacelens_tui.analysis.output.results import null_words, settings_json
from subspacelens_tui.analysis.over_eps import OverEps
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.uncertainty.multiple_tests import tests_json
from subspacelens_tui.sessions.sanitise import plain

_RATES = ("R", "delta_R", "ratio", "null_mean", "excess")
_HEADS = ("R", "ΔR", "Rc/R", "null", "excess")


def print_over_eps(found: OverEps, as_json: bool) -> None:
    """Print the rates at each ε on stdout."""
    settings, tests = found.of.settings, found.tests()
    if as_json:
        print_json(
            {
                "settings": settings_json(found.of),
                "layer": found.layers[0].number,
                "eps": [
                    {**layer.to_json(), "passes": tests.survive[at]} for at, layer in enumerate(found.layers)
                ],
                "multiple_tests": tests_json() | {"over": "ε", "count": tests.count},
                "notes": list(found.of.notes),
            }
        )
        return
    out = console()
    labels, layer = plain(settings.labels or ""), found.layers[0].number
    of = f"layer {layer} over ε, labels {labels}, {found.of.images} images"
    out.print(Text(f"{of}; rates in nats{null_words(settings)}"))
    rows = [_row(found, at, tests.survive[at]) for at in range(len(found.layers))]
    out.print(PlainTable(["ε", *_HEADS, INTERVAL, "z", "p "], rows))
    if tests.count:
        out.print(Text(f"* ΔR over {tests.words('values of ε')}"))
    for note in found.of.notes:
        out.print(Text(plain(note)))


def _row(found: OverEps, at: int, passes: bool) -> list[str]:
    layer = found.layers[at]
    bar = quantity("excess").error(layer)
    values: list[Any] = [layer.eps, *(quantity(name).value(layer) for name in _RATES)]
    cells = [
        number(value) for value in (*values, bar.half_width if bar else None, quantity("z").value(layer))
    ]
    return [*cells, number(quantity("p").value(layer)) + ("*" if passes else " ")]
