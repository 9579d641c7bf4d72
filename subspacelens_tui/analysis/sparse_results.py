"""The lenses of `subspacelens_tui.sparse` on the tokens of a session, layer by layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.analyzer import timestep_of
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.layers import layer_of
from subspacelens_tui.analysis.left_out import NoImagesError, why_empty
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.token_images import BadTokensError, TokenImages
from subspacelens_tui.sessions import Session
from subspacelens_tui.sparse import (
    Comparison,
    Groups,
    SparseError,
    Split,
    Tokens,
    Verdict,
    compare_lenses,
    judge,
    split_images,
)

# Cells of the position lens; more would leave few tokens to each.
_CELLS_A_SIDE = 8


@dataclass(frozen=True)
class SparseLayer:
    """One layer.

    Attributes:
        layer: number of the block in the model.
        name, width: of it.
        found: its lenses; or why there are none.
        verdict: of them.
    """

    layer: int
    name: str
    width: int
    found: Comparison | str
    verdict: Verdict


@dataclass(frozen=True)
class SparseResult:
    """The layers that were asked for.

    Attributes:
        settings: resolved.
        distortion: at which rates are compared.
        timestep: at the step of the settings, where it is known.
        tokens: of each image.
        split: which images were fitted on and which held out.
        classes: names.
        layers: in the order of the model.
        notes, losses: as of `Result`.
    """

    settings: Settings
    distortion: float
    timestep: float | None
    tokens: int
    split: Split
    classes: tuple[str, ...]
    layers: tuple[SparseLayer, ...]
    notes: tuple[str, ...]
    losses: tuple[str, ...]


def sparse_comparison(
    session: Session,
    settings: Settings,
    distortion: float = 0.1,
    layers: Sequence[int] | None = None,
    on_layer: Callable[[int, int], None] = lambda done, total: None,
) -> SparseResult:
    """Fit the lenses on some images, and code the tokens of others.

    Args:
        session: recorded with tokens.
        settings: labels, branch, step, guidance and random seed apply.
        distortion: mean squared error as a share of the variance.
        layers: which, by the numbers of their blocks in the model; all.
        on_layer: called with the layers done and their total after each: this takes seconds a layer.

    Raises:
        SettingsError: the session has no tokens or lacks what is asked, or the distortion is not between 0
            and 1.
        NoImagesError: there are no images, or too few to hold some out.
        SessionError: the tokens cannot be read.
    """
    if not 0 < distortion < 1:
        raise SettingsError(
            f"the distortion must be between 0 and 1, a share of the variance, not {distortion:g}"
        )
    if session.manifest.tokens is None:
        raise SettingsError(
            f"{session.name} has no tokens: `subspacelens-tui record --tokens` records a session with some"
        )
    if not session.manifest.blocks:
        raise NoImagesError(f"{session.name}: {why_empty(session, None, (), None)}")
    settings = settings.resolve(session)
    numbers = session.manifest.block_numbers if layers is None else layers
    wanted = tuple(layer_of(session.manifest, number) for number in numbers)
    bad_tokens: dict[int, int] = {}
    while True:
        try:
            return _of_finite(session, settings, distortion, wanted, bad_tokens, on_layer)
        except BadTokensError as error:
            # An image is in all layers or none.
            bad_tokens |= error.layers


def _of_finite(
    session: Session,
    settings: Settings,
    distortion: float,
    wanted: tuple[int, ...],
    bad_tokens: dict[int, int],
    on_layer: Callable[[int, int], None],
) -> SparseResult:
    sample = TokenImages(session, settings, bad_tokens)
    if not len(sample):
        raise NoImagesError(f"{session.name}: {sample.why_empty()}")
    groups = Groups(np.asarray(sample.images.seeds), np.asarray(sample.images.prompts), sample.codes)
    try:
        split = split_images(groups, settings.seed)
    except SparseError as error:
        raise NoImagesError(f"{session.name}: {error}") from None
    cells = position_cells(sample.positions, sample.counts)
    found = []
    with one_blas_thread():
        for done, layer in enumerate(wanted, 1):
            found.append(_layer(session, sample, layer, split, cells, settings, distortion))
            on_layer(done, len(wanted))
    return SparseResult(
        settings=settings,
        distortion=distortion,
        timestep=timestep_of(session, settings),
        tokens=sample.positions.shape[1],
        split=split,
        classes=sample.classes,
        layers=tuple(found),
        notes=tuple(sample.notes()),
        losses=sample.losses(),
    )


def _layer(
    session: Session,
    sample: TokenImages,
    layer: int,
    split: Split,
    cells: npt.NDArray[np.int64] | str,
    settings: Settings,
    distortion: float,
) -> SparseLayer:
    block, number = session.manifest.blocks[layer], session.manifest.block_numbers[layer]
    try:
        tokens = Tokens(sample.tokens(layer), split, cells)
        found = compare_lenses(tokens, distortion, settings.seed)
    except SparseError as error:
        return SparseLayer(number, block.name, block.width, str(error), Verdict("undecided", str(error)))
    return SparseLayer(number, block.name, block.width, found, judge(found))


def position_cells(
    positions: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | str:
    """The cell of each token (N, T), of 8 × 8 where the tokens of an image are a square, else of 64 runs of
    tokens.

    Args:
        positions: (N, T) which tokens they are.
        counts: (N,) how many there were.

    Returns:
        Cells from 0; or why there are none: images of several sizes.
    """
    if len(np.unique(counts)) > 1:
        return "the images have different numbers of tokens, so that one position is not one place"
    count, side = int(counts[0]), round(float(counts[0]) ** 0.5)
    cells = min(_CELLS_A_SIDE, side)
    if side**2 == count:
        rows, columns = positions // side, positions % side
        return np.asarray(rows * cells // side * cells + columns * cells // side, dtype=np.int64)
    runs = min(_CELLS_A_SIDE**2, count)
    return np.asarray(positions * runs // count, dtype=np.int64)
