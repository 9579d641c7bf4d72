"""Figures and lists as text and JSON on stdout."""

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.catalog import Listing
from subspacelens_tui.sessions.plain import plain

# A pipe has no width: rich would cut every table at 80 columns.
_PIPE_WIDTH = 10_000


def figures_json(session: Session, figures: Figures) -> dict[str, Any]:
    """The one object that `analyze --json` prints."""
    settings = figures.settings
    return {
        "session": session.name,
        "settings": {name: value for name, value in asdict(settings).items() if name != "images"},
        "images": figures.images,
        "classes": [
            {"name": name, "images": size}
            for name, size in zip(figures.classes, figures.class_sizes, strict=True)
        ],
        "layers": [layer.to_json() for layer in figures.layers],
        "overlap": _matrices(figures.overlap),
        "explained": _matrices(figures.explained),
        **({"spectra": _lists(figures.spectra)} if settings.thorough else {}),
        "notes": list(figures.notes),
    }


def _matrices(matrices: Float64Array | None) -> list[list[list[float]] | None] | None:
    if matrices is None:
        return None
    return [None if math.isnan(matrix[0, 0]) else matrix.tolist() for matrix in matrices]


def _lists(spectra: Float64Array | None) -> list[list[float]] | None:
    return None if spectra is None else spectra.tolist()


def print_figures(session: Session, figures: Figures, as_json: bool) -> None:
    """Print the figures of every layer on stdout."""
    if as_json:
        print(json.dumps(figures_json(session, figures), indent=1, ensure_ascii=False, allow_nan=False))
        return
    settings = figures.settings
    console = _console()
    console.print(
        Text(
            f"{plain(session.name)}: {figures.images} images, labels {plain(settings.labels or '')}, "
            f"ε {settings.eps:g}, {settings.branch}, step {settings.step}, guidance {settings.guidance:g}, "
            f"{settings.features} features, overlap at rank {settings.rank}; rates in nats"
            + _null_words(settings)
        )
    )
    columns = _columns(settings)
    rows = [[_cell(layer, name) for name in columns] for layer in figures.layers]
    console.print(_table([columns[name] for name in columns], rows))
    for line in (*_reasons(figures), *figures.notes):
        console.print(Text(plain(line)))


def _null_words(settings: Settings) -> str:
    words = (
        f"; null of {settings.permutations} {settings.design} permutations" if settings.permutations else ""
    )
    return words + (f"; ± by the jackknife over {settings.errors}s" if settings.errors else "")


def _columns(settings: Settings) -> dict[str, str]:
    """Figure → heading of its column."""
    columns = {"layer": "layer", "R": "R", "Rc": "Rc", "delta_R": "ΔR"}
    if settings.errors:
        columns["± delta_R"] = "±"
    if settings.permutations:
        columns |= {"null_mean": "null", "excess": "excess", "z": "z", "p": "p"}
    columns["ratio"] = "Rc/R"
    if settings.permutations:
        columns["null ratio"] = "null"
    columns |= {"effective_rank": "erank", "participation_ratio_unbiased": "PR", "overlap_mean": "overlap"}
    if settings.permutations:
        columns["null overlap_mean"] = "null"
    if settings.thorough:
        columns |= {"split_half_mean": "halves", "split_half_ceiling": "ceiling"}
    columns["hoyer"] = "Hoyer"
    if settings.thorough:
        columns |= {
            "hoyer_gaussian": "Gauss",
            "JB pooled": "JB",
            "JB class_centred": "JB cls",
            "JB surrogate": "JB gau",
        }
    if settings.iso_rate is not None:
        columns["eps"] = "ε"
    return columns


def _cell(layer: LayerFigures, column: str) -> str:
    kind, _, figure = column.rpartition(" ")
    if column == "layer":
        return str(layer.layer)
    if kind == "±":
        return _number(layer.errors[figure].standard_error if figure in layer.errors else None)
    if kind == "null":
        return _number(layer.nulls[figure].mean if figure in layer.nulls else None)
    if kind == "JB":
        return _number(getattr(layer.normality, figure) if layer.normality else None)
    return _number(layer.to_json().get(column))


def _reasons(figures: Figures) -> Iterable[str]:
    """Why figures are missing, each reason once."""
    reasons: dict[str, list[int]] = {}
    for layer in figures.layers:
        for figure, why in layer.missing.items():
            reasons.setdefault(f"{figure} is missing: {why}", []).append(layer.layer)
    for reason, layers in reasons.items():
        where = (
            "all layers" if len(layers) == len(figures.layers) else f"layers {', '.join(map(str, layers))}"
        )
        yield f"{reason} ({where})"


def print_listing(listings: Sequence[Listing], as_json: bool) -> None:
    """Print the list of sessions on stdout."""
    if as_json:
        print(json.dumps([_listing_json(listing) for listing in listings], indent=1, ensure_ascii=False))
        return
    rows = []
    for listing in listings:
        state = listing.state
        rows.append(
            [
                plain(listing.name),
                str(state.phase) if state else "damaged",
                plain(listing.model),
                f"{state.recorded}/{state.planned}" if state else "",
                f"{listing.bytes / 2**20:.1f} MiB",
                plain(listing.created),
                plain(listing.problem or (state.detail if state else "")),
            ]
        )
    _console().print(_table(["name", "state", "model", "images", "size", "created", ""], rows))


def _listing_json(listing: Listing) -> dict[str, Any]:
    state = listing.state
    return {
        "name": listing.name,
        "path": str(listing.path),
        "state": str(state.phase) if state else "damaged",
        "detail": listing.problem or (state.detail if state else ""),
        "model": listing.model,
        "images": state.recorded if state else None,
        "planned": state.planned if state else None,
        "bytes": listing.bytes,
        "created": listing.created,
    }


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:.3e}"


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(
            header, justify="left" if header in ("name", "state", "model", "created", "") else "right"
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _console() -> Console:
    return Console(
        file=sys.stdout, width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, soft_wrap=False
    )
