"""Whether a recording fits on its device, and how many images at a time."""

from dataclasses import dataclass, replace

from subspacelens_tui.models.source import ModelSource, at_hand
from subspacelens_tui.planning.call_arguments import picture_size
from subspacelens_tui.planning.device import Device, find_device
from subspacelens_tui.planning.disk_estimate import row_bytes
from subspacelens_tui.planning.pipeline_shape import (
    PIXART_XL,
    PIXART_XL_PICTURE,
    DenoiserShape,
    PictureShape,
    denoiser_shape,
    picture_shape,
)
from subspacelens_tui.planning.weights_memory import ITEM_BYTES, Weights, weights
from subspacelens_tui.sessions.byte_sizes import readable
from subspacelens_tui.sessions.format import Manifest

# Live tensors at the peak of a forward pass, counted on PixArt-XL's true architecture
# (tests/planning/test_memory_estimate.py): in the transformer in units of one block's tokens, in the decoder
# in units of its first channels at full size.
_TRANSFORMER_UNITS = 13
_DECODER_UNITS = 6
# For what is no tensor: a GPU's context and workspaces, an allocator's gaps.
_CONTEXT = {"cuda": 2**30}
_USABLE = 0.9

# On a GPU more images at a time cost nothing but patience; on a CPU they only make the first ones late.
_MOST = {"cuda": 64}
_MOST_ELSEWHERE = 5
_UNKNOWN_GPU = 8


@dataclass(frozen=True)
class MemoryEstimate:
    """What a recording needs of its device.

    Attributes:
        device: where it runs.
        dtype: precision of its weights.
        weights: what the parts of the pipeline take.
        decoding: bytes at the peak of decoding one picture.
        per_image: bytes that each further image of a batch takes.
        batch_size: images at a time: what was asked for, or as many as fit.
        shape, picture: of the pipeline, a PixArt-XL's where it is not known.
        offload: as of the session's model: weights on the device at a time are the largest part's, or few.
        assumed: whether something of this is a PixArt-XL's because the model is not on this machine.
    """

    device: Device
    dtype: str
    weights: Weights
    decoding: int
    per_image: int
    batch_size: int
    shape: DenoiserShape
    picture: PictureShape
    assumed: bool
    offload: str | None = None

    @property
    def fixed(self) -> int:
        """Bytes that generating takes however many images there are at a time."""
        if self.offload == "model":
            return max(self.weights.denoiser, self.weights.vae + self.decoding)
        if self.offload == "group":  # a layer's weights are a small part of what is allowed for
            return self.decoding
        return self.weights.denoiser + self.weights.vae + self.decoding

    @property
    def needed(self) -> int:
        """Bytes on the device while images are generated."""
        return self.fixed + self.batch_size * self.per_image

    @property
    def usable(self) -> int | None:
        """Bytes of the device that may be planned with; None if that is not known."""
        if self.device.free is None:
            return None
        return max(0, int(self.device.free * _USABLE) - _CONTEXT.get(self.device.kind, 0))

    @property
    def fits(self) -> bool | None:
        """Whether it fits; None if that is not known."""
        return None if self.usable is None else self.needed <= self.usable

    @property
    def text_encoder_fits(self) -> bool | None:
        """Whether the prompts can be encoded on the device; else that is done on the CPU."""
        return None if self.usable is None else self.weights.text_encoder <= self.usable

    @property
    def in_words(self) -> str:
        """How many images at a time need how much of which device, and whether that is there."""
        device = self.device.name
        if self.device.product != device:
            device += f" ({self.device.product})"
        line = f"{self.batch_size} images at a time need {readable(self.needed)} on {device} in {self.dtype}"
        return line if self.device.free is None else f"{line}; {readable(self.device.free)} are free"


def estimate_memory(manifest: Manifest) -> MemoryEstimate:
    """What a recording needs, and how many images at a time fit where its plan does not say."""
    model = manifest.model
    device = find_device(model.device)
    dtype = model.dtype or default_dtype(device.kind, device.bfloat16)
    source = ModelSource.of(model)
    denoiser = source.one_file or at_hand(model.id, model.revision)
    others = at_hand(model.components_from) if model.components_from else denoiser
    alone = source.one_file is not None  # then its configuration is with the others
    configured, whose = (others, model.components_from) if alone else (denoiser, model.id)
    shape = denoiser_shape(str(whose), model.revision, model.variant, source.one_file)
    size = picture_size(manifest.call)
    picture = picture_shape(configured, others, size)
    shape = _at_size(shape, size, picture, picture_shape(configured, others))
    parts = weights(denoiser, others, model.variant, dtype, model.quantize)
    one = MemoryEstimate(
        device=device,
        dtype=dtype,
        weights=parts,
        decoding=_decoding(picture or PIXART_XL_PICTURE, dtype),
        per_image=image_bytes(manifest, shape or PIXART_XL, picture or PIXART_XL_PICTURE, dtype),
        batch_size=manifest.batch_size or 1,
        shape=shape or PIXART_XL,
        picture=picture or PIXART_XL_PICTURE,
        assumed=parts.assumed or shape is None or picture is None,
        offload=model.offload,
    )
    return one if manifest.batch_size else replace(one, batch_size=_as_many_as_fit(one, len(manifest.images)))


def _at_size(
    shape: DenoiserShape | None,
    size: tuple[int, int] | None,
    picture: PictureShape | None,
    own: PictureShape | None,
) -> DenoiserShape | None:
    """The shape where pictures of a size are asked for: image tokens grow with the area."""
    if shape is None or picture is None:
        return shape
    if shape.tokens is None or own is None:
        return replace(shape, tokens=picture.tokens)
    if size is None:
        return shape
    return replace(shape, tokens=max(1, shape.tokens * size[0] * size[1] // own.side**2))


def default_dtype(kind: str, bfloat16: bool) -> str:
    """The precision where none is asked for: bfloat16 on a GPU that has it, else float32."""
    return "bfloat16" if kind == "cuda" and bfloat16 else "float32"


def _as_many_as_fit(one: MemoryEstimate, images: int) -> int:
    most = min(_MOST.get(one.device.kind, _MOST_ELSEWHERE), images)
    if one.usable is None:
        return min(most, _UNKNOWN_GPU)
    held = (one.usable - one.fixed) // one.per_image
    if held >= most:
        return most
    return 1 << (max(1, held).bit_length() - 1)


def image_bytes(manifest: Manifest, shape: DenoiserShape, picture: PictureShape, dtype: str) -> int:
    """Bytes on the device that each image of a batch takes while it is generated."""
    rows = len(manifest.branches)
    stream = (shape.tokens or PIXART_XL_PICTURE.tokens) * shape.width * ITEM_BYTES[dtype]
    return rows * (_TRANSFORMER_UNITS * stream + row_bytes(manifest, shape)) + 3 * picture.side**2 * 4


def _decoding(picture: PictureShape, dtype: str) -> int:
    # Pictures are decoded one by one, so this does not grow with the batch.
    return _DECODER_UNITS * picture.channels * picture.side**2 * ITEM_BYTES[dtype]
