"""What a report is of: the article's figures on one session, and the verdicts on its claims."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.claims.claim import CannotTell
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.judge import Judged, judged
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.progress import IsCancelled, Progress, Watch
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.sentences import of_cka, of_gains
from subspacelens_tui.analysis.settings import ErrorsBy, Settings, SettingsError
from subspacelens_tui.analysis.sparse_dictionaries import trained_beside
from subspacelens_tui.analysis.sparse_results import Asked, SparseResult, sparse_comparison
from subspacelens_tui.analysis.sweep import Sweep, configurations, swept
from subspacelens_tui.analysis.uncertainty.jackknife import error_bar
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sparse import SparseError

SWEPT = "delta_R"


@dataclass(frozen=True)
class ReportFigure:
    """One figure of the article, of this session.

    Attributes:
        key: its name in links.
        title: what it shows.
        article: what the article's shows, in its words; empty where it has none.
        curves: results to draw over the layers; none for a sweep or a figure that cannot be had.
        quantity: what is drawn of them: a metric or an aspect of its null; "overlap" for matrices of classes,
            "cka" for one of layers, "gains" for those of a block.
        layers: of matrices and gains, those shown.
        says: what it shows of this session, in a sentence.
        sweep: configurations by layers; None for all other figures.
        missing: why it cannot be had; "" if it can.
    """

    key: str
    title: str
    article: str
    curves: tuple[Result, ...] = ()
    quantity: str = ""
    layers: tuple[int, ...] = ()
    sweep: Sweep | None = None
    says: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Report:
    """A session's figures and verdicts.

    Attributes:
        session, control: of what; control None where there is none.
        settings: ε, step, guidance, permutations and seed, resolved.
        images: how many.
        step_name: the step with its timestep.
        errors: what the jackknife leaves out, in words.
        claims: every claim with its finding.
        figures: the article's, in its order.
        notes: what the reader should know.
        losses: those of them that say what is left out.
        lenses: what tokens take under each, as they are and, where one position is one place, minus the mean
            at their position; why that is not known; None without tokens.
    """

    session: Session
    control: Session | None
    settings: Settings
    images: int
    step_name: str
    errors: str
    claims: tuple[Judged, ...]
    figures: tuple[ReportFigure, ...]
    notes: tuple[str, ...]
    losses: tuple[str, ...]
    lenses: tuple[SparseResult, ...] | str | None = None


def report_of(
    analyzer: Analyzer,
    settings: Settings,
    control: Analyzer | None = None,
    cancelled: IsCancelled | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge every claim and compute every figure.

    Args:
        analyzer: of the session.
        settings: ε, step, guidance, permutations (19 or more) and random seed.
        control: of a session to judge beside it, such as random weights.
        cancelled, progress: as of `Analyzer.figures`.

    Raises:
        SettingsError: if a session lacks what is asked, or there are too few permutations.
        NoImagesError: if there is no image.
        Cancelled: once `cancelled` says True.
    """
    watch = Watch(cancelled, progress)
    evidence = Evidence(analyzer, settings, watch)
    beside = None if control is None else Evidence(control, settings, watch)
    for of in (evidence, beside):
        if of is not None:
            of.refuse_empty()
    claims = tuple(judged(evidence, beside))
    figures = tuple(_figures(evidence))
    results = [result for figure in figures for result in figure.curves]
    return Report(
        session=analyzer.session,
        control=None if control is None else control.session,
        settings=evidence.settings,
        images=max((result.images for result in results), default=0),
        step_name=evidence.step_name(evidence.settings.step or 0),
        errors=" and ".join(f"{kind}s" for kind in evidence.kinds),
        claims=claims,
        figures=figures,
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        losses=tuple(dict.fromkeys(line for result in results for line in result.losses)),
        lenses=None
        if analyzer.session.manifest.tokens is None
        else _lenses(analyzer.session, evidence, watch),
    )


def _lenses(session: Session, evidence: Evidence, watch: Watch) -> tuple[SparseResult, ...] | str:
    """With the autoencoders that were trained beside the session, if any."""
    settings = replace(evidence.settings, labels=evidence.coarse_or_first)
    whole = Asked(dictionaries=trained_beside(session))
    found: list[SparseResult] = []
    for asked, tokens in ((whole, "tokens"), (replace(whole, without_position=True), "tokens, no position")):
        try:
            on_layer = partial(watch.report, f"lenses on {tokens}")
            found.append(sparse_comparison(session, settings, asked, on_layer))
        except (SettingsError, NoImagesError, SparseError) as error:
            return tuple(found) or str(error)
    return tuple(found)


