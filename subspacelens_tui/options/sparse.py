"""Options of `sparse`."""

import argparse

from subspacelens_tui.options.option import Group, Option, path, switch


def count(text: str) -> int:
    """A whole number, 1 or more."""
    try:
        found = int(text)
    except ValueError:
        found = 0
    if found < 1:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a whole number of 1 or more")
    return found


_TRAINING = Group(
    "sparse autoencoders", "with --sae train; training continues if the terminal closes, and can be resumed"
)
SAE = Option(
    "--sae",
    "train|stop|PATH",
    "also measure a sparse autoencoder: train one per layer, twice; stop training; or load those in a folder",
    path,
    more="the second training only shows which atoms are stable, and follows the first of every layer; folders "
    "of sparsify, SAeUron and SAELens are read, with `--allow-pickle` also of sdxl-unbox and "
    "dictionary_learning",
)
TRAINING = (
    Option(
        "--atoms",
        "N",
        "number of atoms (default: 8 times the width, at most one per 40 tokens)",
        count,
        group=_TRAINING,
    ),
    Option("--k", "N", "active atoms per token (default: 8 at width 96, 32 at 1152)", count, group=_TRAINING),
    Option("--train-steps", "N", "Adam steps (default: %(default)s)", count, 3000, group=_TRAINING),
    switch("--batch-topk", "k active atoms per token on average (default: for every token)", group=_TRAINING),
    Option("--device", "D", "cpu, cuda, … (default: a GPU if there is one)", group=_TRAINING),
)
WITHOUT_POSITION = switch(
    "--without-position",
    "subtract from tokens the mean at their position first",
    more="the mean of the fitted tokens in the same of 8 × 8 cells; what a lens saves then is not by telling "
    "positions apart, which otherwise leaves most verdicts undecided; autoencoders are trained anew",
)
CHECK = switch(
    "--check",
    "also apply the lenses to planted tokens: a Gaussian, a sparse code, a union of subspaces",
    more="as many as the session has; with `--sae train` an autoencoder is trained on each",
)
