"""The part of prompt B's tokens that lies in the subspace between the classes."""

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.examples import TokenStatistics
from subspacelens_tui.steering.method_declaration import Method

_DIM = 24


def interchange(statistics: TokenStatistics, source: str, target: str) -> Edit:
    """x → x + (b - x) V Vᵀ, V a basis of what the class means span around their mean, 24 directions at most.

    An interchange intervention on a subspace: Geiger et al. 2024, "Finding alignments between interpretable
    causal variables and distributed neural representations", arXiv 2303.02536.
    """
    names = statistics.names
    if len(names) < 2:
        raise SteeringError("there is one class only: subspaces between classes need two at least")
    means = np.stack([statistics.mean(name) for name in names])
    dim = min(_DIM, len(names) - 1, statistics.width)
    V = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)[2][:dim].T
    P = (V @ V.T).astype(np.float32)
    return Edit(np.zeros((1, statistics.width), np.float32), {"partner": P, "cond": -P})


METHOD = Method("interchange", "prompt B's tokens within the subspace between the classes", interchange)
