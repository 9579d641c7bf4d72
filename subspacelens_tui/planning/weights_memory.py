"""How much memory a pipeline's weights take, from the headers of their files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from subspacelens_tui.models.checkpoint import part_for
from subspacelens_tui.planning.weight_headers import (
    Shapes,
    denoisers_of,
    parts_of,
    shapes_by_part,
    shapes_in,
    text_encoders_of,
    weight_files,
    weights_in,
)

ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
# Of quantised weights, with their scales.
_QUANTISED_BYTES = {"int8": 1.01, "bnb-int8": 1.01, "bnb-nf4": 0.57}

# PixArt-XL-2-512x512 and T5-XXL's encoder, for models that are not on this machine yet.
_PIXART_XL = {"denoiser": 611_000_000, "vae": 83_653_863, "text_encoder": 4_762_310_656}


@dataclass(frozen=True)
class Weights:
    """Bytes of the parts of a pipeline in the precision asked for, of several text encoders together.

    `assumed` where they are not on this machine, or no safetensors files: then they are those of a PixArt-XL.
    """

    denoiser: int
    vae: int
    text_encoder: int
    assumed: bool = False


def weights(
    denoiser: Path | None, others: Path | None, variant: str | None, dtype: str, quantize: str | None = None
) -> Weights:
    """The weights of a pipeline whose denoiser and other parts are in subfolders of these.

    Args:
        denoiser: a folder of a pipeline, or a file of weights, perhaps of all parts.
        others: a folder of a pipeline.
        variant: of the denoiser, and of the others if they are in the same folder.
        dtype: in which they are kept.
        quantize: how the denoiser is quantised.
    """
    item = ITEM_BYTES[dtype]
    of_others = variant if others == denoiser else None
    try:
        if others is None:
            raise FileNotFoundError("the other parts")
        in_file = shapes_by_part(denoiser)
        encoders = [shapes for part, shapes in in_file.items() if part not in ("denoiser", "vae")]
        encoders += [
            shapes_in(weight_files(part, of_others))
            for part in text_encoders_of(others)
            if not in_file or part_for(part.name, _class_in(part)) not in in_file
        ]
        # Some work on pixels, or call their VAE otherwise: it is small.
        vaes = [in_file["vae"]] if "vae" in in_file else []
        vaes = vaes or [shapes_in(weight_files(part, of_others)) for part in parts_of(others, "vae")]
        of_one, alone = _QUANTISED_BYTES.get(quantize or "", item), in_file.get("denoiser")
        return Weights(
            denoiser=int(of_one * weights_in(alone)) if alone else _of_denoiser(denoiser, variant, of_one),
            vae=sum(weights_in(shapes) * item for shapes in vaes),
            text_encoder=sum(_of_text_encoder(shapes, dtype) for shapes in encoders),
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        # What is wrong with a model is said when it is loaded.
        return Weights(**{part: count * item for part, count in _PIXART_XL.items()}, assumed=True)


def _class_in(part: Path) -> str:
    """Of a text encoder, by its configuration."""
    configured = json.loads((part / "config.json").read_text(encoding="utf-8"))
    return str(configured.get("architectures", [""])[0])


def _of_denoiser(place: Path | None, variant: str | None, item: float) -> int:
    if place is not None and place.is_file():
        return place.stat().st_size
    parts: Sequence[Path] = denoisers_of(place)
    if not parts:
        raise FileNotFoundError("the denoiser")
    return sum(int(item * weights_in(shapes_in(weight_files(part, variant)))) for part in parts)


def _of_text_encoder(shapes: Shapes, dtype: str) -> int:
    # T5 keeps these in float32, because they overflow in float16.
    kept = {name: shape for name, shape in shapes.items() if name.endswith(".wo.weight")}
    more = ITEM_BYTES["float32"] - ITEM_BYTES[dtype] if dtype == "float16" else 0
    return weights_in(shapes) * ITEM_BYTES[dtype] + weights_in(kept) * more
