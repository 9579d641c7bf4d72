"""What tokens take under each lens, as a part of an export: a table, and plots with their numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.output.files import Row
from subspacelens_tui.analysis.output.plots import Plot
from subspacelens_tui.analysis.output.sparse import sparse_rows
from subspacelens_tui.analysis.output.sparse_plots import rate_plot, saved_plot
from subspacelens_tui.analysis.progress import Progress
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_dictionaries import trained_beside
from subspacelens_tui.analysis.sparse_results import Asked, SparseResult, sparse_comparison
from subspacelens_tui.sessions import Session


def lens_results(
    session: Session,
    asked: Iterable[Settings],
    progress: Progress | None,
    on_loss: Callable[[str], None],
) -> Iterator[SparseResult]:
    """The lenses at each of these settings, with the autoencoders that are trained beside the session.

    Args:
        session: recorded with tokens.
        asked: labels, branch, step, guidance and random seed apply.
        progress: as of `Analyzer.result`.
        on_loss: called with a line for settings at which no images can be held out.

    Raises:
        SettingsError, SessionError: as of `sparse_comparison`.
    """
    lenses = Asked(dictionaries=trained_beside(session))

    def on_layer(done: int, total: int) -> None:
        if progress:
            progress("layers under each lens", done, total)

    for settings in asked:
        try:
            found = sparse_comparison(session, settings, lenses, on_layer)
        except NoImagesError as error:
            on_loss(f"no lenses for {settings.labels} labels: {error}")
            continue
        for line in found.losses:
            on_loss(line)
        yield found


def lens_rows(session: Session, found: Sequence[SparseResult]) -> list[Row]:
    """A row for each layer and lens, in nats."""
    return [row for of in found for row in sparse_rows(session, of, bits=False)]


def lens_names(where: str) -> tuple[str, str]:
    """Stems of the files of the two plots of a configuration and label scheme."""
    return f"lenses-saved-{where}", f"lenses-rate-{where}"


def lens_plots(where: str, found: SparseResult) -> tuple[Plot, Plot]:
    """What each lens saves by layer, and the rate against distortion at each layer."""
    saved, rate = lens_names(where)
    return saved_plot(saved, found), rate_plot(rate, found)
