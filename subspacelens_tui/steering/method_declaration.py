"""What is declared of a method."""

from collections.abc import Callable
from dataclasses import dataclass

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import TokenStatistics


@dataclass(frozen=True)
class Method:
    """A way to turn images of one class into those of another.

    Attributes:
        key: its name.
        about: what it does, in a line.
        fit: from statistics of all classes, the class of the images and the one wanted, to what is added to
            the tokens of an image.
        tokens: whether it takes the tokens themselves, for which no sums stand in.
        sparse: whether it takes a sparse autoencoder of the layer; it is fitted at the step of that.
    """

    key: str
    about: str
    fit: Callable[[TokenStatistics, str, str], Edit]
    sparse: bool = False
    tokens: bool = False
