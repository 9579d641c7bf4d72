"""Where the weights of a pipeline come from, and whether they are on this machine. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui import demo
from subspacelens_tui.sessions.format import ModelInfo

DEMO = "demo"
_TELLTALES = ("model_index.json", "transformer/config.json")


@dataclass(frozen=True)
class ModelSource:
    """What to load.

    Attributes:
        model: a folder, an id on the hub, or "demo".
        revision: branch, tag or commit of the hub repository.
        variant: of its weight files, such as fp16.
        components_from: where all but the transformer comes from, for a model that has nothing else.
        allow_pickle: whether weights may come from pickle files, which can run any code when they are loaded.
    """

    model: str
    revision: str | None = None
    variant: str | None = None
    components_from: str | None = None
    allow_pickle: bool = False

    @classmethod
    def of(cls, model: ModelInfo, allow_pickle: bool = False) -> ModelSource:
        """What a session says; whether pickle may be loaded is not up to it: it may be a stranger's."""
        return cls(
            model=_place(model.id),
            revision=model.commit or model.revision,
            variant=model.variant,
            components_from=None if model.components_from is None else _place(model.components_from),
            allow_pickle=allow_pickle,
        )

    def revision_of(self, model: str) -> str | None:
        """The revision to take of the model, or of where its other parts come from."""
        return self.revision if model == self.model else None

    @property
    def commit(self) -> str | None:
        """The commit of the hub's cache that was loaded; None for a folder."""
        found = None if Path(self.model).is_dir() else at_hand(self.model, self.revision)
        return None if found is None else found.name


def _place(model: str) -> str:
    return str(demo.MODEL_PATH) if model == DEMO else model


def at_hand(model: str, revision: str | None = None) -> Path | None:
    """The folder of a model that is on this machine, itself or in the hub's cache; None if it is not.

    A folder in the hub's cache is named by its commit, and may lack files.
    """
    if model == DEMO:
        return demo.MODEL_PATH
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for telltale in _TELLTALES:
        try:
            found = try_to_load_from_cache(model, telltale, revision=revision)
        except HFValidationError:
            return None
        if isinstance(found, str):
            return Path(found.removesuffix(telltale))
    return None
