"""Which layer to steer: a heuristic, not a finding (docs/steering.md)."""

import numpy as np

from subspacelens_tui.steering.examples import FloatArray


def relative_shift(source: FloatArray, target: FloatArray) -> float:
    """‖μ_B - μ_A‖ / mean ‖z‖ of features (N, d) of two classes."""
    shift = np.linalg.norm(target.mean(axis=0) - source.mean(axis=0))
    norm = np.linalg.norm(np.concatenate([source, target]), axis=1).mean()
    return float(shift / norm) if norm > 0 else 0.0
