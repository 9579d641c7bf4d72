"""The scatters of a session, added up from its files in memory that does not depend on how many there are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.excluded_images import NotFiniteImages
from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.columns import Columns, Float64Array, values_of
from subspacelens_tui.analysis.used_images import unused_lines, used_prompts
from subspacelens_tui.geometry.scatters import Moments, MomentsSum
from subspacelens_tui.sessions import Session, SessionError
from subspacelens_tui.sessions.features import FeatureFile

MEMORY = 2**30


@dataclass(frozen=True)
class LayerMoments:
    """What all images of one layer add up to.

    Attributes:
        groups: the moments of each group of images, in the order of `ImageStream.groups`.
        columns: metric of single images → its sum over each group; NaN where an image has none.
        fourth: Σ ‖z‖⁴ of the images, of norm 1 where the view is `unit`.
    """

    groups: list[Moments]
    columns: dict[str, Float64Array]
    fourth: float


class ImageStream:
    """The images of one configuration of a session, gone through again and again.

    Args:
        session: with blocks.
        settings: resolved.
        watch: told how far it is.

    Attributes:
        count: images that can be used.
        groups: the class of each group of images that is added up: subjects if there is room for a scatter
            of each, else the classes themselves.
        by_subject: which of the two.
        images: prompt, seed and class of each.
        not_finite: the images whose features are not finite, and so cannot be used.
        problems: one line for each file that cannot be read.
        unused: what is to be said of images that are not used.

    Raises:
        SettingsError: if there is no room for a scatter of each class.
    """

    def __init__(self, session: Session, settings: Settings, watch: Watch) -> None:
        self._session, self._settings, self._watch = session, settings, watch
        self._blocks = session.manifest.blocks
        self._files = session.files_of(settings.guidance)
        assert settings.step is not None
        self.not_finite = NotFiniteImages(session, settings.step, settings.branch)
        self.problems: list[str] = []
        prompts = session.manifest.prompts
        assert settings.labels is not None
        classes = [prompt.labels[settings.labels] for prompt in prompts]
        self._used = used_prompts(session.manifest, settings)
        recorded = self._look_through()
        self.count = len(recorded)
        subjects = sorted({session.manifest.images[image].prompt for image in recorded})
        names = list(dict.fromkeys(classes[prompt] for prompt in subjects))
        self._one = 8 * max(block.width for block in self._blocks) ** 2
        self.by_subject = self._fits(len(subjects))
        if not self.by_subject and not self._fits(len(names)):
            raise SettingsError(
                f"there is no room for {len(names)} scatter matrices, one for each class, of "
                f"{self._one / 2**20:.0f} MiB: choose labels with fewer classes"
            )
        self.groups = [classes[prompt] for prompt in subjects] if self.by_subject else names
        images = session.manifest.images
        of = [images[image] for image in recorded]
        self.images = Images(
            [image.prompt for image in of],
            [image.seed for image in of],
            [classes[image.prompt] for image in of],
            [],
        )
        self._sizes = Counter(self.images.labels)
        self._group_of = {
            prompt: place if self.by_subject else names.index(classes[prompt])
            for place, prompt in enumerate(subjects)
        }

    def class_sizes(self, classes: Sequence[str]) -> tuple[int, ...]:
        """How many images each class has."""
        return tuple(self._sizes[name] for name in classes)

    def _fits(self, groups: int) -> bool:
        return groups * self._one <= MEMORY

    def _look_through(self) -> list[int]:
        """The images that are finite in every layer: an image is in all layers or in none."""
        usable: list[int] = []
        kept: list[FeatureFile] = []
        for place, file in enumerate(self._files):
            self._watch.report("looking through the files", place, len(self._files))
            try:
                rows = self._read(file, range(len(self._blocks)))
            except SessionError as error:
                self.problems.append(str(error))
                continue
            kept.append(file)
            images = [file.images[row] for row in file.rows]
            finite = self.not_finite.usable(images, rows)
            usable += [image for image, is_finite in zip(images, finite, strict=True) if is_finite]
        self._files = kept
        self.unused = tuple(unused_lines(self._session.manifest, self._settings, usable))
        return [image for image in usable if self._session.manifest.images[image].prompt in self._used]

    def _read(self, file: FeatureFile, layers: range) -> list[npt.NDArray[np.float32]]:
        return self._session.read(file, self._settings.branch, self._settings.step, layers)

    def layers(self) -> Iterator[LayerMoments]:
        """The layers one after the other, read as many together as there is room for.

        Raises:
            GeometryError: if the view is `unit` and an image has all-zero features.
            Cancelled: see `Watch`.
        """
        count = len(self._blocks)
        together = max(1, MEMORY // (self._one * len(self.groups)))
        for first in range(0, count, together):
            some = range(first, min(first + together, count))
            adders = [self._adder(layer) for layer in some]
            for place, file in enumerate(self._files):
                done = first * len(self._files) + place * len(some)
                self._watch.report("adding up the images", done, count * len(self._files))
                self._add(file, some, adders)
            while adders:  # each is let go, or the next lot would be made beside this one
                yield adders.pop(0).result()

    def _adder(self, layer: int) -> "_Adder":
        unit = self._settings.features == "unit"
        return _Adder(len(self.groups), self._blocks[layer].width, unit)

    def _add(self, file: FeatureFile, layers: range, adders: list["_Adder"]) -> None:
        images = self._session.manifest.images
        kept = [
            place
            for place, row in enumerate(file.rows)
            if file.images[row] not in self.not_finite.layers
            and images[file.images[row]].prompt in self._used
        ]
        group = np.asarray([self._group_of[images[file.images[file.rows[place]]].prompt] for place in kept])
        for adder, rows in zip(adders, self._read(file, layers), strict=True):
            adder.add(rows[kept], group)


class _Adder:
    """One layer while it is added up."""

    def __init__(self, groups: int, width: int, unit: bool) -> None:
        self._sums = [MomentsSum(width, unit) for _ in range(groups)]
        self._unit = unit
        self._columns = {metric.key: np.zeros(groups) for metric in METRICS.means}
        self._fourth = 0.0

    def add(self, rows: npt.NDArray[np.float32], group: npt.NDArray[np.int64]) -> None:
        Z = rows.astype(np.float64)
        squares = np.einsum("nd,nd->n", Z, Z)
        self._fourth += len(Z) if self._unit else float(np.sum(squares**2))
        some = Columns(rows, squares)
        for key, sums in self._columns.items():
            np.add.at(sums, group, values_of(METRICS[key].compute, some))
        for place in np.unique(group):
            self._sums[place].add(Z[group == place])

    def result(self) -> LayerMoments:
        return LayerMoments([each.moments() for each in self._sums], self._columns, self._fourth)
