"""What is declared of a method."""

from collections.abc import Callable
from dataclasses import dataclass

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import Examples


@dataclass(frozen=True)
class Method:
    """A way to turn images of one class into those of another.

    Attributes:
        key: its name.
        about: what it does, in a line.
        fit: from examples of all classes, the class of the images and the one wanted, to what is added to the
            tokens of an image.
    """

    key: str
    about: str
    fit: Callable[[Examples, str, str], Edit]
