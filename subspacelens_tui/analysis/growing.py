"""Features and Gram matrices of all layers that grow with the session: a new image costs one row each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry import GeometryError, hoyer_from_norms
from subspacelens_tui.sessions import Branch, Session, SessionError
from subspacelens_tui.sessions.features import FeatureFile

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Configuration:
    """What the features of a session depend on, apart from the image: one point of a sweep."""

    branch: Branch
    step: int
    guidance: float


class GrowingGrams:
    """All layers at one configuration.

    Attributes:
        images: indices of the images taken in, in order of arrival.
        left_out: image → why its features cannot be used.
        problems: one line for each file that cannot be read.
    """

    def __init__(self, session: Session, configuration: Configuration) -> None:
        self._session = session
        self._configuration = configuration
        self._files_seen: set[str] = set()
        self._blocks = session.manifest.blocks
        self.images: list[int] = []
        self.left_out: dict[int, str] = {}
        self.problems: list[str] = []
        self._features = [np.empty((0, block.width), dtype=np.float32) for block in self._blocks]
        self._grams = np.empty((len(self._blocks), 0, 0))
        self._hoyer = np.empty((len(self._blocks), 0))

    def extend(self) -> None:
        """Take in the feature files that are new, in one product: a finished session is opened in one go."""
        old = len(self.images)
        for file in self._session.files_of(self._configuration.guidance):
            if file.path.name in self._files_seen:
                continue
            self._files_seen.add(file.path.name)
            try:
                self._take(file)
            except SessionError as error:
                self.problems.append(str(error))
        if len(self.images) > old:
            self._multiply(old)

    def _take(self, file: FeatureFile) -> None:
        """Take in the images of a file that can be used, with their features."""
        where = self._configuration
        rows = self._session.read(file, where.branch, where.step, range(len(self._blocks)))
        images = [file.images[row] for row in file.rows]
        usable = self._usable(images, rows)
        old = len(self.images)
        self.images += [image for image, ok in zip(images, usable, strict=True) if ok]
        self._make_room(old)
        for held, features in zip(self._features, rows, strict=True):
            held[old : len(self.images)] = features if usable.all() else features[usable]

    def _usable(self, images: list[int], rows: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.bool_]:
        """Which images are finite in every block; an image is in all layers or in none."""
        finite = np.stack([np.isfinite(features).all(axis=1) for features in rows])
        for column in np.flatnonzero(~finite.all(axis=0)):
            block = self._blocks[int(np.argmin(finite[:, column]))].name
            self.left_out[images[column]] = f"not finite in block {block} at step {self._configuration.step}"
        return np.asarray(finite.all(axis=0))

    def _multiply(self, old: int) -> None:
        """Fill in the rows of the Gram matrices for the images from `old` on."""
        n = len(self.images)
        for layer, held in enumerate(self._features):
            # float64: on a collapsed spectrum with massive dimensions a float32 Gram gave R 653 for 517.
            every = held[:n].astype(np.float64)
            cross = every @ every[old:].T
            self._grams[layer, :n, old:n] = cross
            self._grams[layer, old:n, :old] = cross[:old].T
            self._hoyer[layer, old:n] = _hoyer(held[old:n], np.diagonal(cross[old:]))

    def _make_room(self, held: int) -> None:
        """Room for all images, of which the features of the first so many are held."""
        capacity, wanted = self._grams.shape[1], len(self.images)
        if wanted <= capacity:
            return
        # All that is recorded; then doubling keeps the copying linear, up to what is planned.
        scale = self._configuration.guidance
        planned = sum(image.guidance == scale for image in self._session.manifest.images)
        recorded = len(self._session.images(scale))
        capacity = min(max(wanted, recorded, 2 * capacity), max(planned, wanted))
        layers = len(self._blocks)
        grams, hoyer = np.empty((layers, capacity, capacity)), np.empty((layers, capacity))
        grams[:, :held, :held] = self._grams[:, :held, :held]
        hoyer[:, :held] = self._hoyer[:, :held]
        self._grams, self._hoyer = grams, hoyer
        self._features = [_longer(features[:held], capacity) for features in self._features]

    def order(self, first: int | None = None) -> list[int]:
        """Positions of the images in recording order; only of the first so many if given."""
        return sorted(range(len(self.images)), key=self.images.__getitem__)[:first]

    def grams(self, positions: list[int]) -> Float64Array:
        """Gram matrices (layers, n, n) of the images at these positions."""
        if positions == list(range(len(positions))):
            return self._grams[:, : len(positions), : len(positions)]
        picked: Float64Array = self._grams[:, positions][:, :, positions]
        return picked

    def features(self, layer: int, positions: list[int]) -> Float64Array:
        """Features (d, n) of a layer, of the images at these positions."""
        return self._features[layer][positions].T.astype(np.float64)

    def hoyer(self, positions: list[int]) -> Float64Array:
        """Hoyer sparsity (layers, n) of the images at these positions; NaN where an image is all zero."""
        picked: Float64Array = self._hoyer[:, positions]
        return picked


def _hoyer(features: npt.NDArray[np.float32], squares: Float64Array) -> Float64Array:
    """Hoyer sparsity (n,) of rows (n, width) whose squared norms the Gram matrix has already."""
    absolute = np.abs(features).sum(axis=1, dtype=np.float64)
    try:
        values: Float64Array = hoyer_from_norms(absolute, np.sqrt(squares), features.shape[1])
    except GeometryError:
        return np.full(len(features), np.nan)
    return values


def _longer(rows: npt.NDArray[np.float32], capacity: int) -> npt.NDArray[np.float32]:
    longer = np.empty((capacity, rows.shape[1]), dtype=np.float32)
    longer[: len(rows)] = rows
    return longer
