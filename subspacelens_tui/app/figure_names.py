"""What the figures are called on a screen."""

FIGURE_NAMES = {
    "R": "R, nats",
    "Rc": "Rc, nats",
    "delta_R": "ΔR, nats",
    "excess": "excess ΔR over permuted labels, nats",
    "ratio": "Rc/R",
    "effective_rank": "effective rank",
    "overlap_mean": "mean overlap",
    "hoyer": "Hoyer sparsity",
}
"""Each figure of a layer that a whole screen shows, with its unit."""
