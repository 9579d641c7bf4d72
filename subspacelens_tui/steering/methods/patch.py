"""The tokens that prompt B itself gives on the same latents: the most that any method can do."""

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import TokenStatistics
from subspacelens_tui.steering.method_declaration import Method


def patch(statistics: TokenStatistics, source: str, target: str) -> Edit:
    """x → b, the token of a pass with prompt B; nothing is fitted."""
    return Edit(np.zeros((1, statistics.width), np.float32), {"partner": 1.0, "cond": -1.0})


METHOD = Method("patch", "the tokens of prompt B on the same latents: the ceiling", patch)
