"""Names and shapes of a pipeline's weights, from the headers of their files."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors import safe_open

from subspacelens_tui.models.checkpoint import part_of
from subspacelens_tui.models.weight_files import chosen, weight_sets

Shapes = Mapping[str, tuple[int, ...]]
"""The shape of each tensor by its name."""

_DENOISERS = ("transformer", "unet")
_TEXT_ENCODERS = "text_encoder"
# How names of what turns latents into pictures begin, and those of files of diffusers' own models.
_DECODERS = ("vae", "vq", "movq")
_OF_DIFFUSERS = "diffusion_pytorch_model"


def parts_of(folder: Path | None, prefixes: str | tuple[str, ...]) -> list[Path]:
    """The folders of a pipeline's parts whose names begin so."""
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name.startswith(prefixes))


def denoisers_of(folder: Path | None) -> list[Path]:
    """The folders of its denoisers, of which some have two; if none has the name, the largest model."""
    if named := parts_of(folder, _DENOISERS):
        return named
    models = {
        part: sum(file.stat().st_size for file in part.glob(f"{_OF_DIFFUSERS}*"))
        for part in parts_of(folder, "")
        if not part.name.startswith(_DECODERS)
    }
    largest = max(models, key=lambda part: models[part], default=None)
    return [largest] if largest is not None and models[largest] else []


def text_encoders_of(folder: Path | None) -> list[Path]:
    """The folders of its text encoders."""
    return parts_of(folder, _TEXT_ENCODERS)


def weight_files(part: Path, variant: str | None) -> list[Path]:
    """The files that hold a part's weights; other variants lie beside them.

    Raises:
        OSError: if there are none.
    """
    weights = chosen(weight_sets(path.name for path in part.iterdir()), [variant, None], pickles=False)
    if weights is None:
        raise FileNotFoundError(part)
    names: Iterable[str] = weights.files
    if weights.index is not None:
        names = set(json.loads((part / weights.index).read_text(encoding="utf-8"))["weight_map"].values())
    return [part / str(name) for name in sorted(names)]


def shapes_in(files: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """The tensors in safetensors files.

    Raises:
        SafetensorError: if one is damaged.
        OSError: if one cannot be read.
    """
    found: dict[str, tuple[int, ...]] = {}
    for path in files:
        with safe_open(path, "numpy") as file:
            found |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return found


def shapes_by_part(place: Path | None) -> Mapping[str, Shapes]:
    """The weights in a safetensors file: "denoiser", and others by `part_of` where it has them.

    Raises:
        SafetensorError: if it is damaged.
        OSError: if it cannot be read.
    """
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    if place is not None and place.suffix == ".safetensors":
        for name, shape in shapes_in([place]).items():
            found.setdefault(part_of(name) or "denoiser", {})[name] = shape
    return found


def weights_in(shapes: Shapes) -> int:
    """How many numbers they are."""
    return sum(math.prod(shape) for shape in shapes.values())
