"""All metrics of a session written to a folder."""

import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.excluded_images import NoImagesError, why_empty
from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.analysis.metrics import METRICS, Shape
from subspacelens_tui.analysis.output.curve_plots import curve_plot
from subspacelens_tui.analysis.output.export_lenses import lens_names, lens_plots, lens_results, lens_rows
from subspacelens_tui.analysis.output.export_part import LENSES, Part, Places
from subspacelens_tui.analysis.output.files import (
    PLOT_FORMATS,
    TABLE_FORMATS,
    Row,
    need,
    refuse_existing,
    write_json,
    write_table,
)
from subspacelens_tui.analysis.output.plots import (
    Plot,
    layers_plot,
    matrices_plot,
    sweep_plot,
    write_plot,
)
from subspacelens_tui.analysis.output.provenance import Provenance, versions
from subspacelens_tui.analysis.output.results import result_json
from subspacelens_tui.analysis.output.rows import (
    curve_point_rows,
    layer_pair_rows,
    layer_rows,
    overlap_rows,
    step_pair_rows,
    token_rows,
)
from subspacelens_tui.analysis.progress import Progress
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_results import SparseResult
from subspacelens_tui.analysis.sweep import swept
from subspacelens_tui.analysis.token_results import token_result
from subspacelens_tui.sessions import Session, SessionError

DEFAULT_FORMATS = ("csv", "json")
_CURVES = ("delta_R", "excess", "ratio", "effective_rank", "overlap_mean", "spectral_share", "expansion_z")
_SWEPT = ("excess", "effective_rank", "overlap_mean")
# A permutation of tokens takes what thousands of those of image means take.
_TOKEN_PERMUTATIONS = 20
Measured = Sequence[Result | SparseResult]


