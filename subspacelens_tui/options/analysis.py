"""Options of an analysis; each is a field of `analysis.settings.Settings`, which checks it."""

from subspacelens_tui.options.option import Option, switch

EPS = Option("--eps", "E", "coding precision ε (default: 0.5)", float)
FEATURES = Option(
    "--features",
    "TRANSFORM",
    "feature transform: raw, centred, class-centred, unit or trace (default: raw)",
)
LAYER = Option("--layer", "L", "the layer to select (default: 0)", int)
SELECTION = (
    Option("--labels", "SCHEME", "label scheme (default: the first)"),
    Option("--branch", None, "cond or uncond (default: cond)"),
    Option("--step", "S", "captured step (default: the last)", int),
    Option("--guidance", "G", "guidance scale (default: the first)", float),
    EPS,
    FEATURES,
    Option(
        "--subspace-dim",
        "R",
        "dimension of the class subspaces (default: half the smallest class, at most 10)",
        int,
        aliases=("--rank",),
    ),
)


def evidence(permutations: int) -> tuple[Option, ...]:
    """Options of nulls and errors, with a number of permutations unless another is given."""
    return (
        Option(
            "--permutations",
            "P",
            "label permutations (default: %(default)s)",
            int,
            permutations,
            more="0 means no null",
        ),
        *_EVIDENCE,
    )


_EVIDENCE = (
    Option("--seed", "N", "random seed for permutations and splits (default: %(default)s)", int, 0),
    Option(
        "--errors",
        "BY",
        "standard errors: jackknife over image, seed, subject or seed+subject, or none (default: image)",
        lambda text: None if text == "none" else text,
        "image",
        more="[reading-metrics.md](reading-metrics.md) says which to use",
    ),
    Option(
        "--labels-file",
        "FILE",
        "TOML that adds label schemes to the session",
        more="[prompt-sets.md](prompt-sets.md) has the format",
    ),
)
# Of `analyze` and `compare`, in this order.
SETTINGS = (
    *SELECTION,
    *evidence(permutations=0),
    Option(
        "--design",
        "D",
        "permutation null: free, within-seed, fine-within-coarse or subjects (default: fits the labels)",
        more="it says which labels may be exchanged, see [reading-metrics.md](reading-metrics.md)",
    ),
    Option("--iso-rate", "R", "choose ε in each layer so that R has this value, in nats", float),
    switch(
        "--thorough",
        "also compute split-half ceilings, normality and spectra",
        more="with it come reference values of Hoyer sparsity, and the error bars of ranks and overlap",
    ),
)
