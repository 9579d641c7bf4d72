"""Two sides compared, as a table and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.compare import Comparison, rounding
from subspacelens_tui.analysis.metrics import Table
from subspacelens_tui.analysis.output.console import INTERVAL, PlainTable, console, number, print_json
from subspacelens_tui.analysis.output.results import matrix_null_json
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.sessions.sanitise import plain


def print_comparison(names: tuple[str, str], comparison: Comparison, as_json: bool) -> None:
    """Print a comparison on stdout; `names` say what the sides are."""
    if as_json:
        print_json(_json(names, comparison))
        return
    out = console()
    for letter, name, result in zip("AB", names, (comparison.a, comparison.b), strict=True):
        out.print(Text(f"{letter}  {plain(name)}: {result.images} images, step {result.step_name}"))
        for note in result.notes:
            out.print(Text(f"   {plain(note)}"))
    for warning in comparison.warnings:
        out.print(Text(f"note: {plain(warning)}"))
    errors = "paired" if comparison.paired else "the sides taken as independent"
    said = f"{INTERVAL} is half its 95 % confidence interval by the jackknife, {errors}"
    out.print(Text(f"difference B - A; {said}; rates in nats"))
    # What is to be read first stands first.
    for name in sorted(comparison.layers[0], key=lambda name: name != "excess"):
        if _is_shown(name, comparison):
            out.print(Text(f"\n{name}", style="bold"))
            rows = [
                [*place, *_cells(layer[name])]
                for place, layer in zip(_places(comparison), comparison.layers, strict=True)
            ]
            headings = ["depth", "layer A", "layer B"] if comparison.relative else ["layer"]
            out.print(PlainTable([*headings, "A", "B", "B - A", INTERVAL], rows))
    if comparison.missing:
        out.print(Text(plain(comparison.missing)))
    if comparison.cka is not None and comparison.cka_null is not None:
        std = number(comparison.cka_null.std)
        out.print(Text(f"\nunbiased CKA of A (rows) and B; by chance 0, s.d. {std}", style="bold"))
        headings = ["layer", *(f"B{layer}" for layer in comparison.b.numbers)]
        cells = [[number(value) for value in row] for row in comparison.cka.tolist()]
        out.print(
            PlainTable(
                headings,
                [[f"A{layer}", *row] for layer, row in zip(comparison.a.numbers, cells, strict=True)],
            )
        )


def _places(comparison: Comparison) -> Iterator[list[str]]:
    """What stands before each row: the layer, or the relative depth and both layers."""
    for pair, (a, b) in enumerate(comparison.pairs):
        layers = str(comparison.a.numbers[a]), str(comparison.b.numbers[b])
        yield [f"{comparison.depth(pair):.2f}", *layers] if comparison.relative else [layers[0]]


def _is_shown(name: str, comparison: Comparison) -> bool:
    """What the text report of a session has in its table."""
    asked = quantity(name)
    if asked.of_null:
        return name == "excess" and bool(comparison.a.settings.permutations)
    return asked.metric.table is not Table.NOTHING


def _cells(difference: Any) -> list[str]:
    values = (difference.a, difference.b, difference.difference, difference.half_width)
    return [number(value) for value in values]


def _side(name: str, result: Result) -> dict[str, Any]:
    return {
        "side": name,
        "images": result.images,
        "step": result.settings.step,
        "timestep": result.timestep,
        "notes": list(result.notes),
    }


def _json(names: tuple[str, str], comparison: Comparison) -> dict[str, Any]:
    return {
        "a": _side(names[0], comparison.a),
        "b": _side(names[1], comparison.b),
        "paired": comparison.paired,
        "warnings": list(comparison.warnings),
        "layers": [
            {
                "layer": index if comparison.relative else comparison.a.numbers[index],
                **comparison.place(index),
                **{metric: _record(comparison, index, metric) for metric in layer},
            }
            for index, layer in enumerate(comparison.layers)
        ],
        **_cka(comparison),
    }


def _cka(comparison: Comparison) -> dict[str, Any]:
    """The CKA of both sides' layers with its null, or why it is missing, where it was asked for."""
    if comparison.missing:
        return {"cka": None, "missing": {"cka": comparison.missing}}
    if comparison.cka is None or comparison.cka_null is None:
        return {}
    return {"cka": comparison.cka.tolist(), "nulls": {"cka": matrix_null_json(comparison.cka_null)}}


def _record(comparison: Comparison, layer: int, metric: str) -> dict[str, Any]:
    moved = rounding(comparison, layer, metric)
    return asdict(comparison.layers[layer][metric]) | ({} if moved is None else {"rounding": moved})