def _figures(evidence: Evidence) -> Iterator[ReportFigure]:
    """The article's, in its order; one that cannot be had says why."""
    permutations, errors = evidence.settings.permutations, _errors(evidence)
    both = _curves(evidence, [{"labels": labels} for labels in _schemes(evidence)], permutations, errors)
    middle, last = evidence.layers // 2, evidence.layers - 1
    yield ReportFigure(
        "delta-R", "ΔR over the layers", "From ~30 at layer 0 to ~857 at layer 27.", both, "delta_R"
    )
    yield ReportFigure(
        "excess",
        "ΔR beyond permuted labels",
        "An important caveat: I haven’t run a permuted-labels baseline.",
        both,
        "excess",
    )
    yield ReportFigure(
        "effective-rank",
        "Effective rank",
        "Effective rank peaks at ~69 around layer 10, then collapses to ~22 by layer 27.",
        _with_errors(evidence, "effective_rank", both[:1]),
        "effective_rank",
    )
    yield _swept(evidence)
    steps = [{"step": step, "labels": evidence.coarse_or_first} for step in evidence.steps]
    yield ReportFigure(
        "overlap",
        "Overlap of the class subspaces at each step",
        "Mean off-diagonal overlap drops to its minimum around L14, then rebounds.",
        _with_errors(evidence, "overlap_mean", _curves(evidence, steps, 0, None)),
        "overlap_mean",
    )
    yield ReportFigure(
        "matrices",
        "Which classes overlap, at four layers",
        "By L14, food and buildings barely share any variance. By L27, they’ve partially re-entangled.",
        both[:1],
        "overlap",
        tuple(sorted({0, evidence.layers // 4, middle, last})),
    )
    yield ReportFigure(
        "ratio",
        "Rc/R",
        "The ratio drops from 0.47 to 0.10 (fine); 0.67 to 0.35 (coarse).",
        both,
        "ratio",
    )
    yield _branches(evidence, permutations, errors)
    yield ReportFigure(
        "hoyer", "Hoyer sparsity", "Hoyer sparsity ranges from 0.25 to 0.71 across layers.", both[:1], "hoyer"
    )
    yield ReportFigure(
        "fine-matrix",
        f"Overlap of the finest classes at layer {middle}",
        "Block-diagonal = hierarchical nesting. Lions overlap more with elephants than with cathedrals.",
        both[-1:],
        "overlap",
        (middle,),
    )
    yield from _mechanism(evidence, both[0], (middle, last))


def _mechanism(evidence: Evidence, of: Result, layers: tuple[int, ...]) -> Iterator[ReportFigure]:
    """What the article does not have: the gains of two blocks, and how alike the layers are."""
    for layer in dict.fromkeys(layers):
        found = of.layers[layer]
        gains = found.arrays.get("gains")
        title = f"Gains of block {found.number} over the variance of its input"
        figure = ReportFigure(f"gains-{layer}", title, "", (of,), "gains", (layer,))
        lacks = gains is None or not len(gains)
        missing = plain(found.why_missing("contraction")) or "there are no gains" if lacks else ""
        yield replace(figure, says="" if lacks else of_gains(found), missing=missing)
    alike = evidence.result(metrics=("cka",), permutations=0, labels=of.settings.labels)
    figure = ReportFigure("cka", "How similarly the layers arrange the images", "", (alike,), "cka")
    if "cka" in alike.matrices:
        says = of_cka(alike.matrices["cka"], alike.matrix_nulls["cka"].std, alike.numbers)
        yield replace(figure, says=says)
    else:
        yield replace(figure, missing=plain(alike.missing.get("cka", "")) or "no values")


def _with_errors(evidence: Evidence, key: str, results: tuple[Result, ...]) -> tuple[Result, ...]:
    """Results with the errors of a metric that costs too much to have them always, where it has some."""
    return tuple(_with_error(evidence, key, result) for result in results)


def _with_error(evidence: Evidence, key: str, result: Result) -> Result:
    asked = result.settings
    labels = asked.labels if METRICS[key].null else evidence.settings.labels
    try:
        curve = evidence.curve(key, null=False, step=asked.step, labels=labels)
    except CannotTell:
        return result
    bars = [
        error_bar(float(value), [of[:, place] for of in curve.left_out])
        for place, value in enumerate(curve.values)
    ]
    layers = [
        replace(layer, errors={**layer.errors, key: bar})
        for layer, bar in zip(result.layers, bars, strict=True)
    ]
    return replace(result, layers=tuple(layers))


def _schemes(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys((evidence.coarse_or_first, evidence.finest)))


def _errors(evidence: Evidence) -> ErrorsBy:
    return "+".join(evidence.kinds)  # type: ignore[return-value]


def _curves(
    evidence: Evidence, sides: list[dict[str, Any]], permutations: int, errors: ErrorsBy | None
) -> tuple[Result, ...]:
    return tuple(evidence.result(permutations=permutations, errors=errors, **side) for side in sides)


def _branches(evidence: Evidence, permutations: int, errors: ErrorsBy | None) -> ReportFigure:
    figure = ReportFigure(
        "branches",
        "Conditional and unconditional branch",
        "By L27, the difference is 0.1 nats.",
        quantity="delta_R",
    )
    if not evidence.has_uncond:
        return replace(figure, missing="there is no unconditional branch at guidance 1")
    labels = evidence.coarse_or_first
    sides = [{"branch": branch, "labels": labels} for branch in ("cond", "uncond")]
    return replace(figure, curves=_curves(evidence, sides, permutations, errors))


def _swept(evidence: Evidence) -> ReportFigure:
    figure = ReportFigure(
        "sweep",
        "ΔR at every guidance scale and step",
        "The pattern showed up everywhere: across all 12 configs.",
        quantity=SWEPT,
    )
    rows = configurations(evidence.analyzer.session.manifest, "cond")
    if len(rows) < 2:
        return replace(figure, missing="only one guidance scale and one step were recorded")
    labels = evidence.coarse_or_first
    results = [
        (row, evidence.result(permutations=0, labels=labels, step=row.step, guidance=row.guidance))
        for row in rows
    ]
    return replace(figure, sweep=swept(SWEPT, results))
