"""Judges of steered images and how far from natural ones they are, from the natural images of a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.demo.classifier import load_classifier
from subspacelens_tui.sessions import Session, SessionError
from subspacelens_tui.sessions.features import LATENTS
from subspacelens_tui.sessions.pictures import read_picture
from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.judge import Fit, Judge, Names, errors_across, nearest_image, nearest_mean
from subspacelens_tui.steering.manifold import Natural, natural

FloatArray = npt.NDArray[np.floating]
# Where the judge looks: in the middle of the model, three quarters of the way.
_DEPTH, _TIME = 0.5, 0.75
# Pixels of a picture that are compared: more tell no more of what it shows.
_SIDE = 64


@dataclass(frozen=True)
class Checked:
    """A judge with its error on natural images that it was not fitted to.

    Attributes:
        name: what it goes by.
        judge: fitted to all.
        errors, images: in five folds of whole seeds; of one that is not fitted to them, of all at once.
    """

    name: str
    judge: Judge
    errors: int
    images: int


class NaturalImages:
    """The natural images of a session, and what is told from them.

    Args:
        session: what steering was fitted to.
        scheme: the label scheme of its classes.
        guidance: the scale.

    Attributes:
        layer, step: where the judge looks.
        judge: by the unconditional pass.
        second: by the latents, where the session has them.
        classifier: by the pictures, where they are of the bundled models' subjects.
        latents: by class, how far from its natural images others are, in their latents; empty without.
        pictures: the same in their pixels; empty where a picture is missing.
        last: the same in the token means of the last block, conditional, at the last captured step.
    """

    def __init__(self, session: Session, scheme: str, guidance: float) -> None:
        self._session, self._guidance = session, guidance
        manifest = session.manifest
        self.layer = int(_DEPTH * len(manifest.blocks))
        self.step = min(manifest.capture_steps, key=lambda step: (abs(step - _TIME * manifest.steps), step))
        labels = np.asarray(session.labels(scheme, guidance))
        seeds = np.asarray([manifest.images[i].seed for i in session.images(guidance)])
        self._good = labels != ""
        self._labels, self._seeds = labels[self._good], seeds[self._good]
        self.judge = self._checked("unconditional pass", nearest_mean, self.unconditional(session))
        found = self.final_latents(session)
        self.second = (
            None if found is None else self._checked("nearest natural latents", nearest_image, found)
        )
        self.latents = {} if found is None else self._natural(found)
        seen = self.pixels(session)
        self.pictures = {} if seen is None else self._natural(seen)
        self.classifier = None if seen is None else self._classifier(scheme, seen)
        self.last = self._natural(self.last_block(session))

    def unconditional(self, session: Session) -> FloatArray:
        """What the judge looks at, of all images of a session (N, d)."""
        return session.features(self.layer, "uncond", self.step, self._guidance).T

    def last_block(self, session: Session) -> FloatArray:
        """Token means of the last block (N, d), conditional, at the last captured step."""
        return session.features(len(session.manifest.blocks) - 1, "cond", None, self._guidance).T

    def final_latents(self, session: Session) -> FloatArray | None:
        """The latents of all images of a session (N, D); None if it does not hold them."""
        return by_image(session, LATENTS, self._guidance)

    def pixels(self, session: Session) -> FloatArray | None:
        """The pictures of all images of a session, scaled down (N, D); None if one is missing."""
        try:
            pictures = [read_picture(session, image, _SIDE) for image in session.images(self._guidance)]
        except SessionError:
            return None
        return np.stack([np.asarray(picture, dtype=np.float32).ravel() for picture in pictures])

    def _checked(self, name: str, fit: Fit, features: FloatArray) -> Checked:
        try:
            own = features[self._good]
            errors = errors_across(fit, own, self._labels, self._seeds.tolist())
            return Checked(name, fit(own, self._labels), errors, len(own))
        except SteeringError as error:
            raise SettingsError(f"{self._session.name}: {error}") from None

    def _classifier(self, scheme: str, pictures: FloatArray) -> Checked | None:
        """What knows the drawings of the bundled models, if each prompt of the session is of one of them."""
        if self._session.manifest.model.id not in BUNDLED:
            return None
        known = load_classifier()
        class_of = {}
        for prompt in self._session.manifest.prompts:
            subject = next((name for name in prompt.labels.values() if name in known.subjects), None)
            if subject is None:
                return None
            class_of[subject] = prompt.labels[scheme]

        def judge(features: FloatArray) -> Names:
            # A subject that the session does not have is of no class.
            return np.asarray([class_of.get(subject, "") for subject in known(features).tolist()], dtype=str)

        own = pictures[self._good]
        errors = int((judge(own) != self._labels).sum())
        return Checked("classifier of the drawings", judge, errors, len(own))

    def _natural(self, features: FloatArray) -> dict[str, Natural]:
        found = {}
        for name in np.unique(self._labels):
            of_class = features[self._good][self._labels == name]
            try:
                found[str(name)] = natural(of_class)
            except SteeringError:  # of a class with one image nothing can be told
                continue
        return found


def nearest_ratio(of_classes: dict[str, Natural], features: FloatArray) -> FloatArray:
    """How far each image (N, D) is from the class it is nearest to, in units of its own distances (N,)."""
    ratios: FloatArray = np.min([of_class.ratios(features) for of_class in of_classes.values()], axis=0)
    return ratios


def by_image(session: Session, key: str, guidance: float) -> npt.NDArray[np.float32] | None:
    """A tensor that files may have besides (N, …), flat, in the order of `images`; None if one lacks it."""
    rows: dict[int, Any] = {}
    for file in session.files_of(guidance):
        if (found := file.read_more(key)) is None:
            return None
        rows |= dict(zip((file.images[row] for row in file.rows), found, strict=True))
    order: Sequence[int] = session.images(guidance)
    return np.stack([np.ravel(rows[image]) for image in order]) if order else None
