"""How much memory a pipeline's weights take, from the headers of their files."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from subspacelens_tui.models.weight_files import chosen, weight_sets

ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}

# PixArt-XL-2-512x512 and T5-XXL's encoder, for models that are not on this machine yet.
_PIXART_XL = {"transformer": 611_000_000, "vae": 83_653_863, "text_encoder": 4_762_310_656}


@dataclass(frozen=True)
class Weights:
    """Bytes of the parts of a pipeline in the precision asked for.

    `assumed` where they are not on this machine, or no safetensors files: then they are those of a PixArt-XL.
    """

    transformer: int
    vae: int
    text_encoder: int
    assumed: bool = False


def weights(transformer: Path | None, others: Path | None, variant: str | None, dtype: str) -> Weights:
    """The weights of a pipeline whose transformer and other parts are in subfolders of these.

    `variant` is of the transformer, and of the others if they are in the same folder.
    """
    places = {"transformer": transformer, "vae": others, "text_encoder": others}
    try:
        return Weights(
            **{
                part: _bytes(folder, part, variant if folder == transformer else None, dtype)
                for part, folder in places.items()
            },
            assumed=False,
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        # What is wrong with a model is said when it is loaded.
        size = ITEM_BYTES[dtype]
        return Weights(**{part: count * size for part, count in _PIXART_XL.items()}, assumed=True)


def _bytes(folder: Path | None, part: str, variant: str | None, dtype: str) -> int:
    if folder is None:
        raise FileNotFoundError(part)
    return sum(_file_bytes(path, dtype) for path in _files(folder / part, variant))


def _files(folder: Path, variant: str | None) -> Iterator[Path]:
    """The files that hold a part's weights; other variants lie beside them."""
    weights = chosen(weight_sets(path.name for path in folder.iterdir()), [variant, None], pickles=False)
    if weights is None:
        raise FileNotFoundError(folder)
    names: Iterable[str] = weights.files
    if weights.index is not None:
        names = set(json.loads((folder / weights.index).read_text(encoding="utf-8"))["weight_map"].values())
    yield from (folder / str(name) for name in sorted(names))


def _file_bytes(path: Path, dtype: str) -> int:
    total = 0
    with safe_open(path, "numpy") as file:
        for name in file.keys():  # noqa: SIM118, it is no mapping
            count = 1
            for length in file.get_slice(name).get_shape():
                count *= length
            # T5 keeps these in float32, because they overflow in float16.
            kept = dtype == "float16" and name.endswith(".wo.weight")
            total += count * (4 if kept else ITEM_BYTES[dtype])
    return total
