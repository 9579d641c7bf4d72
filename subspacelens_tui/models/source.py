"""Where the weights of a pipeline come from, and whether they are on this machine. Imports no torch."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.models.problems import is_one_file, no_such_folder, unreadable
from subspacelens_tui.sessions.format import Lora, ModelInfo
from subspacelens_tui.sessions.text_files import from_home

DEMO = "demo"
"""The bundled model that is recorded by default."""

# What people give who have a file of weights and no folder.
FILE_ENDINGS = (".safetensors", ".ckpt", ".pth", ".pt", ".bin", ".gguf", ".onnx")
# Of those the ones that hold weights and no code.
ONE_FILE = (".safetensors", ".gguf")


@dataclass(frozen=True)
class ModelSource:
    """What to load.

    Attributes:
        model: a folder, an id on the hub, or a bundled model's name; or a file of the denoiser's weights.
        revision: branch, tag or commit of the hub repository.
        variant: of its weight files, such as fp16.
        components_from: where all but the transformer comes from, for a model that has nothing else.
        quantize: how the denoiser is quantised while it loads, as of `models.quantization`.
        scheduler: class that takes the place of the pipeline's own scheduler.
        loras: what is added to its weights.
        allow_pickle: whether weights may come from pickle files, which can run any code when they are loaded.
    """

    model: str
    revision: str | None = None
    variant: str | None = None
    components_from: str | None = None
    allow_pickle: bool = False
    quantize: str | None = None
    scheduler: str | None = None
    loras: tuple[Lora, ...] = ()

    @classmethod
    def of(cls, model: ModelInfo, allow_pickle: bool = False) -> ModelSource:
        """What a session says; whether pickle may be loaded is not up to it: it may be a stranger's."""
        return cls(
            model=_place(model.id),
            revision=model.commit or model.revision,
            variant=model.variant,
            components_from=None if model.components_from is None else _place(model.components_from),
            allow_pickle=allow_pickle,
            quantize=model.quantize,
            scheduler=model.scheduler,
            loras=tuple(model.loras),
        )

    @property
    def one_file(self) -> Path | None:
        """The file that the denoiser's weights are in, where that is what was given."""
        path = Path(self.model)
        return path if self.components_from is not None and path.suffix in ONE_FILE else None

    def revision_of(self, model: str) -> str | None:
        """The revision to take of the model, or of where its other parts come from."""
        return self.revision if model == self.model else None

    @property
    def commit(self) -> str | None:
        """The commit of the hub's cache that was loaded; None for a folder."""
        found = None if Path(self.model).is_dir() else at_hand(self.model, self.revision)
        return None if found is None else found.name


def _place(model: str) -> str:
    return str(BUNDLED[model].path) if model in BUNDLED else model


def located(model: str, one_file: bool = False) -> str:
    """A model by a name that holds wherever the recorder starts: a full path, or the id as it is.

    Args:
        model: as typed.
        one_file: whether it may be a file of weights.

    Raises:
        ModelError: if it is a path, and there is no folder, or one that may not be looked at.
    """
    if model in BUNDLED:
        return model
    path = from_home(model)
    try:
        kind = path.stat().st_mode if model else 0
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL in the path is a ValueError
        kind = 0
    except OSError as error:
        raise unreadable(model, path, error) from None
    if stat.S_ISDIR(kind):
        return str(path.resolve())
    if kind and one_file and path.suffix in ONE_FILE:
        return str(path.resolve())
    if kind:
        raise is_one_file(model, path)
    if not _may_be_an_id(model) or path.is_symlink():
        raise no_such_folder(model)
    return model


def _may_be_an_id(model: str) -> bool:
    return bool(model) and not (
        model.startswith((".", "/", "~")) or model.count("/") > 1 or model.endswith(FILE_ENDINGS)
    )


def at_hand(model: str, revision: str | None = None) -> Path | None:
    """The folder of a model that is on this machine, itself or in the hub's cache; None if it is not.

    A folder in the hub's cache is named by its commit, and may lack files.
    """
    if model in BUNDLED:
        return BUNDLED[model].path
    if Path(model).is_dir():
        return Path(model)
    cached = cache_of(model)
    try:
        commit = (cached / "refs" / (revision or "main")).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        commit = revision or ""
    found = cached / "snapshots" / commit
    return found if commit and found.is_dir() else None


def cached_revisions(model: str) -> list[str]:
    """The revisions of a model that are in the hub's cache: branches and tags, else commits."""
    refs, snapshots = cache_of(model) / "refs", cache_of(model) / "snapshots"
    named = sorted(str(path.relative_to(refs)) for path in refs.rglob("*") if path.is_file())
    named = [revision for revision in named if at_hand(model, revision) is not None]
    return named or sorted(path.name for path in snapshots.glob("*") if path.is_dir())


def cache_of(model: str) -> Path:
    """Where the hub's cache keeps the files of a model, if it has any."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{model.replace('/', '--')}"
