"""How much disk a recording will take."""

from subspacelens_tui.planning.pipeline_shape import PictureShape, TransformerShape
from subspacelens_tui.planning.steps import captured_at_most
from subspacelens_tui.sessions.format import Manifest

_BYTES = 4  # features are float32
# WebP at the quality they are kept with; more for pictures full of detail.
_PICTURE_BYTES_PER_PIXEL = 0.3
_LARGEST_PICTURE = 256


def feature_bytes(manifest: Manifest, shape: TransformerShape, tokens: int | None = None) -> int:
    """Bytes that all feature files take at most; `tokens` of each image and block default: as planned."""
    kept = tokens if tokens is not None else manifest.tokens or 0
    passes = sum(len(manifest.branches_at(image.guidance)) for image in manifest.images) * captured_at_most(
        manifest
    )
    # The input of the first block, and of each block mean and tokens.
    vectors = 1 + recorded_blocks(manifest, shape) * (1 + kept)
    return passes * vectors * shape.width * _BYTES


def recorded_blocks(manifest: Manifest, shape: TransformerShape) -> int:
    """How many blocks are recorded of a model of a shape."""
    return shape.blocks if manifest.layers is None else len(manifest.layers)


def picture_bytes(manifest: Manifest, picture: PictureShape) -> int:
    """About the bytes of all pictures that are kept."""
    side = min(picture.side, _LARGEST_PICTURE)
    return int(len(manifest.images) * side**2 * _PICTURE_BYTES_PER_PIXEL)
