"""Controls: changes as large as a method's, image by image, that should not do what it does.

Whatever moves an image far enough changes it; a method has shown something only where these do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.steering.edit import Change, Edit, average
from subspacelens_tui.steering.examples import FloatArray
from subspacelens_tui.steering.methods import DEFAULT

# More would each take a fit at each layer and step.
_MIXED = 12
_STREAM = 0x737465657273


@dataclass(frozen=True)
class Fitted:
    """What controls of a layer and step are made from.

    Attributes:
        edit: of the method, from class A to class B; made when it is asked for, as all fits are.
        toward: the method's edit towards any class.
        others: classes that are neither A nor B.
        other: one of them.
        target: class B.
        patch: the edit of prompt B's own tokens.
        transport: that of the default method, from class A to class B.
        shape: tokens of an image and their width.
        layer: which.
        seed: random seed for rotations, noise and choices.
    """

    edit: Callable[[], Edit]
    toward: Callable[[str], Edit]
    others: Sequence[str]
    other: str | None
    target: str
    patch: Edit
    transport: Callable[[], Edit]
    shape: tuple[int, int]
    layer: int
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """The same at all steps of a layer, so that a control is one direction, as the method's is."""
        return np.random.default_rng([_STREAM, self.seed, self.layer])


@dataclass(frozen=True)
class Control:
    """A control.

    Attributes:
        key: its name, which ends that of its session.
        about: what it does, in a line.
        make: the change of a layer and step.
        other_classes: how many classes beside A and B it needs.
    """

    key: str
    about: str
    make: Callable[[Fitted], Change]
    other_classes: int = 0


def _rotation(fitted: Fitted) -> Change:
    # Each token's change keeps its norm, so nothing needs to be matched.
    return Change(fitted.edit().rotated(random_rotation(fitted.rng, fitted.shape[1])))


def _noise(fitted: Fitted) -> Change:
    return Change(Edit(np.zeros((1, fitted.shape[1]), np.float32), {"noise": 1.0}), fitted.edit())


def _pattern(fitted: Fitted) -> Change:
    return Change(Edit(fitted.rng.standard_normal(fitted.shape, np.float32)), fitted.edit())


def _class(fitted: Fitted) -> Change:
    assert fitted.other is not None
    return Change(fitted.toward(fitted.other), fitted.edit())


def _mixture(fitted: Fitted) -> Change:
    names = [fitted.target, *fitted.others][:_MIXED]
    return Change(average([fitted.toward(name) for name in names]), fitted.edit())


def _patch(fitted: Fitted) -> Change:
    return Change(fitted.patch)


def _transport(fitted: Fitted) -> Change:
    return Change(fitted.transport())


CONTROLS = (
    Control("rotation", "the method's own change, rotated at random", _rotation),
    Control("noise", "new noise at each step", _noise),
    Control("pattern", "one random pattern of tokens", _pattern),
    Control("class", "the method towards another class", _class, other_classes=1),
    Control(
        "mixture", "the mean of the method's changes towards up to 12 classes, B among them", _mixture, 1
    ),
    Control("patch", "prompt B's own tokens: the ceiling, not matched in energy", _patch),
    Control(DEFAULT, "the default method, to compare others with, not matched in energy", _transport),
)


def other_class(others: Sequence[str], seed: int) -> str | None:
    """One of the classes that are neither A nor B, by chance; None if there is none."""
    return others[int(np.random.default_rng([_STREAM, seed]).integers(len(others)))] if others else None


def random_rotation(rng: np.random.Generator, d: int) -> FloatArray:
    """An orthogonal matrix (d, d), uniform over all of them (Mezzadri 2007, math-ph/0609050)."""
    Q, R = np.linalg.qr(rng.standard_normal((d, d)))
    return (Q * np.sign(np.diag(R))).astype(np.float32)
