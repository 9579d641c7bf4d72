"""A training of sparse autoencoders as it lies on disk, beside the tokens: `SESSION/sae/NAME/`.

job.json                 what is trained, on which images
first/block.4/           cfg.json and sae.safetensors of layer 4, in the layout of EleutherAI's sparsify
second/block.4/          the same from another seed: atoms that agree are no accident
checkpoint.safetensors   of the one in training
events.jsonl, control    as of a recorder
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import read_plain
from subspacelens_tui.sessions.trainings import JOB
from subspacelens_tui.sparse.layouts import CONFIG, recipe_of
from subspacelens_tui.sparse.recipe import Asked, Recipe

TRAININGS = ("first", "second")
CHECKPOINT = "checkpoint.safetensors"
_LONGEST = 16 * 2**20


class TrainingJob(BaseModel):
    """What is trained, and on which tokens of the session.

    Attributes:
        branch, step, guidance: of the tokens.
        images: indices into the images of the session, those that autoencoders are trained on.
        without_position: whether the mean at their position is subtracted from tokens first.
        asked: what the user asked for.
        recipes: by layer; they differ where widths do.
        checks: planted tokens that autoencoders are trained on as well, by name.
        like: the layer whose size and spectrum planted tokens have.
        threads: of torch on a CPU: sums depend on it in the last bit.
        device: cpu, cuda, …
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    branch: str
    step: int
    guidance: float
    images: tuple[int, ...]
    without_position: bool = False
    asked: Asked
    recipes: dict[int, Recipe]
    checks: dict[str, Recipe] = Field(default_factory=dict)
    like: int = 0
    seed: int = 0
    threads: int = Field(1, ge=1)
    device: str = "cpu"

    @property
    def name(self) -> str:
        """What tells it from other jobs of the session: everything but layers, checks and where it runs."""
        what = [self.branch, self.step, self.guidance, self.images, self.seed, self.asked]
        digest = hashlib.sha256(repr(what).encode()).hexdigest()
        less = "-without-position" if self.without_position else ""
        return f"{self.branch}-step{self.step}{less}-{digest[:8]}"

    def joined(self, other: "TrainingJob") -> "TrainingJob":
        """This job with the layers and checks of another as well; this one's count."""
        return self.model_copy(
            update={
                "recipes": dict(sorted({**other.recipes, **self.recipes}.items())),
                "checks": self.checks or other.checks,
                "like": self.like if self.checks else other.like,
            }
        )


@dataclass(frozen=True)
class Target:
    """One autoencoder of a job.

    Attributes:
        training: "first" or "second".
        layer: whose tokens, or like whose the planted ones are.
        check: the name of the planted ones; None for the layer's own.
        recipe: how.
    """

    training: str
    layer: int
    check: str | None
    recipe: Recipe

    @property
    def inside(self) -> tuple[str, str]:
        """Its folder, from that of the job."""
        of = f"block.{self.layer}" if self.check is None else f"check.{self.layer}.{self.check}"
        return self.training, of


def targets_of(job: TrainingJob) -> list[Target]:
    """All autoencoders of a job, in the order in which they are trained.

    Every layer is trained once before any is trained again, so that a sparse lens can be shown halfway. The
    second training only tells which atoms come again.
    """
    layers = [
        Target(training, layer, None, recipe)
        for training in TRAININGS
        for layer, recipe in job.recipes.items()
    ]
    return layers + [Target(TRAININGS[0], job.like, name, recipe) for name, recipe in job.checks.items()]


def write_job(folder: Path, job: TrainingJob) -> None:
    """Make the folder, if need be, and write `job.json`.

    Raises:
        SessionError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / JOB) as temporary:
            temporary.write_text(job.model_dump_json(indent=1), encoding="utf-8")
    except OSError as error:
        raise SessionError(f"{folder} cannot be written: {error.strerror or error}") from None


def read_job(folder: Path) -> TrainingJob:
    """The job in a folder.

    Raises:
        FileNotFoundError: there is none.
        SessionError: it is damaged.
    """
    content = read_plain(folder, JOB, at_most=_LONGEST)
    try:
        return TrainingJob.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SessionError(f"{folder / JOB} is damaged: {where}: {first['msg']}") from None


def is_trained(folder: Path, target: Target) -> bool:
    """Whether an autoencoder is there, in full: its configuration is written last, and its recipe is this."""
    return recipe_of(folder.joinpath(*target.inside)) == target.recipe


def finished_at(folder: Path, target: Target) -> int:
    """When an autoencoder was finished, in nanoseconds of its file; 0 as long as it is not there in full."""
    if not is_trained(folder, target):
        return 0
    return folder.joinpath(*target.inside, CONFIG).stat().st_mtime_ns
