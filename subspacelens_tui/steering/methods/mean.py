"""The difference of the class means, the same for all tokens."""

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import TokenStatistics
from subspacelens_tui.steering.method_declaration import Method


def mean(statistics: TokenStatistics, source: str, target: str) -> Edit:
    """x → x + μ_B - μ_A, means over images and tokens: what most steering does, and what fails here."""
    return Edit((statistics.mean(target) - statistics.mean(source))[None].astype(np.float32))


METHOD = Method("mean", "add the difference of the class means to every token", mean)
