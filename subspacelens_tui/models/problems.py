"""What went wrong when a model was loaded, in one line with the next command to type. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from subspacelens_tui.models.architecture import ModelError
from subspacelens_tui.models.source import ModelSource, at_hand

# What diffusers and transformers say where a file of weights is not there.
_NO_FILE = re.compile(r"no file named|such modeling files|Could not find", re.IGNORECASE)
_NO_SAFETENSORS = "safetensors"


def model_problem(model: str, source: ModelSource, error: BaseException) -> ModelError:
    """The error to raise for what diffusers raised.

    Args:
        model: what it was loading, a folder or an id on the hub.
        source: all that was asked for.
        error: what it raised.
    """
    said = str(error)
    if model == source.model and source.variant is not None and _NO_FILE.search(said):
        return ModelError(
            f"model {model!r} has no weights of variant {source.variant!r}: leave out `--variant`"
        )
    if _NO_FILE.search(said) and _NO_SAFETENSORS in said and _has_pickles(model, source):
        return ModelError(
            f"model {model!r} has pickled weights where safetensors are wanted: loading them can run "
            "any code; if you trust them, add `--allow-pickle`"
        )
    if Path(model).is_dir():
        return ModelError(
            f"model {model!r} cannot be loaded ({first_line(error)}): put a whole copy there, as "
            "`hf download ID --local-dir FOLDER` does",
            mendable=True,
        )
    return _hub_problem(model, source.revision_of(model), error)


def no_pipeline(model: str) -> ModelError:
    """The error for a model without an index of its parts."""
    return ModelError(
        f"model {model!r} is no diffusers pipeline: it has no model_index.json; if it is a transformer only, "
        "say where the other parts are: `--components-from ID|PATH`"
    )


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _hub_problem(model: str, revision: str | None, error: BaseException) -> ModelError:
    """Say which of the hub's failures it was: diffusers calls most of them "couldn't connect"."""
    kinds = {type(cause).__name__ for cause in _chain(error)}
    said = str(error)
    if "GatedRepoError" in kinds:
        return ModelError(
            f"model {model!r} is gated: accept its licence at https://huggingface.co/{model}, "
            "then run `hf auth login`",
            mendable=True,
        )
    if kinds & {"RepositoryNotFoundError", "HFValidationError"}:
        return ModelError(
            f"there is no model {model!r}: not a folder here, and not a repository on the hub; "
            "check how it is spelled (or, if it is private, run `hf auth login`)"
        )
    if "RevisionNotFoundError" in kinds:
        return ModelError(f"model {model!r} has no such revision: `hf download {model}` gets the newest")
    if kinds & {"EntryNotFoundError", "RemoteEntryNotFoundError"} and "model_index.json" in said:
        return no_pipeline(model)
    if at_hand(model, revision) is not None:
        return ModelError(
            f"model {model!r} is in the hub's cache, but not whole ({first_line(error)}): "
            f"run `hf download {model}` where there is a network",
            mendable=True,
        )
    return ModelError(
        f"model {model!r} is neither a folder nor in the hub's cache, and the hub cannot be reached: "
        f"check the id and the network, or run `hf download {model}` where there is one",
        mendable=True,
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _has_pickles(model: str, source: ModelSource) -> bool:
    """Whether pickled weights are at hand."""
    folder = at_hand(model, source.revision_of(model))
    return folder is not None and any(folder.glob("*/*.bin"))
