"""Features and Gram matrices of all layers that grow with the session: a new image costs one row each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.excluded_images import LeftOut, NotFiniteImages
from subspacelens_tui.analysis.image_subset import LEAST_IMAGES, Draw, most_images
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.statistics.columns import Columns, Float64Array, values_of
from subspacelens_tui.sessions import Branch, Session, SessionError
from subspacelens_tui.sessions.features import FeatureFile
from subspacelens_tui.sessions.files import Stamp


@dataclass(frozen=True)
class Configuration:
    """What the features of a session depend on, apart from the image: one point of a sweep."""

    branch: Branch
    step: int
    guidance: float


class GrowingGrams:
    """All layers at one configuration, of all images or of a seeded subset where there are too many.

    Args:
        session: with blocks.
        configuration: what features.
        seed: of the subset.

    Attributes:
        images: indices of the images taken in, in order of arrival.
        recorded: how many there are to take from.
        version: changes whenever `images` does.
        not_finite: the images whose features are not finite, and so are not taken in.
    """

    def __init__(self, session: Session, configuration: Configuration, seed: int = 0) -> None:
        self._session = session
        self._configuration = configuration
        self._known: int | None = None
        self._blocks = session.manifest.blocks
        self._most = most_images([block.width for block in self._blocks])
        if self._most < LEAST_IMAGES:
            raise SessionError(
                f"{session.name} has {sum(block.width for block in self._blocks)} features an image: "
                "there is no room for two of them"
            )
        self._draw = Draw(session.manifest, configuration.guidance, seed)
        self.images: list[int] = []
        self.recorded = 0
        self.version = 0
        self.not_finite = NotFiniteImages(session, configuration.step, configuration.branch)
        self._sources: dict[int, tuple[str, Stamp]] = {}
        self._broken: dict[tuple[str, Stamp], str] = {}
        self._features = [np.empty((0, block.width), dtype=np.float32) for block in self._blocks]
        self._inputs: dict[int, npt.NDArray[np.float32]] = {}
        self._grams = np.empty((len(self._blocks), 0, 0))
        self._columns = {metric.key: np.empty((len(self._blocks), 0)) for metric in METRICS.means}

    @property
    def left_out(self) -> LeftOut | None:
        """The images that are not finite, if any."""
        return self.not_finite.summary(len(self.images))

    @property
    def is_subset(self) -> bool:
        """Whether there are more images than are taken in."""
        return self.recorded > self._most

    @property
    def problems(self) -> list[str]:
        """One line for each file that cannot be read."""
        return list(self._broken.values())

    def extend(self) -> None:
        """Take in the feature files that are new, in one product: a finished session is opened in one go."""
        if self._session.version == self._known:
            return
        self._known = self._session.version
        files = self._session.files_of(self._configuration.guidance)
        gone = self._forget_changed(files)
        recorded = self._session.images(self._configuration.guidance)
        self.recorded = len(recorded)
        wanted = self._draw.first(recorded, self._most)
        self._drop_all_but(wanted - gone)
        old = len(self.images)
        missing = wanted.difference(self.images, self.not_finite.layers)
        for file in files:
            rows = [row for row in file.rows if file.images[row] in missing]
            if not rows or file.key in self._broken:
                continue
            try:
                self._take(file, rows)
            except SessionError as error:
                self._broken[file.key] = str(error)
        if len(self.images) > old:
            self.version += 1
            self._multiply(old)

    def _forget_changed(self, files: list[FeatureFile]) -> set[int]:
        """Forget what was found in files that are not there now; returns the images that were in them."""
        keys = {file.key for file in files}
        held = {file.images[row]: file.key for file in files for row in file.rows}
        gone = {image for image, source in self._sources.items() if held.get(image) != source}
        for image in gone:
            del self._sources[image]
            self._inputs.pop(image, None)
        self.not_finite.forget(gone)
        self._broken = {key: why for key, why in self._broken.items() if key in keys}
        return gone

    def _drop_all_but(self, wanted: set[int]) -> None:
        """Let images go that others have taken the place of."""
        kept = [place for place, image in enumerate(self.images) if image in wanted]
        if len(kept) == len(self.images):
            return
        self.version += 1
        self.images = [self.images[place] for place in kept]
        for layer, held in enumerate(self._features):
            held[: len(kept)] = held[kept]
            self._grams[layer, : len(kept), : len(kept)] = self._grams[layer][np.ix_(kept, kept)]
            for values in self._columns.values():
                values[layer, : len(kept)] = values[layer, kept]

    def _take(self, file: FeatureFile, rows: list[int]) -> None:
        """Take in the images in some rows of a file, as far as they can be used, with their features."""
        where = self._configuration
        found = self._session.read(file, where.branch, where.step, range(len(self._blocks)), rows)
        images = [file.images[row] for row in rows]
        self._sources |= dict.fromkeys(images, file.key)
        usable = self.not_finite.usable(images, found)
        old = len(self.images)
        self.images += [image for image, ok in zip(images, usable, strict=True) if ok]
        self._make_room(old)
        for held, features in zip(self._features, found, strict=True):
            held[old : len(self.images)] = features if usable.all() else features[usable]

    def _multiply(self, old: int) -> None:
        """Fill in the rows of the Gram matrices for the images from `old` on."""
        n = len(self.images)
        for layer, held in enumerate(self._features):
            # float64: on a collapsed spectrum with massive dimensions a float32 Gram gave R 653 for 517.
            every = held[:n].astype(np.float64)
            cross = every @ every[old:].T
            self._grams[layer, :n, old:n] = cross
            self._grams[layer, old:n, :old] = cross[:old].T
            some = Columns(held[old:n], np.diagonal(cross[old:]))
            for key, values in self._columns.items():
                values[layer, old:n] = values_of(METRICS[key].compute, some)

    def _make_room(self, held: int) -> None:
        """Room for all images, of which the features of the first so many are held."""
        capacity, wanted = self._grams.shape[1], len(self.images)
        if wanted <= capacity:
            return
        # All that is recorded; then doubling keeps the copying linear, up to what is planned.
        scale = self._configuration.guidance
        planned = sum(image.guidance == scale for image in self._session.manifest.images)
        recorded = self.recorded
        capacity = min(max(wanted, recorded, 2 * capacity), max(planned, wanted), max(self._most, wanted))
        layers = len(self._blocks)
        grams = np.empty((layers, capacity, capacity))
        grams[:, :held, :held] = self._grams[:, :held, :held]
        self._grams = grams
        for key, values in self._columns.items():
            self._columns[key] = np.empty((layers, capacity))
            self._columns[key][:, :held] = values[:, :held]
        self._features = [_longer(features[:held], capacity) for features in self._features]

    def order(self, first: int | None = None) -> list[int]:
        """Positions of the images in recording order; only of those among the first so many if given."""
        positions = sorted(range(len(self.images)), key=self.images.__getitem__)
        if first is None or not self.is_subset:
            return positions[:first]
        last = self._session.images(self._configuration.guidance)[:first][-1]
        return [position for position in positions if self.images[position] <= last]

    def grams(self, positions: list[int]) -> Float64Array:
        """Gram matrices (layers, n, n) of the images at these positions."""
        if positions == list(range(len(positions))):
            return self._grams[:, : len(positions), : len(positions)]
        picked: Float64Array = self._grams[:, positions][:, :, positions]
        return picked

    def features(self, layer: int, positions: list[int]) -> Float64Array:
        """Features (d, n) of a layer, of the images at these positions."""
        return self._features[layer][positions].T.astype(np.float64)

    def inputs(self, positions: list[int]) -> Float64Array:
        """What the first block receives (d, n), of the images at these positions.

        Raises:
            SessionError: a file does not hold it, or not as wide as the others.
        """
        missing = {self.images[position] for position in positions} - self._inputs.keys()
        where = self._configuration
        for file in self._session.files_of(where.guidance) if missing else ():
            rows = [row for row in file.rows if file.images[row] in missing]
            if rows:
                found = self._session.read_input(file, where.branch, where.step, rows)
                self._inputs |= {file.images[row]: of for row, of in zip(rows, found, strict=True)}
        of_images = [self._inputs[self.images[position]] for position in positions]
        if len({len(of) for of in of_images}) != 1:
            raise SessionError("what the first block receives is not of one width in all files")
        return np.stack(of_images, axis=1).astype(np.float64)

    def features_at(self, layer: int, positions: list[int], branch: Branch, step: int) -> Float64Array:
        """Features (d, n) of the images at these positions on another branch or at another step, as read.

        Raises:
            SessionError: a file cannot be read.
        """
        wanted = {self.images[position]: place for place, position in enumerate(positions)}
        rows: npt.NDArray[np.float32] = np.full(
            (len(wanted), self._blocks[layer].width), np.nan, dtype=np.float32
        )
        for file in self._session.files_of(self._configuration.guidance):
            mine = [row for row in file.rows if file.images[row] in wanted]
            if mine:
                found = self._session.read(file, branch, step, [layer], mine)[0]
                rows[[wanted[file.images[row]] for row in mine]] = found
        return rows.T.astype(np.float64)

    def columns(self, positions: list[int]) -> dict[str, Float64Array]:
        """The metrics of single images (layers, n) at these positions; NaN where one has none."""
        return {key: values[:, positions] for key, values in self._columns.items()}


def _longer(rows: npt.NDArray[np.float32], capacity: int) -> npt.NDArray[np.float32]:
    longer = np.empty((capacity, rows.shape[1]), dtype=np.float32)
    longer[: len(rows)] = rows
    return longer
