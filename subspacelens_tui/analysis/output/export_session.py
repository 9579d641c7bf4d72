"""All metrics of a session written to a folder."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.analysis.left_out import NoImagesError, why_empty
from subspacelens_tui.analysis.output.files import (
    PLOT_FORMATS,
    TABLE_FORMATS,
    Row,
    need,
    write_json,
    write_table,
)
from subspacelens_tui.analysis.output.plots import Plot, curve_plot, matrices_plot, sweep_plot, write_plot
from subspacelens_tui.analysis.output.results import figures_json
from subspacelens_tui.analysis.output.rows import figure_rows, overlap_rows, token_rows
from subspacelens_tui.analysis.progress import Progress
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sweep import swept
from subspacelens_tui.analysis.token_results import token_figures
from subspacelens_tui.sessions import Session, SessionError

DEFAULT_FORMATS = ("csv", "json")
_CURVES = ("delta_R", "excess", "ratio", "effective_rank", "overlap_mean")
_SWEPT = ("excess", "effective_rank", "overlap_mean")
# A permutation of tokens takes what thousands of those of image means take.
_TOKEN_PERMUTATIONS = 20


def export(
    session: Session,
    folder: Path,
    settings: Settings,
    formats: Sequence[str] = DEFAULT_FORMATS,
    progress: Progress | None = None,
    on_loss: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write every label scheme, branch, captured step and guidance scale of a session.

    `figures`, `overlap` and, where the session has tokens, `tokens` in every table format; with plot formats
    also `plots/`, with the numbers behind each beside it.

    Args:
        session: to export.
        folder: made if need be.
        settings: ε, view, permutations and errors; what the session is swept over is taken from it.
        formats: some of `FORMATS`.
        progress: as of `Analyzer.figures`.
        on_loss: called with each line that says what is left out.

    Raises:
        NoImagesError: if there is no image to export.
        SessionError: if the folder cannot be written.
        SettingsError: if the metrics cannot be had.
        ExportError: if a format needs a package that is not installed.
    """
    for name in formats:
        need(name)
    if not session.files:
        raise NoImagesError(f"there is nothing to export: {why_empty(session, None, (), None)}")
    made = not folder.exists()
    _check_folder(folder)
    tables = [name for name in TABLE_FORMATS if name in formats]
    images = [name for name in PLOT_FORMATS if name in formats]
    every = list(_all(session, settings, progress))
    parts = [figures for figures in every if figures.layers]
    if not parts:
        if made:
            folder.rmdir()
        raise NoImagesError(f"there is nothing to export: {every[0].absent}")
    for line in dict.fromkeys(line for figures in every for line in figures.losses):
        on_loss(line)
    tokens = list(_tokens(session, settings, progress))
    try:
        paths = list(_write_tables(session, folder, parts, tokens, tables))
        return paths + (_write_plots(parts, folder / "plots", images, tables) if images else [])
    except OSError as error:
        raise SessionError(f"cannot write to {folder}: {error.strerror or error}") from None


def _check_folder(folder: Path) -> None:
    """Make the folder and see that it can be written to: what comes first may take an hour."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SessionError(f"cannot write to {folder}: {error.strerror or error}") from None


def _all(session: Session, settings: Settings, progress: Progress | None) -> Iterator[Result]:
    analyzer = Analyzer(session)
    for where in _configurations(session):
        for labels in session.manifest.label_schemes:
            yield analyzer.figures(
                replace(
                    settings,
                    labels=labels,
                    branch=where.branch,
                    step=where.step,
                    guidance=where.guidance,
                    subspace_dim=None,
                ),
                progress=progress,
            )


def _configurations(session: Session) -> Iterator[Configuration]:
    manifest = session.manifest
    for guidance in manifest.guidance:
        if not session.images(guidance):
            continue
        for branch in manifest.branches_at(guidance):
            for step in manifest.capture_steps:
                yield Configuration(branch, step, guidance)


def _tokens(session: Session, settings: Settings, progress: Progress | None) -> Iterator[Row]:
    if session.manifest.tokens is None:
        return
    few = min(settings.permutations, _TOKEN_PERMUTATIONS)
    for where in _configurations(session):
        for labels in session.manifest.label_schemes:
            asked = replace(
                settings,
                labels=labels,
                branch=where.branch,
                step=where.step,
                guidance=where.guidance,
                subspace_dim=None,
                thorough=False,
                permutations=few,
                overlap_permutations=0,
            )
            yield from token_rows(token_figures(session, asked, _said(progress)))


def _said(progress: Progress | None) -> Any:
    return lambda done, total: progress("layers of tokens", done, total) if progress else None


def _write_tables(
    session: Session, folder: Path, parts: list[Result], tokens: list[Row], formats: list[str]
) -> Iterator[Path]:
    tables: dict[str, list[Row]] = {
        "figures": [row for figures in parts for row in figure_rows(figures)],
        "overlap": [row for figures in parts for row in overlap_rows(figures)],
        **({"tokens": tokens} if tokens else {}),
    }
    for name, rows in tables.items():
        for kind in formats:
            path = folder / f"{name}.{kind}"
            if (name, kind) == ("figures", "json"):
                write_json(path, [figures_json(session, figures) for figures in parts])
                yield path
            elif (name, kind) != ("overlap", "json"):  # figures.json has the matrices
                yield write_table(path, rows)


def _write_plots(parts: list[Result], folder: Path, images: list[str], tables: list[str]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    behind = [name for name in tables if name != "json"] or ["csv"]
    return [path for plot in _plots(parts) for path in write_plot(plot, folder, images, behind)]


def _plots(parts: list[Result]) -> Iterator[Plot]:
    places: dict[Configuration, list[Result]] = {}
    sweeps: dict[tuple[str, str], list[tuple[Configuration, Result]]] = {}
    for figures in parts:
        of = figures.settings
        assert of.step is not None
        assert of.guidance is not None
        assert of.labels is not None
        where = Configuration(of.branch, of.step, of.guidance)
        places.setdefault(where, []).append(figures)
        sweeps.setdefault((of.branch, of.labels), []).append((where, figures))
    schemes = list(dict.fromkeys(labels for _, labels in sweeps))
    for where, found in places.items():
        place = f"{where.branch}-step{where.step}-guidance{where.guidance:g}"
        for figure in _CURVES:
            if any(value is not None for figures in found for value in figures.curve(figure)):
                yield curve_plot(f"{figure}-{place}", found, figure)
        for figures in found:
            if figures.overlap is not None:
                number = schemes.index(figures.settings.labels or "")
                yield matrices_plot(f"overlap-{place}-{_stem(schemes, number)}", figures)
    for (branch, labels), rows in sweeps.items():
        if len(rows) > 1:
            for figure in _SWEPT:
                name = f"sweep-{figure}-{branch}-{_stem(schemes, schemes.index(labels))}"
                yield sweep_plot(name, swept(figure, rows))


def _stem(schemes: list[str], number: int) -> str:
    """A label scheme in a file name: its name where that is plain, else its number."""
    name = schemes[number]
    return (
        name if name.isascii() and name.replace("_", "a").replace("-", "a").isalnum() else f"labels{number}"
    )
