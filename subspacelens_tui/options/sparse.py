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
    "sparse autoencoders", "of --sae train; a training goes on when the terminal is gone, and is resumed"
)
SAE = Option(
    "--sae",
    "train|stop|PATH",
    "also measure a sparse autoencoder: train each layer's, twice; stop that; or load those in a folder",
    path,
    more="the second training only tells which atoms are stable, and comes after the first of every layer; "
    "sparsify, SAeUron and SAELens; with `--allow-pickle` also sdxl-unbox and dictionary_learning",
)
TRAINING = (
    Option("--atoms", "N", "atoms (default: 8 times the width, 40 tokens to each)", count, group=_TRAINING),
    Option("--k", "N", "active atoms a token (default: 8 at width 96, 32 at 1152)", count, group=_TRAINING),
    Option("--train-steps", "N", "steps of Adam (default: %(default)s)", count, 3000, group=_TRAINING),
    switch("--batch-topk", "k active atoms a token on average (default: for each)", group=_TRAINING),
    Option("--device", "D", "cpu, cuda, … (default: a GPU if there is one)", group=_TRAINING),
)
CHECK = switch(
    "--check",
    "also the lenses on planted tokens: a Gaussian, a sparse code, a union of subspaces",
    more="as many as the session's; with `--sae train` an autoencoder is trained on each",
)
