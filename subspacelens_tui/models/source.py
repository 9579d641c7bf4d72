"""Where the weights of a pipeline come from, and whether they are on this machine. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui import demo

DEMO = "demo"
_TELLTALES = ("model_index.json", "transformer/config.json")


@dataclass(frozen=True)
class ModelSource:
    """What to load.

    Attributes:
        model: a folder, an id on the hub, or "demo".
        revision: branch, tag or commit of the hub repository.
        variant: of the weight files, such as fp16.
        components_from: where all but the transformer comes from, for a model that has nothing else.
        allow_pickle: whether weights may come from pickle files, which can run any code when they are loaded.
    """

    model: str
    revision: str | None = None
    variant: str | None = None
    components_from: str | None = None
    allow_pickle: bool = False


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
