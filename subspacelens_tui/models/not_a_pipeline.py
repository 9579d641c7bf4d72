"""What was given in the place of a pipeline, and what to give. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from subspacelens_tui.models.errors import TRANSFORMER, ModelError
from subspacelens_tui.models.model_files import FolderPlace, Place
from subspacelens_tui.models.problems import EXAMPLE, INDEX, lacks, no_pipeline, only_transformer, unreadable
from subspacelens_tui.models.source import FILE_ENDINGS

# A folder of pipelines, of copies from the hub, or the hub's cache.
_BELOW = ("*", "snapshots/*", "models--*/snapshots/*")
_TOLD = 3


def no_index(place: Place) -> ModelError:
    """The error for a place that has no index of a pipeline's parts."""
    if isinstance(place, FolderPlace) and (error := _near(place)) is not None:
        return error
    if place.files(TRANSFORMER):
        return only_transformer(place.model, place.whole, place.again)
    if not place.whole:
        return lacks(place.model, [INDEX], place.again)
    if single := sorted(name for name in place.files() if name.endswith(FILE_ENDINGS)):
        return no_pipeline(
            place.model,
            f"it holds single files of weights ({single[0]}), which cannot be recorded: give a diffusers "
            f"folder or an id on the hub, as {EXAMPLE}",
        )
    return no_pipeline(
        place.model,
        f"give a folder that has one, or an id on the hub, as {EXAMPLE}",
    )


def no_transformer(place: Place) -> ModelError:
    """The error for a place that borrows its other parts and has no transformer."""
    if isinstance(place, FolderPlace) and (error := _near(place)) is not None:
        return error
    if not place.whole:
        return lacks(place.model, [f"its folder {TRANSFORMER}"], place.again)
    return ModelError(
        f"model {place.model!r} has no transformer: with `--components-from` it must be in a folder "
        f"`{TRANSFORMER}` there"
    )


def _near(place: FolderPlace) -> ModelError | None:
    """The error where what was meant is close by: above, or below."""
    folder, model = place.folder, place.model
    try:
        if "config.json" in place.files():
            return _one_part(folder, model)
        below = sorted({path.parent for pattern in _BELOW for path in folder.glob(f"{pattern}/{INDEX}")})
    except OSError as error:
        return unreadable(model, folder, error)
    if not below:
        return None
    if len(below) == 1:
        return no_pipeline(model, f"the folder inside it has one: give `--model {below[0]}`")
    told = ", ".join(path.name for path in below[:_TOLD])
    more = ", …" if len(below) > _TOLD else ""
    return no_pipeline(model, f"give one of those inside it ({told}{more}), as `--model {below[0]}`")


def _one_part(folder: Path, model: str) -> ModelError:
    above = folder.resolve().parent
    if (above / INDEX).is_file():
        return ModelError(f"{model} is one part of a pipeline: give the folder above it, `--model {above}`")
    if folder.name == TRANSFORMER:
        return ModelError(
            f"{model} is a transformer by itself: give the folder above it and say where the other parts "
            f"are, `--model {above} --components-from ID|PATH`"
        )
    return no_pipeline(
        model,
        f"if it is a transformer, move it into a folder `{TRANSFORMER}`, give the folder above that, and say "
        "where the other parts are: `--components-from ID|PATH`",
    )
