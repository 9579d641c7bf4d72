"""The images whose tokens are looked at: their classes, their permuted labels, their tokens by layer."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.classes import ordered_classes
from subspacelens_tui.analysis.growing import Configuration, GrowingGrams
from subspacelens_tui.analysis.nulls import Permutations
from subspacelens_tui.analysis.sample import Images
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.sessions import Session, SessionError


class TokenImages:
    """The images of a session that have tokens.

    Args:
        session: recorded with tokens.
        settings: resolved.

    Attributes:
        images: which they are, in recording order.
        classes: the classes that occur.
        sizes: images of each class.
        codes: (N,) the classes of the images, indices into `classes`.
        counts: (N,) how many tokens each image has, of which a sample was kept.
        labelings: (P, N) permuted codes; None without a null.
        no_null: why there is none although one was asked for.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        assert settings.step is not None
        assert settings.guidance is not None
        self._session, self._settings = session, settings
        # An image whose token mean is finite has finite tokens: what is left out there is left out here.
        where = Configuration(settings.branch, settings.step, settings.guidance)
        self._growing = GrowingGrams(session, where, settings.seed)
        self._growing.extend()
        self._positions = self._growing.order(settings.images)
        kept = [self._growing.images[position] for position in self._positions]
        self._rows = np.searchsorted(session.images(settings.guidance), kept)
        self.counts = session.token_positions(settings.guidance)[1][self._rows]
        self.images = self._describe(kept)
        self.classes = ordered_classes(session.manifest, settings.labels or "", set(self.images.labels))
        self.sizes = tuple(self.images.labels.count(name) for name in self.classes)
        self.codes = np.asarray([self.classes.index(name) for name in self.images.labels], dtype=np.int64)
        self.labelings: npt.NDArray[np.int64] | None = None
        self.no_null: str | None = None
        if settings.permutations and len(self.classes) > 1:
            assert settings.design is not None
            self._permute(Permutations(settings.design, settings.permutations, settings.seed))

    def __len__(self) -> int:
        return len(self._positions)

    def tokens(self, layer: int) -> npt.NDArray[np.float32]:
        """The tokens (N, T, d) of a layer.

        Raises:
            SessionError: if one is not finite, or a file cannot be read.
        """
        settings = self._settings
        every = self._session.tokens(layer, settings.branch, settings.step, settings.guidance)
        found: npt.NDArray[np.float32] = every if len(every) == len(self) else every[self._rows]
        if not np.isfinite(found).all():
            raise SessionError(f"{self._session.name} is damaged: a token of layer {layer} is not finite")
        return found

    def means(self, layer: int) -> npt.NDArray[np.float32]:
        """The means over all tokens (N, 1, d) of a layer, as if they were the one token of each image."""
        return self._growing.features(layer, self._positions).T[:, None].astype(np.float32)

    def left_out(self) -> list[list[int] | None]:
        """What the jackknife leaves out, kind by kind: the seeds or subjects of images; None for images."""
        known = {"seed": self.images.seeds, "subject": self.images.prompts}
        return [known.get(kind) for kind in (self._settings.errors or "").split("+")]

    def notes(self) -> Iterator[str]:
        """What the reader of the figures should know."""
        yield from self._session.problems
        yield from self._growing.problems
        if left_out := self._growing.left_out:
            image, why = next(iter(left_out.items()))
            yield f"{len(left_out)} images are left out, the first is image {image}: {why}"
        count = len(self) * (self._session.manifest.tokens or 0)
        width = max((block.width for block in self._session.manifest.blocks), default=0)
        if 0 < count < width:
            yield f"{count} tokens < d = {width}: ranks are at most {count}"

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

    def _permute(self, permutations: Permutations) -> None:
        # The labels of images, never of tokens: those of one image are not exchangeable with others.
        try:
            self.labelings = permutations.labelings(self.images)
        except GeometryError as error:
            self.no_null = str(error)
