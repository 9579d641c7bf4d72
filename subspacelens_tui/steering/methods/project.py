"""Onto the principal subspace of class B."""

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import TokenStatistics
from subspacelens_tui.steering.method_declaration import Method

_DIM = 16


def project(statistics: TokenStatistics, source: str, target: str) -> Edit:
    """x → μ_B + (x - μ_B) V Vᵀ, V the first 16 principal directions of class B's tokens."""
    tokens = statistics.tokens(target).astype(np.float64)
    mean = tokens.mean(axis=0)
    V = np.linalg.eigh(np.cov(tokens, rowvar=False))[1][:, -_DIM:]
    out = np.eye(statistics.width) - V @ V.T
    return Edit((mean @ out)[None].astype(np.float32), {"cond": -out.astype(np.float32)})


METHOD = Method("project", "onto the principal subspace of class B's tokens", project, tokens=True)
