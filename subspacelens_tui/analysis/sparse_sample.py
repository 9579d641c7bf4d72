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
from subspacelens_tui.sparse.positions import less_position_means, position_cells


class SparseSample:
    """Images with tokens, fitted on and held out.

    Args:
        session: recorded with tokens.
        settings: resolved.
        bad_tokens: as of `TokenImages`.
        without_position: whether the mean at their position is subtracted from tokens.

    Attributes:
        settings: resolved.
        without_position: as asked.
        tokens: of the images, by layer.
        split: which are fitted on and which are held out.
        cells: (N, T) the cell of each token; or why there are none.

    Raises:
        NoImagesError: there are too few.
        SettingsError: position is to be removed, and one position is not one place.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        bad_tokens: Mapping[int, int],
        without_position: bool = False,
    ) -> None:
        self.settings, self.without_position = settings, without_position
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
        if without_position and isinstance(self.cells, str):
            raise SettingsError(f"{session.name}: {self.cells}: leave --without-position out")

    def values(self, layer: int) -> npt.NDArray[np.floating]:
        """The tokens (N, T, d) of a layer that the lenses code.

        Raises:
            BadTokensError, SessionError: as of `TokenImages.tokens`.
        """
        found = self.tokens.tokens(layer)
        if not self.without_position or isinstance(self.cells, str):
            return found
        return less_position_means(found, self.cells, self.split.train)

    @property
    def option(self) -> str:
        """What `sparse` is given for it besides, with a space before it; empty if nothing."""
        return " --without-position" if self.without_position else ""

    @property
    def fitted(self) -> tuple[int, ...]:
        """Indices of the images of the session that are fitted on."""
        return tuple(self.tokens.indices[self.split.train].tolist())

    @property
    def held_out(self) -> tuple[int, ...]:
        """Indices of those that are held out."""
        return tuple(self.tokens.indices[self.split.test].tolist())


def finite_sample(
    session: Session, settings: Settings, layers: Sequence[int], without_position: bool = False
) -> SparseSample:
    """The images whose tokens are finite in all of these layers.

    Raises:
        SettingsError, NoImagesError, SessionError: as of `sparse_comparison`.
    """
    bad_tokens: dict[int, int] = {}
    while True:
        sample = SparseSample(session, settings, bad_tokens, without_position)
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
