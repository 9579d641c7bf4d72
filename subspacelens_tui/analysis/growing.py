"""Features and Gram matrices of all layers that grow with the session: a new image costs one row each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry import GeometryError, hoyer_of_images
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
        images: list[int] = []
        parts: list[list[npt.NDArray[np.float32]]] = []
        for file in self._session.files_of(self._configuration.guidance):
            if file.path.name in self._files_seen:
                continue
            self._files_seen.add(file.path.name)
            try:
                found, rows = self._read(file)
            except SessionError as error:
                self.problems.append(str(error))
                continue
            images += found
            parts.append(rows)
        if images:
            self._grow([np.concatenate(layer) for layer in zip(*parts, strict=True)], len(images))
            self.images += images

    def _read(self, file: FeatureFile) -> tuple[list[int], list[npt.NDArray[np.float32]]]:
        """The images of a file that can be used, and their features layer by layer."""
        where = self._configuration
        rows = self._session.read(file, where.branch, where.step, range(len(self._blocks)))
        images = [file.images[row] for row in file.rows]
        usable = self._usable(images, rows)
        kept = [image for image, ok in zip(images, usable, strict=True) if ok]
        return kept, [features[usable] for features in rows]

    def _usable(self, images: list[int], rows: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.bool_]:
        """Which images are finite in every block; an image is in all layers or in none."""
        finite = np.stack([np.isfinite(features).all(axis=1) for features in rows])
        for column in np.flatnonzero(~finite.all(axis=0)):
            block = self._blocks[int(np.argmin(finite[:, column]))].name
            self.left_out[images[column]] = f"not finite in block {block} at step {self._configuration.step}"
        return np.asarray(finite.all(axis=0))

    def _grow(self, rows: list[npt.NDArray[np.float32]], new: int) -> None:
        old = len(self.images)
        self._make_room(old + new)
        for layer, features in enumerate(rows):
            self._features[layer][old : old + new] = features
            # float64: on a collapsed spectrum with massive dimensions a float32 Gram gave R 653 for 517.
            every = self._features[layer][: old + new].astype(np.float64)
            cross = every @ every[old:].T
            self._grams[layer, : old + new, old : old + new] = cross
            self._grams[layer, old : old + new, :old] = cross[:old].T
            self._hoyer[layer, old : old + new] = _hoyer(every[old:].T)

    def _make_room(self, wanted: int) -> None:
        capacity = self._grams.shape[1]
        if wanted <= capacity:
            return
        # Doubling keeps the copying linear; nothing beyond the plan is ever needed.
        planned = sum(i.guidance == self._configuration.guidance for i in self._session.manifest.images)
        capacity = min(max(wanted, 2 * capacity), max(planned, wanted))
        count, layers = len(self.images), len(self._blocks)
        grams, hoyer = np.empty((layers, capacity, capacity)), np.empty((layers, capacity))
        grams[:, :count, :count] = self._grams[:, :count, :count]
        hoyer[:, :count] = self._hoyer[:, :count]
        self._grams, self._hoyer = grams, hoyer
        self._features = [
            np.concatenate([held[:count], np.empty((capacity - count, held.shape[1]), dtype=np.float32)])
            for held in self._features
        ]

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


def _hoyer(Z: Float64Array) -> Float64Array:
    try:
        values: Float64Array = hoyer_of_images(Z)
    except GeometryError:
        return np.full(Z.shape[1], np.nan)
    return values
