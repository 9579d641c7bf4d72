"""Sessions of activations that something else has recorded: arrays in, a session out.

Whoever hooks a model with nnsight or TransformerLens, or has features in a file, gets every screen and metric this way.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import ValidationError

from subspacelens_tui.sessions import features
from subspacelens_tui.sessions.catalog import sessions_folder
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import BRANCHES, Block, ImageInfo, Manifest, ModelInfo, Prompt
from subspacelens_tui.sessions.lookalikes import canonical
from subspacelens_tui.sessions.manifest_reader import first_problem
from subspacelens_tui.sessions.times import time_now
from subspacelens_tui.sessions.writer import create_new_session, write_image

# Rows of a file: 512 images of 57 layers of width 3072 are 360 MB a step and branch.
_ROWS_PER_FILE = 512
_NAMELESS_SCHEME = "labels"
# Of what images differ by, float32 may round off this part.
_MOST_LOST = 1e-3

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class FeatureArrays:
    """Activations of N images and what belongs to them.

    Attributes:
        layers: an array for each layer, in the order in which they run. Each is (N, width); or (N, step, width)
            with one entry for each of `steps`; or (N, branch, step, width), cond before uncond. NumPy arrays, or
            whatever has their interface; torch tensors of any dtype and device.
        labels: for each label scheme the class of each image, N texts or integers. The first scheme is the default.
        prompts: the prompt of each image; default: none is known, and each image counts as one of its own.
        seeds: the seed of each image's noise; default: none is known, and no two images share one.
        steps: the denoising steps that were captured, ascending, 0 the noisiest.
        guidance: the classifier-free guidance scale.
        layer_input: what the first layer receives, shaped like a layer; metrics of the first layer's update need it.
        pictures: the generated images, PIL, N of them; default: none.
        model: what the activations are of.
    """

    layers: Mapping[str, Array]
    labels: Mapping[str, Sequence[Any]]
    prompts: Sequence[str] | None = None
    seeds: Sequence[int] | None = None
    steps: Sequence[int] = (0,)
    guidance: float = 1.0
    layer_input: Array | None = None
    pictures: Sequence[Image.Image] | None = None
    model: str = "imported features"


def named_layers(arrays: Mapping[str, Array] | Sequence[Array] | Array) -> dict[str, Array]:
    """Layers by name: those of a sequence, or a single array, are called layer 0, layer 1, …"""
    if isinstance(arrays, Mapping):
        return {str(name): array for name, array in arrays.items()}
    several = arrays if isinstance(arrays, list | tuple) else [arrays]
    return {f"layer {index}": array for index, array in enumerate(several)}


def named_schemes(labels: Mapping[str, Sequence[Any]] | Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Label schemes by name: a sequence is the one scheme `labels`."""
    return dict(labels) if isinstance(labels, Mapping) else {_NAMELESS_SCHEME: labels}


def write_session(arrays: FeatureArrays, name: str | None = None, sessions: str | Path | None = None) -> Path:
    """Write activations as a finished session.

    Args:
        arrays: what is written; float32, whatever its dtype was.
        name: of the session; default: model and time.
        sessions: the folder of sessions; default: as of the command line.

    Returns:
        The folder of the session, which is there as a whole or not at all.

    Raises:
        SessionError: in one line, if the arrays do not fit each other, hold values that float32 does not keep, or
            a session of that name exists.
    """
    layers = {layer: _float32(array, repr(layer)) for layer, array in arrays.layers.items()}
    if not layers:
        raise SessionError("there are no layers: give at least one array of features")
    count = len(next(iter(layers.values())))
    shaped = {layer: _shaped(array, repr(layer), count, arrays) for layer, array in layers.items()}
    branches = {array.shape[1] for array in shaped.values()}
    first = None
    if arrays.layer_input is not None:
        first = _shaped(_float32(arrays.layer_input, "the layer input"), "the layer input", count, arrays)
        branches.add(first.shape[1])
    if len(branches) > 1:
        raise SessionError("some layers have one branch and some have two: give all of them the same")
    manifest = _manifest(arrays, shaped, first, count)

    def fill(folder: Path) -> None:
        for rows in _parts(count):
            tensors = {features.block_key(i): array[rows] for i, array in enumerate(shaped.values())}
            tensors |= {} if first is None else {"input": first[rows]}
            images = range(count)[rows]
            contiguous = {key: np.ascontiguousarray(array) for key, array in tensors.items()}
            features.write_batch(folder, images, contiguous)
        for image, picture in enumerate(arrays.pictures or ()):
            write_image(folder, image, picture)
        with closing(EventWriter(folder)) as events:
            events.write("note", reason=f"imported: {arrays.model}")
            events.write("finished")

    return create_new_session(sessions_folder(sessions), name, manifest, fill)


def _float32(array: Any, name: str) -> npt.NDArray[np.float32]:
    """An array, or a torch tensor of any dtype on any device, in float32."""
    if isinstance(array, np.ma.MaskedArray) and array.mask.any():
        raise SessionError(f"{name} has masked values: leave the images out that have them")
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        # NumPy has no bfloat16, which most activations are.
        array = (array.float() if array.is_floating_point() and array.element_size() < 4 else array).numpy()
    found = np.asarray(array)
    if not np.issubdtype(found.dtype, np.floating) and not np.issubdtype(found.dtype, np.integer):
        raise SessionError(f"{name} is an array of {found.dtype}, not of numbers")
    if found.ndim < 2:
        raise SessionError(f"{name} has the shape {found.shape}: (images, width) is needed")
    with np.errstate(over="ignore"):  # looked at below
        single = found.astype(np.float32, copy=False)
    if not np.isfinite(single).all():
        rows = np.flatnonzero(~np.isfinite(single.reshape(len(single), -1)).all(axis=1))
        raise SessionError(
            f"{name} is not finite in float32 for {len(rows)} of {len(single)} images "
            f"(image {rows[0]} is the first): leave these images out"
        )
    _check_digits(found, single, name)
    return single


