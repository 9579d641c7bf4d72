"""How much disk a recording will take."""

from subspacelens_tui.planning.pipeline_shape import DenoiserShape, PictureShape
from subspacelens_tui.planning.steps import captured_at_most
from subspacelens_tui.sessions.format import Manifest

_BYTES = 4  # features are float32
# WebP at the quality they are kept with; more for pictures full of detail.
_PICTURE_BYTES_PER_PIXEL = 0.3
_LARGEST_PICTURE = 256


def feature_bytes(manifest: Manifest, shape: DenoiserShape, tokens: int | None = None) -> int:
    """Bytes that all feature files take at most; `tokens` of each image and block default: as planned."""
    passes = sum(len(manifest.branches_at(image.guidance)) for image in manifest.images) * captured_at_most(
        manifest
    )
    return passes * row_bytes(manifest, shape, tokens)


def row_bytes(manifest: Manifest, shape: DenoiserShape, tokens: int | None = None) -> int:
    """Bytes of one image in one pass: the input of the first block, and of each block mean and tokens."""
    kept = tokens if tokens is not None else manifest.tokens or 0
    numbers = range(len(shape.widths)) if manifest.layers is None else manifest.layers
    widths = [shape.widths[number] for number in numbers if number < len(shape.widths)] or [shape.width]
    return (widths[0] + sum(widths) * (1 + kept)) * _BYTES


def picture_bytes(manifest: Manifest, picture: PictureShape) -> int:
    """About the bytes of all pictures that are kept."""
    side = min(picture.side, _LARGEST_PICTURE)
    return int(len(manifest.images) * side**2 * _PICTURE_BYTES_PER_PIXEL)
