"""The images whose tokens are looked at: their classes, their permuted labels, their tokens by layer."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.classes import ordered_classes
from subspacelens_tui.analysis.excluded_images import left_out_lines, why_empty
from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.incremental_grams import Configuration, GrowingGrams
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.uncertainty.permutation import labelings_of
from subspacelens_tui.analysis.used_images import unused_lines, used_prompts
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.caveats import notable_lines


class BadTokensError(Exception):
    """Tokens are not finite although the means over all tokens are.

    Attributes:
        layers: image → the layer at which that was seen.
    """

    def __init__(self, layers: dict[int, int]) -> None:
        super().__init__(layers)
        self.layers = layers


class TokenImages:
    """The images of a session that have tokens.

    Args:
        session: recorded with tokens.
        settings: resolved.
        bad_tokens: images to leave out as well, since a token is not finite, each with the first such layer.

    Attributes:
        images: which they are, in recording order.
        classes: the classes that occur.
        sizes: images of each class.
        codes: (N,) the classes of the images, indices into `classes`.
        counts: (N,) how many tokens each image has, of which a sample was kept.
        positions: (N, T) which tokens these are.
        labelings: permuted labels; why there are none; or None if none were asked for.
        left_out: the images that are not finite, if any.
    """

    def __init__(
        self, session: Session, settings: Settings, bad_tokens: Mapping[int, int] | None = None
    ) -> None:
        assert settings.step is not None
        assert settings.guidance is not None
        self._session, self._settings = session, settings
        # What is left out of the means is left out here: a mean that is not finite is of such tokens.
        where = Configuration(settings.branch, settings.step, settings.guidance)
        self._growing = GrowingGrams(session, where, settings.seed)
        self._growing.extend()
        self._growing.not_finite.add(dict(bad_tokens or {}))
        images, bad = self._growing.images, self._growing.not_finite.layers
        order = self._growing.order(settings.images)
        used = used_prompts(session.manifest, settings)
        asked = [position for position in order if images[position] not in bad]
        self._unused = tuple(unused_lines(session.manifest, settings, [images[at] for at in asked]))
        self._positions = [at for at in asked if session.manifest.images[images[at]].prompt in used]
        self.left_out = self._growing.not_finite.summary(sum(image not in bad for image in images))
        kept = [images[position] for position in self._positions]
        self._kept = kept
        self._rows = np.searchsorted(session.images(settings.guidance), kept)
        positions, counts = session.token_positions(settings.guidance)
        self.positions, self.counts = positions[self._rows], counts[self._rows]
        self.images = self._describe(kept)
        self.classes = ordered_classes(session.manifest, settings.labels or "", set(self.images.labels))
        self.sizes = tuple(self.images.labels.count(name) for name in self.classes)
        self.codes = np.asarray([self.classes.index(name) for name in self.images.labels], dtype=np.int64)
        # The labels of images, never of tokens: those of one image are not exchangeable with others.
        self.labelings = labelings_of(self.images, settings) if len(self.classes) > 1 else None

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        """Which images of the session they are (N,)."""
        return np.asarray(self._kept, dtype=np.int64)

    def tokens(self, layer: int) -> npt.NDArray[np.float32]:
        """The tokens (N, T, d) of a layer.

        Raises:
            BadTokensError: if one is not finite although the mean over all is.
            SessionError: if a file cannot be read.
        """
        settings = self._settings
        every = self._session.raw_tokens(layer, settings.branch, settings.step, settings.guidance)
        found: npt.NDArray[np.float32] = every if len(every) == len(self) else every[self._rows]
        finite = np.isfinite(found.reshape(len(found), -1)).all(axis=1)
        if not finite.all():
            raise BadTokensError({self._kept[place]: layer for place in np.flatnonzero(~finite)})
        return found

    def means(self, layer: int) -> npt.NDArray[np.float32]:
        """The means over all tokens (N, 1, d) of a layer, as if they were the one token of each image."""
        return self._growing.features(layer, self._positions).T[:, None].astype(np.float32)

    def notes(self) -> Iterator[str]:
        """What the reader of the metrics should know."""
        yield from self._unused
        yield from notable_lines(self._session.manifest)
        count = len(self) * (self._session.manifest.tokens or 0)
        width = max((block.width for block in self._session.manifest.blocks), default=0)
        if 0 < count < width:
            yield f"{count} tokens < d = {width}: ranks are at most {count}"

    def losses(self) -> tuple[str, ...]:
        """What these metrics are not of although it was recorded."""
        return left_out_lines(self._session, self._growing.problems, self.left_out)

    def why_empty(self) -> str:
        """Why there is no image."""
        return why_empty(self._session, self._settings.guidance, self._growing.problems, self.left_out)

    def _describe(self, kept: list[int]) -> Images:
        manifest, scheme = self._session.manifest, self._settings.labels
        assert scheme is not None
        images = [manifest.images[image] for image in kept]
        labels = {
            name: [manifest.prompts[image.prompt].labels[name] for image in images]
            for name in manifest.label_schemes
        }
        return Images(
            prompts=[image.prompt for image in images],
            seeds=[image.seed for image in images],
            labels=labels[scheme],
            other_labels=[others for name, others in labels.items() if name != scheme],
        )
