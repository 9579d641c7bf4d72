"""The pairs of classes that overlap most and least, as a table and as JSON."""

from dataclasses import asdict
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.class_pairs import PAIR_METRICS, Pair, Pairs
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.output.console import INTERVAL, PlainTable, console, number, print_json
from subspacelens_tui.analysis.output.results import null_words, settings_json
from subspacelens_tui.analysis.quantities import excess_name, quantity
from subspacelens_tui.analysis.uncertainty.multiple_tests import tests_json
from subspacelens_tui.sessions.sanitise import plain

# Of each end of a long list, which is in JSON as a whole.
_SHOWN = 10


def print_pairs(found: Pairs, as_json: bool) -> None:
    """Print the pairs on stdout."""
    if as_json:
        print_json(pairs_json(found))
        return
    out, settings = console(), found.of.settings
    null = null_words(settings, "permutations of the two")
    labels = plain(settings.labels or "")
    of = f"layer {found.layer}, labels {labels}, subspaces of dimension {settings.subspace_dim}"
    out.print(Text(f"Pairs of classes, the most overlapping first: {of}{null}"))
    headers = ["", ""]
    for key in PAIR_METRICS:
        headers += [METRICS[key].short, INTERVAL, "null", "excess", INTERVAL, "p "]
    passes = {key: found.tests(key).survive for key in PAIR_METRICS}
    rows = [
        [plain(pair.first), plain(pair.second), *_cells(pair, {key: passes[key][at] for key in PAIR_METRICS})]
        for at, pair in enumerate(found.pairs)
    ]
    left = len(rows) - 2 * _SHOWN
    if left > 1:
        rows[_SHOWN:-_SHOWN] = [["…", f"{left} more", *[""] * (len(headers) - 2)]]
    out.print(PlainTable(headers, rows))
    for key in PAIR_METRICS:
        if (tests := found.tests(key)).count:
            out.print(Text(f"* {METRICS[key].short} of {tests.words('pairs')}"))
    for note in found.notes:
        out.print(Text(plain(note)))


def _cells(pair: Pair, passes: dict[str, bool]) -> list[str]:
    layer, cells = pair.layer, []
    for key in PAIR_METRICS:
        null = layer.nulls.get(key)
        own, of_excess = (quantity(name).error(layer) for name in (key, excess_name(METRICS[key])))
        cells += [
            number(layer.values.get(key)),
            number(own.half_width if own else None),
            number(null.mean if null else None),
            number(null.excess if null else None),
            number(of_excess.half_width if of_excess else None),
            number(null.p if null else None) + ("*" if passes[key] else " "),
        ]
    return cells


def pairs_json(found: Pairs) -> dict[str, Any]:
    """The one object that `analyze --pairs --json` prints."""
    settings = settings_json(found.of)
    del settings["classes"]
    tests = {key: found.tests(key) for key in PAIR_METRICS}
    return {
        "settings": settings,
        "layer": found.layer,
        "multiple_tests": tests_json() | {"over": "pairs", "count": tests["delta_R"].count},
        "pairs": [
            {
                "classes": [pair.first, pair.second],
                **_record(pair, {key: of.survive[at] for key, of in tests.items()}),
            }
            for at, pair in enumerate(found.pairs)
        ],
        "notes": list(found.notes),
    }


def _record(pair: Pair, passes: dict[str, bool]) -> dict[str, Any]:
    layer, record = pair.layer, {}
    for key in PAIR_METRICS:
        null = layer.nulls.get(key)
        of: dict[str, Any] = {"value": layer.values.get(key), "null": asdict(null) if null else None}
        for name, bar in (
            ("error", layer.errors.get(key)),
            ("excess_error", layer.errors.get(excess_name(METRICS[key]))),
        ):
            of[name] = bar.to_json() if bar else None
        record[key] = of | ({"passes": passes[key]} if null else {})
    return record | ({"missing": dict(layer.missing)} if layer.missing else {})
