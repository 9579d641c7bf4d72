"""Figures of every layer, as a table and as JSON."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.report.console import PlainTable, console, number, print_json
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.sanitise import plain


def figures_json(session: Session, figures: Figures) -> dict[str, Any]:
    """The one object that `analyze --json` prints."""
    settings = figures.settings
    return {
        "session": session.name,
        "settings": settings_json(figures),
        "images": figures.images,
        "left_out": len(figures.left_out.images) if figures.left_out else 0,
        "subset": asdict(figures.subset) if figures.subset else None,
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


def settings_json(figures: Figures) -> dict[str, Any]:
    """What figures are of: the settings, and the timestep at their step."""
    said = {name: value for name, value in asdict(figures.settings).items() if name != "images"}
    return said | {"timestep": figures.timestep}


def _matrices(matrices: Float64Array | None) -> list[list[list[float]] | None] | None:
    if matrices is None:
        return None
    return [None if math.isnan(matrix[0, 0]) else matrix.tolist() for matrix in matrices]


def _lists(spectra: Float64Array | None) -> list[list[float]] | None:
    return None if spectra is None else spectra.tolist()


def print_figures(session: Session, figures: Figures, as_json: bool) -> None:
    """Print the figures of every layer on stdout."""
    if as_json:
        print_json(figures_json(session, figures))
        return
    settings = figures.settings
    out = console()
    out.print(
        Text(
            f"{plain(session.name)}: {figures.images} images, labels {plain(settings.labels or '')}, "
            f"ε {settings.eps:g}, {settings.branch}, step {figures.step_name}, "
            f"guidance {settings.guidance:g}, {settings.features} features, "
            f"overlap at rank {settings.rank}; rates in nats" + _null_words(settings)
        )
    )
    columns = _columns(settings)
    rows = [[_cell(layer, name) for name in columns] for layer in figures.layers]
    out.print(PlainTable([columns[name] for name in columns], rows))
    for line in (*_reasons(figures), *figures.notes):
        out.print(Text(plain(line)))


def _null_words(settings: Settings) -> str:
    words = (
        f"; null of {settings.permutations} {settings.design} permutations" if settings.permutations else ""
    )
    over = " and ".join(f"{kind}s" for kind in (settings.errors or "").split("+"))
    return words + (f"; ± by the jackknife over {over}" if settings.errors else "")


def _columns(settings: Settings) -> dict[str, str]:
    """Figure → heading of its column."""
    columns = {"layer": "layer", "R": "R", "Rc": "Rc", "delta_R": "ΔR"}
    if settings.errors:
        columns["± delta_R"] = "±"
    if settings.permutations:
        columns |= {"null_mean": "null", "excess": "excess", "z": "z", "p": "p"}
    columns["ratio"] = "Rc/R"
    every = settings.errors is not None and settings.thorough
    if every:
        columns["± ratio"] = "±"
    if settings.permutations:
        columns["null ratio"] = "null"
    columns["effective_rank"] = "erank"
    if every:
        columns["± effective_rank"] = "±"
    columns |= {"participation_ratio_unbiased": "PR", "overlap_mean": "overlap"}
    if every:
        columns["± overlap_mean"] = "±"
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
        return number(layer.errors[figure].standard_error if figure in layer.errors else None)
    if kind == "null":
        return number(layer.nulls[figure].mean if figure in layer.nulls else None)
    if kind == "JB":
        return number(getattr(layer.normality, figure) if layer.normality else None)
    return number(layer.to_json().get(column))


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
