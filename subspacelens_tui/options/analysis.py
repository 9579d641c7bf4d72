"""Options of an analysis; each is a field of `analysis.settings.Settings`, which checks it."""

from subspacelens_tui.options.option import Option, path, switch

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


def evidence(permutations: int | None) -> tuple[Option, ...]:
    """Options of nulls and errors, with so many permutations unless given otherwise; None is a quick null."""
    default = f"{QUICK_PERMUTATIONS}, a quick null" if permutations is None else "%(default)s"
    return (
        Option(
            "--permutations",
            "P",
            f"label permutations, 0 for no null (default: {default})",
            int,
            permutations,
            more="use 200 or more for p-values that you report" if permutations is None else "",
        ),
        *_EVIDENCE,
    )


QUICK_PERMUTATIONS = 50
"""Of the null that `analyze` and `compare` show unasked."""
LABELS_FILE = Option(
    "--labels-file",
    "FILE",
    "TOML that adds label schemes to the session",
    path,
    more="[prompt-sets.md](prompt-sets.md) describes the format; images of prompts that it omits are not used",
)
_EVIDENCE = (
    Option("--seed", "N", "random seed for permutations and splits (default: %(default)s)", int, 0),
    Option(
        "--errors",
        "BY",
        "jackknife over image, seed, subject or seed+subject; auto: whatever the images share; or none (default: auto)",
        lambda text: None if text == "none" else text,
        "auto",
        more="[reading-metrics.md](reading-metrics.md) says which to use",
    ),
    LABELS_FILE,
)
CLASSES = Option(
    "--pair",
    "A,B[,…]",
    "use only the images of these classes, two or more (default: all)",
    lambda text: tuple(text.split(",")),
    dest="classes",
    more="null and errors are then computed from these images alone",
)
METRICS = Option(
    "--metrics",
    "KEY,…",
    "also compute these metrics, by key, or all",
    lambda text: tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip())),
    more="label part, neighbours, CKA, … are computed only on request; metrics named here also get the error "
    "bars that need recomputation, unless these are over images. [metrics.md](metrics.md) lists the keys",
)
# Of `analyze` and `compare`, in this order.
SETTINGS = (
    *SELECTION,
    CLASSES,
    *evidence(permutations=None),
    Option(
        "--design",
        "D",
        "permutation null: free, within-seed, fine-within-coarse or subjects (default: fits the labels)",
        more="it sets which labels may be exchanged: see [reading-metrics.md](reading-metrics.md)",
    ),
    Option("--iso-rate", "R", "choose ε in each layer so that R has this value, in nats", float),
    METRICS,
    switch(
        "--thorough",
        "also compute split-half ceilings, normality and spectra",
        more="it adds reference values for Hoyer sparsity, and error bars for ranks and overlap",
    ),
)
