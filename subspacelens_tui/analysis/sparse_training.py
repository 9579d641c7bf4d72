"""The training of sparse autoencoders that fits a comparison: what it is, and where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_sample import finite_sample, wanted_layers
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.trainings import FOLDER
from subspacelens_tui.sparse.planted_checks import CHECKS
from subspacelens_tui.sparse.recipe import Asked
from subspacelens_tui.sparse.training_job import (
    TrainingJob,
    is_trained,
    read_job,
    targets_of,
    write_job,
)


@dataclass(frozen=True)
class PlannedTraining:
    """A job and its folder.

    Attributes:
        folder: beside the tokens.
        job: all layers that were ever asked for among it.
        missing: how many autoencoders are not there yet.
        steps: how many steps these take.
    """

    folder: Path
    job: TrainingJob
    missing: int
    steps: int


def plan_training(
    session: Session,
    settings: Settings,
    layers: Sequence[int] | None,
    asked: Asked,
    device: str,
    threads: int,
    checks: bool,
    without_position: bool = False,
) -> PlannedTraining:
    """What is to be trained for a comparison, on the images that it fits on; nothing is written.

    Raises:
        SettingsError, NoImagesError, SessionError: as of `sparse_comparison`.
    """
    wanted = wanted_layers(session, layers)
    settings = settings.resolve(session)
    assert settings.step is not None
    assert settings.guidance is not None
    sample = finite_sample(session, settings, wanted, without_position)
    images, T = sample.fitted, sample.tokens.positions.shape[1]
    widths = [block.width for block in session.manifest.blocks]
    job = TrainingJob(
        branch=settings.branch,
        step=settings.step,
        guidance=settings.guidance,
        images=images,
        without_position=without_position,
        asked=asked,
        recipes={layer: asked.recipe(widths[layer], len(images) * T) for layer in wanted},
        checks=dict.fromkeys(CHECKS, asked.recipe(widths[wanted[0]], len(images) * T)) if checks else {},
        like=wanted[0],
        seed=settings.seed,
        device=device,
        threads=threads,
    )
    folder = session.path / FOLDER / job.name
    missing = [target for target in targets_of(job) if not is_trained(folder, target)]
    return PlannedTraining(folder, job, len(missing), sum(target.recipe.steps for target in missing))


def write_training(planned: PlannedTraining) -> None:
    """Write its job, with the layers that the folder's job has already.

    Raises:
        SessionError: it cannot be written.
    """
    try:
        earlier = read_job(planned.folder)
    except FileNotFoundError:
        write_job(planned.folder, planned.job)
        return
    # Sums depend on threads in the last bit: a training goes on as it began.
    kept = {"threads": earlier.threads, "device": earlier.device}
    write_job(planned.folder, planned.job.joined(earlier).model_copy(update=kept))