def export(
    session: Session,
    folder: Path,
    settings: Settings,
    formats: Sequence[str] = DEFAULT_FORMATS,
    progress: Progress | None = None,
    on_loss: Callable[[str], None] = lambda line: None,
    part: Part | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write every label scheme, branch, captured step and guidance scale of a session, or a part of them.

    `figures`, `overlap` and, where the session has tokens, `tokens` in every table format, `lenses` where the
    part asks for them; with plot formats also `plots/`, with the numbers behind each beside it. Every file
    says its session, settings and versions.

    Args:
        session: to export.
        folder: made if need be.
        settings: ε, view, permutations and errors; what the session is swept over is taken from it.
        formats: some of `FORMATS`.
        progress: as of `Analyzer.result`.
        on_loss: called with each line that says what is left out.
        part: what of it; default: all.
        overwrite: whether files that are there may be written over.

    Raises:
        NoImagesError: if there is no image to export.
        SessionError: if the folder cannot be written.
        SettingsError: if the metrics cannot be had, or the session lacks the part.
        ExportError: if a format needs a package that is not installed, or a file is there already.
    """
    for name in formats:
        need(name)
    if not session.files:
        raise NoImagesError(f"there is nothing to export: {why_empty(session, None, (), None)}")
    export = _Export(session, folder, (part or Part()).of(session), formats)
    if not overwrite:
        refuse_existing(export.targets())
    made = not folder.exists()
    _check_folder(folder)
    settings = replace(settings, metrics=(*settings.metrics, *export.part.deferred))
    lost: list[str] = []
    # First: where there are no tokens, nobody waits for the rest to be told.
    lenses = list(export.lenses(settings, progress, lost.append)) if export.part.has_lenses else []
    every = list(export.results(settings, progress)) if export.part.has_metrics else []
    parts = [result for result in every if result.layers]
    if not parts and not lenses:
        if made:
            folder.rmdir()
        raise NoImagesError(f"there is nothing to export: {[*(of.absent for of in every), *lost][0]}")
    for line in dict.fromkeys([*(line for result in every for line in result.losses), *lost]):
        on_loss(line)
    tokens = list(export.token_rows(settings, progress)) if parts else []
    try:
        return [*export.write_tables(parts, tokens, lenses), *export.write_plots(parts, lenses)]
    except OSError as error:
        raise SessionError(f"cannot write to {folder}: {error.strerror or error}") from None


def _check_folder(folder: Path) -> None:
    """Make the folder and see that it can be written to: what comes first may take an hour."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SessionError(f"cannot write to {folder}: {error.strerror or error}") from None


class _Export:
    """One export: what is computed, and the files that it goes to.

    Args:
        session: to export.
        folder: of the files.
        part: of the session, by its names.
        formats: some of `FORMATS`.
    """

    def __init__(self, session: Session, folder: Path, part: Part, formats: Sequence[str]) -> None:
        self._session, self._folder, self.part = session, folder, part
        self._tables = [name for name in TABLE_FORMATS if name in formats]
        self._images = [name for name in PLOT_FORMATS if name in formats]
        self._behind = [name for name in self._tables if name != "json"] or ["csv"]
        self._schemes = part.schemes(session.manifest)
        self._places: Places = part.configurations(session)

    def targets(self) -> Iterator[Path]:
        """The files that may be written."""
        tables = ["figures", *["overlap"] * self.part.has_matrices] if self.part.has_metrics else []
        tables += ["tokens"] * (self.part.has_metrics and self._session.manifest.tokens is not None)
        tables += self.part.of_shape(Shape.CURVE, Shape.LAYERS, Shape.STEPS)
        tables += [LENSES] * self.part.has_lenses
        yield from (self._folder / f"{name}.{kind}" for name in tables for kind in self._tables)
        curves = [*self.part.curves(_CURVES), *self.part.of_shape(Shape.LAYERS)]
        names = [_curve_name(curve, at) for at in self._places for curve in curves]
        for scheme in self._schemes:
            if self.part.has_matrices:
                names += [self._matrices_name(at, scheme) for at in self._places]
            if self.part.has_lenses:
                names += [name for at in self._places for name in lens_names(self._where(at, scheme))]
            for branch in dict.fromkeys(at.branch for at in self._places):
                names += [self._sweep_name(of, branch, scheme) for of in self.part.curves(_SWEPT)]
        kinds = [*self._images, *self._behind] if self._images else []
        yield from (self._folder / "plots" / f"{name}.{kind}" for name in names for kind in kinds)

    def _asked(self, settings: Settings) -> Iterator[Settings]:
        for at in self._places:
            for labels in self._schemes:
                yield replace(
                    settings,
                    labels=labels,
                    branch=at.branch,
                    step=at.step,
                    guidance=at.guidance,
                    subspace_dim=None,
                )

    def results(self, settings: Settings, progress: Progress | None) -> Iterator[Result]:
        """The metrics of every configuration and label scheme."""
        analyzer = Analyzer(self._session)
        for asked in self._asked(settings):
            yield self.part.result(analyzer.result(asked, progress=progress))

    def token_rows(self, settings: Settings, progress: Progress | None) -> Iterator[Row]:
        """Those of the tokens; none where the session has none."""
        if self._session.manifest.tokens is None:
            return
        few = min(settings.permutations, _TOKEN_PERMUTATIONS)
        for asked in self._asked(settings):
            asked = replace(asked, thorough=False, metrics=(), permutations=few, overlap_permutations=0)
            found = token_result(self._session, asked, _said(progress))
            yield from token_rows(replace(found, result=self.part.result(found.result)))

    def lenses(
        self, settings: Settings, progress: Progress | None, on_loss: Callable[[str], None]
    ) -> Iterator[SparseResult]:
        """Those of the tokens of every configuration and label scheme."""
        yield from lens_results(self._session, self._asked(settings), progress, on_loss)

    def _about(self, parts: Measured) -> Provenance:
        return Provenance([(self._session.name, of.settings) for of in parts])

    def write_tables(
        self, parts: Sequence[Result], tokens: Sequence[Row], lenses: Sequence[SparseResult]
    ) -> Iterator[Path]:
        """The tables in every format; the paths."""
        tables: dict[str, list[Row]] = {}
        if parts:
            tables["figures"] = [row for of in parts for row in layer_rows(of)]
            if self.part.has_matrices:
                tables["overlap"] = [row for of in parts for row in overlap_rows(of)]
        if tokens:
            tables["tokens"] = list(tokens)
        tables |= _other_tables(list(parts), self._session.manifest.capture_steps)
        if lenses:
            tables[LENSES] = lens_rows(self._session, lenses)
        for name, rows in tables.items():
            about = self._about(lenses if name == LENSES else parts)
            kept = about.rows(map(self.part.record, rows))
            for kind in self._tables:
                path = self._folder / f"{name}.{kind}"
                if (name, kind) == ("figures", "json"):
                    write_json(path, [self._object(of) for of in parts])
                    yield path
                elif kind != "json" or name in ("tokens", LENSES):  # figures.json has the matrices and curves
                    yield write_table(path, kept, about.text())

    def _object(self, result: Result) -> dict[str, Any]:
        """What `analyze --json` says, with the versions."""
        found = self.part.record(result_json(self._session, result))
        layers = [self.part.record(layer) for layer in found["layers"]]
        return {**found, "layers": layers, "versions": versions()}

    def write_plots(self, parts: Sequence[Result], lenses: Sequence[SparseResult]) -> list[Path]:
        """The plots with the numbers behind them; the paths."""
        if not self._images:
            return []
        folder = self._folder / "plots"
        folder.mkdir(exist_ok=True)
        return [
            path
            for plot, of in itertools.chain(self._plots(parts), self._lens_plots(lenses))
            for path in write_plot(
                replace(plot, rows=tuple(map(self.part.record, plot.rows))),
                folder,
                self._images,
                self._behind,
                self._about(of),
            )
        ]

    def _lens_plots(self, lenses: Sequence[SparseResult]) -> Iterator[tuple[Plot, Measured]]:
        """Each with what it is of."""
        for found in lenses:
            where = self._where(_configuration(found.settings), found.settings.labels or "")
            yield from ((plot, [found]) for plot in lens_plots(where, found))

    def _plots(self, parts: Sequence[Result]) -> Iterator[tuple[Plot, Measured]]:
        """Each with what it is of."""
        places: dict[Configuration, list[Result]] = {}
        sweeps: dict[tuple[str, str], list[tuple[Configuration, Result]]] = {}
        for result in parts:
            of = result.settings
            assert of.labels is not None
            where = _configuration(of)
            places.setdefault(where, []).append(result)
            sweeps.setdefault((of.branch, of.labels), []).append((where, result))
        for where, found in places.items():
            for curve in self.part.curves(_CURVES):
                if any(value is not None for result in found for value in result.curve(curve)):
                    yield curve_plot(_curve_name(curve, where), found, curve), found
            for key in found[0].matrices:
                yield layers_plot(_curve_name(key, where), found[0], key), found[:1]
            for result in found:
                if result.overlap is not None:
                    name = self._matrices_name(where, result.settings.labels or "")
                    yield matrices_plot(name, result), [result]
        for (branch, labels), rows in sweeps.items():
            if len(rows) > 1:
                for curve in self.part.curves(_SWEPT):
                    name = self._sweep_name(curve, branch, labels)
                    yield sweep_plot(name, swept(curve, rows)), [result for _, result in rows]

    def _matrices_name(self, where: Configuration, labels: str) -> str:
        return f"overlap-{self._where(where, labels)}"

    def _where(self, where: Configuration, labels: str) -> str:
        return f"{_place(where)}-{self._stem(labels)}"

    def _sweep_name(self, curve: str, branch: str, labels: str) -> str:
        return f"sweep-{curve}-{branch}-{self._stem(labels)}"

    def _stem(self, labels: str) -> str:
        schemes = list(self._session.manifest.label_schemes)
        return _stem(schemes, schemes.index(labels))


def _said(progress: Progress | None) -> Any:
    return lambda done, total: progress("layers of tokens", done, total) if progress else None


def _configuration(of: Settings) -> Configuration:
    """That of resolved settings."""
    assert of.step is not None
    assert of.guidance is not None
    return Configuration(of.branch, of.step, of.guidance)


def _place(where: Configuration) -> str:
    return f"{where.branch}-step{where.step}-guidance{where.guidance:g}"


def _curve_name(curve: str, where: Configuration) -> str:
    return f"{curve}-{_place(where)}"


def _other_tables(parts: list[Result], steps: Sequence[int]) -> dict[str, list[Row]]:
    """The metrics that are curves or matrices, a table each, where there are any."""
    found: dict[str, list[Row]] = {}
    for metric in METRICS.of_shape(Shape.CURVE, Shape.LAYERS, Shape.STEPS):
        # They do not depend on the labels, and these on the step neither.
        every = _unlike(parts, ("labels", "step") if metric.shape is Shape.STEPS else ("labels",))
        if metric.shape is Shape.CURVE:
            rows = [row for of in every for row in curve_point_rows(of, metric.key)]
        elif metric.shape is Shape.LAYERS:
            rows = [row for of in every for row in layer_pair_rows(of, metric.key)]
        else:
            rows = [row for of in every for row in step_pair_rows(of, metric.key, steps)]
        if rows:
            found[metric.key] = list[Row](rows)
    return found


def _unlike(parts: list[Result], names: Sequence[str]) -> list[Result]:
    """The results of which no two differ in these settings only."""
    found: dict[tuple[object, ...], Result] = {}
    for of in parts:
        others = {name: getattr(of.settings, name) for name in ("branch", "step", "guidance", "labels")}
        found.setdefault(tuple(value for name, value in others.items() if name not in names), of)
    return list(found.values())


def _stem(schemes: list[str], number: int) -> str:
    """A label scheme in a file name: its name where that is plain, else its number."""
    name = schemes[number]
    return (
        name if name.isascii() and name.replace("_", "a").replace("-", "a").isalnum() else f"labels{number}"
    )
