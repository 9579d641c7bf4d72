"""Which images lenses are fitted on and which they are measured on.

Tokens of one image, images of one seed and images of one subject are alike. A code that has seen one of them
is better at the others than at anything new, and the more flexible it is, the more it gains by that. So
whole images are held out, of other seeds and of other subjects than those of the training images.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.errors import LeakError, SparseError

IntArray = npt.NDArray[np.int64]

# Of the seeds, and of the subjects of each class; both together leave a ninth of the images.
_HELD_OUT = 1 / 3
_LEAST_IMAGES = 2


@dataclass(frozen=True)
class Groups:
    """What images have in common, one entry each (N,).

    Attributes:
        seeds: their random seeds.
        subjects: their prompts, or what else they show.
        classes: their classes, from 0.
    """

    seeds: IntArray
    subjects: IntArray
    classes: IntArray

    def __post_init__(self) -> None:
        if not self.seeds.shape == self.subjects.shape == self.classes.shape or self.seeds.ndim != 1:
            raise SparseError(
                "seeds, subjects and classes must be one per image: their shapes are "
                f"{self.seeds.shape}, {self.subjects.shape} and {self.classes.shape}"
            )

    def of(self, images: IntArray) -> "Groups":
        """Those of some images."""
        return Groups(self.seeds[images], self.subjects[images], self.classes[images])


@dataclass(frozen=True)
class Split:
    """Training and held-out images that share no seed and no subject.

    Attributes:
        groups: of all N images.
        train, test: indices of images.

    Raises:
        LeakError: they share an image, a seed or a subject.
    """

    groups: Groups
    train: IntArray
    test: IntArray

    def __post_init__(self) -> None:
        every = np.arange(len(self.groups.seeds))
        for what, of in (("image", every), ("seed", self.groups.seeds), ("subject", self.groups.subjects)):
            shared = np.intersect1d(of[self.train], of[self.test])
            if len(shared):
                raise LeakError(
                    f"training and held-out images share {what} {shared[0]}: "
                    "hold out whole seeds and subjects"
                )

    def exchanged(self, rng: np.random.Generator) -> IntArray:
        """Classes of all images (N,) with subjects exchanged within either part: both keep their classes."""
        groups = self.groups
        classes = groups.classes.copy()
        for part in (self.train, self.test):
            subjects, first, of = np.unique(groups.subjects[part], return_index=True, return_inverse=True)
            classes[part] = groups.classes[part][first][rng.permutation(len(subjects))][of]
        return classes


def split_images(groups: Groups, seed: int = 0) -> Split:
    """Hold out a third of the seeds and a third of the subjects of each class.

    Training images are those of the other seeds and the other subjects. Images of a held-out seed and a
    training subject, or the other way round, are in neither part. Where a class has one subject only,
    subjects are held out whatever their class. Where no two subjects share a seed, holding out subjects
    holds out their seeds.

    Args:
        groups: of the images.
        seed: random seed for which are held out.

    Raises:
        SparseError: one subject only, one seed only though subjects share it, or fewer than two images in a
            part.
    """
    rng = np.random.default_rng(seed)
    subjects, seeds = np.unique(groups.subjects), np.unique(groups.seeds)
    if len(subjects) < 2:
        raise SparseError("all images are of one subject, so none can be held out: record more prompts")
    class_of = {int(s): int(c) for s, c in zip(groups.subjects, groups.classes, strict=True)}
    classes = np.array([class_of[int(subject)] for subject in subjects])
    if np.unique(classes, return_counts=True)[1].min() < 2:
        classes = np.zeros_like(classes)
    held = np.concatenate([_third(subjects[classes == c], rng) for c in np.unique(classes)])
    out = np.isin(groups.subjects, held)
    pairs = {(int(a), int(b)) for a, b in zip(groups.seeds, groups.subjects, strict=True)}
    if len(pairs) > len(seeds):
        if len(seeds) < 2:
            raise SparseError("all images share one seed, so none can be held out: record more seeds")
        of_seed = np.isin(groups.seeds, _third(seeds, rng))
        train, test = np.flatnonzero(~out & ~of_seed), np.flatnonzero(out & of_seed)
    else:
        train, test = np.flatnonzero(~out), np.flatnonzero(out)
    if min(len(train), len(test)) < _LEAST_IMAGES:
        raise SparseError(
            f"too few images: other seeds and other subjects leave {len(train)} to fit and {len(test)} held "
            f"out, and {_LEAST_IMAGES} of each are needed; record more seeds or prompts"
        )
    return Split(groups, train, test)


def _third(values: IntArray, rng: np.random.Generator) -> IntArray:
    count = min(len(values) - 1, max(1, round(len(values) * _HELD_OUT)))
    return rng.choice(values, count, replace=False)
