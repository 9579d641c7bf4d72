"""The difference of the class means, the same for all tokens."""

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import Examples
from subspacelens_tui.steering.method import Method


def mean(examples: Examples, source: str, target: str) -> Edit:
    """x → x + μ_B - μ_A, means over images and tokens: what most steering does, and what fails here."""
    of_source, of_target = examples.of(source), examples.of(target)
    means = [of.cond.mean(axis=(0, 1), dtype=np.float64) for of in (of_target, of_source)]
    return Edit((means[0] - means[1])[None].astype(np.float32))


METHOD = Method("mean", "add the difference of the class means to every token", mean)
