"""The images of a session whose tokens the lenses are fitted to and measured on."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.excluded_images import NoImagesError, why_empty
from subspacelens_tui.analysis.layers import layer_of
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.token_images import BadTokensError, TokenImages
from subspacelens_tui.sessions import Session
from subspacelens_tui.sparse import Groups, SparseError, split_images

# Cells of the position lens; more would leave few tokens to each.
_CELLS_A_SIDE = 8


class SparseSample:
    """Images with tokens, fitted on and held out.

    Args:
        session: recorded with tokens.
        settings: resolved.
        bad_tokens: as of `TokenImages`.

    Attributes:
        settings: resolved.
        tokens: of the images, by layer.
        split: which are fitted on and which are held out.
        cells: (N, T) the cell of each token; or why there are none.

    Raises:
        NoImagesError: there are too few.
    """

    def __init__(self, session: Session, settings: Settings, bad_tokens: Mapping[int, int]) -> None:
        self.settings = settings
        self.tokens = TokenImages(session, settings, bad_tokens)
        if not len(self.tokens):
            raise NoImagesError(f"{session.name}: {self.tokens.why_empty()}")
        images = self.tokens.images
        groups = Groups(np.asarray(images.seeds), np.asarray(images.prompts), self.tokens.codes)
        try:
            self.split = split_images(groups, settings.seed)
        except SparseError as error:
            raise NoImagesError(f"{session.name}: {error}") from None
        self.cells = position_cells(self.tokens.positions, self.tokens.counts)

    @property
    def fitted(self) -> tuple[int, ...]:
        """Indices of the images of the session that are fitted on."""
        return tuple(self.tokens.indices[self.split.train].tolist())

    @property
    def held_out(self) -> tuple[int, ...]:
        """Indices of those that are held out."""
        return tuple(self.tokens.indices[self.split.test].tolist())


def finite_sample(session: Session, settings: Settings, layers: Sequence[int]) -> SparseSample:
    """The images whose tokens are finite in all of these layers.

    Raises:
        SettingsError, NoImagesError, SessionError: as of `sparse_comparison`.
    """
    bad_tokens: dict[int, int] = {}
    while True:
        sample = SparseSample(session, settings, bad_tokens)
        try:
            for layer in layers:
                sample.tokens.tokens(layer)
            return sample
        except BadTokensError as error:
            bad_tokens |= error.layers


def wanted_layers(session: Session, layers: Sequence[int] | None) -> tuple[int, ...]:
    """Where the blocks that were asked for are among those that are recorded; all.

    Args:
        session: recorded with tokens.
        layers: numbers of blocks in the model.

    Raises:
        SettingsError: the session has no tokens, or no such layer.
        NoImagesError: it has no layers yet.
    """
    if session.manifest.tokens is None:
        raise SettingsError(
            f"{session.name} has no tokens: `subspacelens-tui record --tokens` records a session with some"
        )
    if not session.manifest.blocks:
        raise NoImagesError(f"{session.name}: {why_empty(session, None, (), None)}")
    numbers = session.manifest.block_numbers if layers is None else layers
    return tuple(layer_of(session.manifest, number) for number in numbers)


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
