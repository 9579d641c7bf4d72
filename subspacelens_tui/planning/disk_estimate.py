"""How much disk a recording will take."""

from subspacelens_tui.planning.pipeline_shape import DenoiserShape, PictureShape
from subspacelens_tui.planning.steps import captured_at_most
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.moments_file import groups_of
from subspacelens_tui.steering.examples import ORDER_OF_ALL

_BYTES, _SUM_BYTES = 4, 8  # features are float32, sums over tokens float64
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


def moments_bytes(manifest: Manifest, shape: DenoiserShape) -> tuple[int, int]:
    """Bytes of the sums over tokens, on disk; and in memory, where those of a batch lie beside all."""
    layers = manifest.summed_layers(len(shape.widths))
    if layers is None:
        return 0, 0
    cosines = min(ORDER_OF_ALL**2, shape.tokens or ORDER_OF_ALL**2)
    widths = [shape.widths[layer] for layer in layers if layer < len(shape.widths)]
    a_group = sum(2 * width * (width + cosines) for width in widths) * captured_at_most(manifest) * _SUM_BYTES
    groups = len(set(groups_of(manifest)))
    return a_group * groups, a_group * (groups + min(groups, manifest.batch_size or groups))


def picture_bytes(manifest: Manifest, picture: PictureShape) -> int:
    """About the bytes of all pictures that are kept."""
    side = min(picture.side, _LARGEST_PICTURE)
    return int(len(manifest.images) * side**2 * _PICTURE_BYTES_PER_PIXEL)
