"""Summary tables, each metric with its null and its error."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.compare import Difference, compare
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.least_overlap_by_step import SeparationRow, Separations, separations
from subspacelens_tui.analysis.progress import IsCancelled, Progress, Watch
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar
from subspacelens_tui.geometry import Design, NullSummary

Row = TypeVar("Row")


@dataclass(frozen=True)
class RatioRow:
    """Rc/R of one label scheme at one layer, and its null under the named design, with errors of both."""

    labels: str
    design: Design
    layer: int
    ratio: float | None
    error: ErrorBar | None
    null: NullSummary | None
    excess_error: ErrorBar | None = None


@dataclass(frozen=True)
class BranchRow:
    """ΔR of the conditional (a) and the unconditional branch (b) at one layer."""

    layer: int
    delta_R: Difference


@dataclass(frozen=True)
class EqualSizeRow:
    """ΔR of fine labels against random labels of the same class sizes inside each coarse class."""

    layer: int
    fine: float | None
    null: NullSummary | None


@dataclass(frozen=True)
class Tables:
    """The tables; one that the session cannot give is empty, with the reason in `missing`.

    `moves` says whether the layer of least overlap moves with the step, `notes` what the reader should know,
    `losses` those of them that say what the tables are not of.
    """

    ratio: tuple[RatioRow, ...]
    branches: tuple[BranchRow, ...]
    equal_size: tuple[EqualSizeRow, ...]
    separation: tuple[SeparationRow, ...]
    moves: str
    missing: dict[str, str]
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


def article_tables(
    analyzer: Analyzer,
    settings: Settings,
    cancelled: IsCancelled | None = None,
    progress: Progress | None = None,
) -> Tables:
    """All tables at the settings' ε, step, guidance and view.

    `cancelled` and `progress` are as of `Analyzer.result`.

    Raises:
        SettingsError: without permutations, which every table needs.
        NoImagesError: if there is not one image for any of them.
        Cancelled: once `cancelled` says True.
    """
    if settings.permutations < 2:
        raise SettingsError("the tables need their nulls: add --permutations 200")
    maker = _Tables(analyzer, settings, Watch(cancelled, progress))
    missing: dict[str, str] = {}
    ratio = _or_reason(maker.ratio, "ratio", missing)
    branches = _or_reason(maker.branches, "branches", missing)
    equal_size = _or_reason(maker.equal_size, "equal_size", missing)
    steps = maker.separation()
    if maker.absent is not None:
        raise NoImagesError(maker.absent)
    notes, losses = tuple(maker.notes), tuple(maker.losses)
    return Tables(ratio, branches, equal_size, steps.rows, steps.words, missing, notes, losses)


def _or_reason(rows: Callable[[], Iterator[Row]], table: str, missing: dict[str, str]) -> tuple[Row, ...]:
    try:
        return tuple(rows())
    except (SettingsError, NoImagesError) as error:
        missing[table] = str(error)
        return ()


class _Tables:
    def __init__(self, analyzer: Analyzer, settings: Settings, watch: Watch) -> None:
        self._analyzer, self._settings, self._watch = analyzer, settings, watch
        self.notes: dict[str, None] = {}
        self.losses: dict[str, None] = {}
        self._absent: str | None = None
        self._some = False

    @property
    def absent(self) -> str | None:
        """Why there was not one image; None if there was one for any of the tables."""
        return None if self._some else self._absent

    def _result(self, **changes: object) -> Result:
        settings = replace(self._settings, between_layers=False, **changes)  # type: ignore[arg-type]
        found = self._analyzer.result(settings, self._watch.cancelled, self._watch.progress)
        self.notes |= dict.fromkeys(found.notes)
        self.losses |= dict.fromkeys(found.losses)
        if found.layers:
            self._some = True
        else:
            self._absent = self._absent or found.absent
        return found

    def _present(self, **changes: object) -> Result:
        """A result that has layers, or `NoImagesError`."""
        found = self._result(**changes)
        if not found.layers:
            raise NoImagesError(found.absent)
        return found

    def ratio(self) -> Iterator[RatioRow]:
        for labels in self._analyzer.session.manifest.label_schemes:
            result = self._present(labels=labels, errors="auto")
            design = result.settings.design
            assert design is not None
            for layer in first_middle_last(result):
                error, null = layer.errors.get("ratio"), layer.nulls.get("ratio")
                of_excess = layer.errors.get("ratio.excess")
                yield RatioRow(labels, design, layer.number, layer.ratio, error, null, of_excess)

    def branches(self) -> Iterator[BranchRow]:
        cond = self._result(branch="cond", errors="auto")
        uncond = self._result(branch="uncond", errors="auto")
        found = compare(cond, uncond)
        for layer in first_middle_last(cond):
            yield BranchRow(layer.number, found.layers[layer.layer]["delta_R"])

    def equal_size(self) -> Iterator[EqualSizeRow]:
        schemes = self._analyzer.session.manifest.label_schemes
        sizes = {labels: len(self._result(labels=labels, permutations=0).classes) for labels in schemes}
        finest = max(sizes, key=lambda labels: sizes[labels])
        result = self._present(labels=finest, design="fine-within-coarse", overlap_permutations=0)
        for layer in first_middle_last(result):
            if "nulls" in layer.missing:
                raise SettingsError(layer.missing["nulls"])
            yield EqualSizeRow(layer.number, layer.delta_R, layer.null)

    def separation(self) -> Separations:
        """The layer of least overlap at each captured step."""
        return separations(self._analyzer, self._settings, self._watch, lambda step: self._result(step=step))


def first_middle_last(result: Result) -> list[LayerResult]:
    """The first, the middle and the last layer (L0, L14 and L27 of 28)."""
    count = len(result.layers)
    return [result.layers[index] for index in sorted({0, count // 2, count - 1})] if count else []
