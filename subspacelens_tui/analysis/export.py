"""Figures of a session written to files: CSV for tables, JSON for everything."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.figures import Figures
from subspacelens_tui.analysis.report import figures_json
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.sessions import Session, SessionError

EXPORT_PERMUTATIONS = 200
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class _Part:
    settings: Settings
    figures: Figures


def export(session: Session, folder: Path) -> list[Path]:
    """Write `figures.csv`, `overlap.csv` and `figures.json` with the null of every figure that has one.

    All label schemes, branches, captured steps and guidance scales of the session, at the default ε.

    Raises:
        SessionError: if the session has no images, or the folder cannot be written.
    """
    if not session.files:
        raise SessionError(f"{session.name} has no images yet: there is nothing to export")
    parts = [_Part(settings, figures) for settings, figures in _all(session)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [
            _write_csv(folder / "figures.csv", _figure_rows(parts)),
            _write_csv(folder / "overlap.csv", _overlap_rows(parts)),
            _write_json(folder / "figures.json", [figures_json(session, part.figures) for part in parts]),
        ]
    except OSError as error:
        raise SessionError(f"cannot write to {folder}: {error.strerror or error}") from None


def _all(session: Session) -> Iterator[tuple[Settings, Figures]]:
    manifest = session.manifest
    analyzer = Analyzer(session)
    for guidance in manifest.guidance:
        for branch in manifest.branches if guidance > 1 else manifest.branches[:1]:
            for step in manifest.capture_steps:
                for labels in manifest.label_schemes:
                    settings = Settings(
                        labels=labels,
                        branch=branch,
                        step=step,
                        guidance=guidance,
                        permutations=EXPORT_PERMUTATIONS,
                    )
                    yield settings, analyzer.figures(settings)


def _where(settings: Settings) -> dict[str, Any]:
    return {
        "guidance": settings.guidance,
        "branch": settings.branch,
        "step": settings.step,
        "labels": settings.labels,
        "eps": settings.eps,
        "features": settings.features,
    }


def _figure_rows(parts: list[_Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        for layer in part.figures.layers:
            record = layer.to_json()
            record.pop("missing", None)
            yield {**_where(part.settings), "images": part.figures.images, **record}


def _overlap_rows(parts: list[_Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        figures = part.figures
        if figures.overlap is None:
            continue
        for layer, matrix in enumerate(figures.overlap):
            for i, first in enumerate(figures.classes):
                for j, second in enumerate(figures.classes):
                    yield {
                        **_where(part.settings),
                        "rank": figures.settings.rank,
                        "layer": layer,
                        "class": first,
                        "other": second,
                        "overlap": float(matrix[i, j]),
                    }


def _write_csv(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    found = list(rows)
    columns = list(dict.fromkeys(column for row in found for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({column: _cell(value) for column, value in row.items()} for row in found)
    return path


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula, with the quote before it that keeps it text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _write_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return path
