"""A step of the scrubber, and another ε, as the app computes them: `python benchmarks/scrubbing.py`.

Analysis only, in the thread that the app has for it, on a finished session of 500 images × 28 layers of width
1152: coarse and fine labels, one branch. Times are distributions over the steps of one run.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from planted import write_session
from ratios import seconds

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.app.refinement_stages import FEW, FIRST, MANY, Stage, full
from subspacelens_tui.app.selection import Selection, first_selection, stepped_eps, with_eps, with_images
from subspacelens_tui.sessions import open_session

CURVES, NULL_LINE = Stage(0, quick=True), Stage(FIRST, quick=True)


def analyse(analyzer: Analyzer, selection: Selection, stage: Stage) -> None:
    """One stage of a selection, as `app.worker` computes it."""
    for settings in selection.wanted(analyzer.session.manifest).values():
        errors = settings.errors if stage.errors else None
        analyzer.result(
            replace(
                settings,
                permutations=stage.permutations,
                overlap_permutations=stage.overlap_permutations,
                quick=stage.quick,
                errors=errors,
            )
        )


def distribution(name: str, times: Sequence[float]) -> None:
    p95 = statistics.quantiles(times, n=20)[-1]
    shown = (statistics.median(times), p95, max(times))
    print(f"{name:58}" + "".join(f" {1000 * value:7.1f}" for value in shown) + f"  ({len(times)} steps)")


def timed(views: Iterable[Selection], work: Callable[[Selection], None]) -> list[float]:
    return [seconds(lambda selection=selection: work(selection)) for selection in views]  # type: ignore[misc]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(write_session(Path(folder) / "session"))
        analyzer = Analyzer(session)
        selection, _ = first_selection(Settings(), session.manifest)
        analyse(analyzer, selection, full(FEW))
        print(f"{'ms: median, p95, largest':58}")
        prompts, images = len(session.manifest.prompts), len(session.manifest.images)
        rounds = [with_images(selection, count) for count in range(images - prompts, prompts, -prompts)]
        single = [with_images(selection, count) for count in range(images - 1, images - 21, -1)]
        for name, views in (
            ("rounds of prompts, all of them", rounds),
            ("single images, the last 20", single),
        ):
            curves, null = [], []
            for at in views:
                curves += timed([at], lambda at: analyse(analyzer, at, CURVES))
                null += timed([at], lambda at: analyse(analyzer, at, NULL_LINE))
            distribution(f"scrubbing by {name}: curves", curves)
            distribution("  and the first null line after them", null)
        known = full(MANY, errors=False)
        analyse(analyzer, selection, known)
        at_eps = [selection]
        for _ in range(20):
            at_eps.append(with_eps(selection, stepped_eps(at_eps[-1].settings.eps, 1)))
        stage = Stage(known.overlap_permutations, known.overlap_permutations, quick=True)
        distribution("another ε: curves", timed(at_eps[1:], lambda at: analyse(analyzer, at, CURVES)))
        distribution(
            f"another ε: curves and a null of {stage.permutations} permutations",
            timed(at_eps[1:], lambda at: analyse(analyzer, at, stage)),
        )


if __name__ == "__main__":
    main()
