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

from subspacelens_tui.sessions.atomic import whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.events import EventReader
from subspacelens_tui.sessions.files import names_inside, read_plain
from subspacelens_tui.sessions.state import Phase, StateTracker
from subspacelens_tui.sparse.layouts import recipe_of
from subspacelens_tui.sparse.recipe import Asked, Recipe

FOLDER = "sae"
TRAININGS = ("first", "second")
CHECKPOINT = "checkpoint.safetensors"
_FILE, _LONGEST = "job.json", 16 * 2**20
_MOST = 10_000


class TrainingJob(BaseModel):
    """What is trained, and on which tokens of the session.

    Attributes:
        branch, step, guidance: of the tokens.
        images: indices into the images of the session, those that autoencoders are trained on.
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
        return f"{self.branch}-step{self.step}-{digest[:8]}"

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
    """All autoencoders of a job, in the order in which they are trained."""
    layers = [
        Target(training, layer, None, recipe)
        for layer, recipe in job.recipes.items()
        for training in TRAININGS
    ]
    return layers + [Target(TRAININGS[0], job.like, name, recipe) for name, recipe in job.checks.items()]


def write_job(folder: Path, job: TrainingJob) -> None:
    """Make the folder, if need be, and write `job.json`.

    Raises:
        SessionError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / _FILE) as temporary:
            temporary.write_text(job.model_dump_json(indent=1), encoding="utf-8")
    except OSError as error:
        raise SessionError(f"{folder} cannot be written: {error.strerror or error}") from None


def read_job(folder: Path) -> TrainingJob:
    """The job in a folder.

    Raises:
        FileNotFoundError: there is none.
        SessionError: it is damaged.
    """
    content = read_plain(folder, _FILE, at_most=_LONGEST)
    try:
        return TrainingJob.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SessionError(f"{folder / _FILE} is damaged: {where}: {first['msg']}") from None


def jobs_of(session: Path) -> list[Path]:
    """The folders of the trainings of a session."""
    names = names_inside(session, FOLDER, at_most=_MOST)
    folders = [session / FOLDER / name for name in sorted(names)]
    return [folder for folder in folders if (folder / _FILE).is_file()]


def is_trained(folder: Path, target: Target) -> bool:
    """Whether an autoencoder is there, in full: its configuration is written last, and its recipe is this."""
    return recipe_of(folder.joinpath(*target.inside)) == target.recipe


@dataclass(frozen=True)
class TrainingState:
    """How a training stands.

    Attributes:
        phase, detail: as of a recording; RECORDING means that it trains.
        done, total: steps of all autoencoders.
        eta: seconds left; None if that is not known.
    """

    phase: Phase
    detail: str
    done: int
    total: int
    eta: float | None

    @property
    def alive(self) -> bool:
        """Whether a trainer is at work."""
        return self.phase.running and self.phase is not Phase.WAITING

    @property
    def words(self) -> str:
        """On one line."""
        if self.phase is not Phase.RECORDING:
            what = "starting" if self.phase is Phase.LOADING else str(self.phase)
            return f"{what}: {self.detail}" if self.detail else what
        left = "" if self.eta is None else f"  ETA {int(self.eta) // 60}:{int(self.eta) % 60:02d}"
        return f"step {self.done} of {self.total}{left}"


class TrainingWatch:
    """Follows a training by its event log.

    Args:
        folder: of the job.
    """

    def __init__(self, folder: Path) -> None:
        self._events, self._tracker = EventReader(folder), StateTracker()
        self._done = self._total = 0
        self._eta: float | None = None

    def now(self) -> TrainingState:
        """Take in what is new."""
        events = self._events.new()
        if self._events.restarted:
            self._tracker = StateTracker()
        self._tracker.take(events)
        for event in events:
            done, total, eta = (event.get(key) for key in ("step", "steps", "eta"))
            if isinstance(done, int) and isinstance(total, int):
                self._done, self._total = done, total
                self._eta = float(eta) if isinstance(eta, int | float) else None
        state = self._tracker.now(0, 1)
        return TrainingState(state.phase, state.detail, self._done, self._total, self._eta)