def _check_digits(found: npt.NDArray[Any], single: npt.NDArray[np.float32], name: str) -> None:
    """SessionError if rounding to float32 changes what the images differ by."""
    if np.can_cast(found.dtype, np.float32):
        return
    lost, spread = (np.linalg.norm(of - of.mean(axis=0)) for of in (found - single.astype(np.float64), found))
    if lost > _MOST_LOST * spread:
        raise SessionError(
            f"{name} has images that differ in digits float32 does not keep: subtract their mean first"
        )


def _shaped(
    array: npt.NDArray[np.float32], name: str, count: int, arrays: FeatureArrays
) -> npt.NDArray[np.float32]:
    """An array as (N, branch, step, width)."""
    steps = len(arrays.steps)
    if array.ndim == 2 and steps == 1:
        array = array[:, None, None]
    elif array.ndim == 3:
        array = array[:, None]
    elif array.ndim != 4:
        raise SessionError(
            f"{name} has the shape {array.shape}: (images, width), (images, {steps} steps, width) or "
            f"(images, branches, {steps} steps, width) is needed"
        )
    if len(array) != count:
        raise SessionError(f"{name} has {len(array)} images, the first layer has {count}")
    if array.shape[2] != steps:
        raise SessionError(f"{name} has {array.shape[2]} steps, and `steps` names {steps}")
    if not 1 <= array.shape[1] <= len(BRANCHES):
        raise SessionError(f"{name} has {array.shape[1]} branches: there are cond and uncond, in this order")
    return array


def _manifest(
    arrays: FeatureArrays,
    shaped: Mapping[str, npt.NDArray[np.float32]],
    first: npt.NDArray[np.float32] | None,
    count: int,
) -> Manifest:
    branches = next(iter(shaped.values())).shape[1]
    prompts, which = _prompts(arrays, count)
    seeds = range(count) if arrays.seeds is None else [int(seed) for seed in arrays.seeds]
    _same_count("seeds", seeds, count)
    if arrays.pictures is not None:
        _same_count("pictures", arrays.pictures, count)
    if not arrays.steps:
        raise SessionError("no step is named: leave `steps` out where there is only one")
    try:
        return Manifest(
            created=time_now(),
            model=ModelInfo(id=arrays.model, dtype="float32"),
            prompt_set="imported",
            prompts=prompts,
            images=[
                ImageInfo(prompt=prompt, seed=seed, guidance=arrays.guidance)
                for prompt, seed in zip(which, seeds, strict=True)
            ],
            steps=max(arrays.steps) + 1,
            capture_steps=list(arrays.steps),
            guidance=[arrays.guidance],
            guidance_branches=[list(BRANCHES[:branches])],
            blocks=[Block(name=layer, width=array.shape[3]) for layer, array in shaped.items()],
            input_width=None if first is None else first.shape[3],
            versions={"imported": "features"},
            origin="features",
        )
    except ValidationError as error:
        raise SessionError(f"these features make no session: {first_problem(error)}") from None


def _prompts(arrays: FeatureArrays, count: int) -> tuple[list[Prompt], list[int]]:
    """The prompts with their labels, and which one each image has.

    One text under several classes is several prompts: labels of a session belong to its prompts.
    """
    if not arrays.labels:
        raise SessionError("there are no labels: give the class of each image")
    schemes = {
        canonical(str(scheme)): _texts(labels, str(scheme)) for scheme, labels in arrays.labels.items()
    }
    if len(schemes) < len(arrays.labels):
        raise SessionError("two label schemes have the same name")
    for scheme, labels in schemes.items():
        _same_count(f"labels of {scheme!r}", labels, count)
        if not all(labels):
            raise SessionError(f"image {labels.index('')} has no label in {scheme!r}")
    texts = [f"image {n}" for n in range(count)] if arrays.prompts is None else list(map(str, arrays.prompts))
    _same_count("prompts", texts, count)
    places: dict[tuple[str, ...], int] = {}
    which = [places.setdefault(key, len(places)) for key in zip(texts, *schemes.values(), strict=True)]
    return [Prompt(text=text, labels=dict(zip(schemes, own, strict=True))) for text, *own in places], which


def _texts(labels: Sequence[Any], scheme: str) -> list[str]:
    if not isinstance(labels, Iterable) or isinstance(labels, str):
        raise SessionError(f"the labels of {scheme!r} are {labels!r}: give the class of each image")
    plain = [
        getattr(label, "item", lambda label=label: label)() if _is_one(label) else label for label in labels
    ]
    for image, label in enumerate(plain):
        if not isinstance(label, str | int):
            raise SessionError(
                f"the label of image {image} in {scheme!r} is {label!r}: give a text or an integer"
            )
    return [canonical(str(label)) for label in plain]


def _is_one(label: Any) -> bool:
    return getattr(label, "ndim", 0) == 0


def _same_count(what: str, found: Sequence[Any], count: int) -> None:
    if len(found) != count:
        raise SessionError(f"there are {len(found)} {what} for {count} images: features are (images, width)")


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS_PER_FILE) for start in range(0, count, _ROWS_PER_FILE))
