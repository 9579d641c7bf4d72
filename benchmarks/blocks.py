"""Metrics of blocks against the linear algebra they cannot do without: `python benchmarks/blocks.py`."""

import argparse
import itertools
import time

import numpy as np
from ratios import compare
from threadpoolctl import threadpool_limits

from subspacelens_tui.analysis.statistics.pairs_of_layers import LayersTogether
from subspacelens_tui.geometry import permuted_labels
from subspacelens_tui.geometry.contraction import contraction_nulls, fit_contraction
from subspacelens_tui.geometry.label_part import LabelPart
from subspacelens_tui.geometry.updates import BlockGrams, Update

WIDTH, EPS = 1152, 0.5
FINE = np.tile(np.arange(25), 20)
COARSE = FINE // 5
N = len(FINE)
LABELLED = 3


def planted(layers: int) -> list[np.ndarray]:
    """What goes through so many blocks, each of which moves it a little."""
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((WIDTH, N)) * np.exp(-np.linspace(0, 3, WIDTH))[:, None]
    found = [Z]
    for _ in range(layers):
        found.append(found[-1] + 0.3 * rng.standard_normal((WIDTH, N)))
    return found


def bare(features: list[np.ndarray]) -> None:
    """The products of each pair of layers, and one eigendecomposition of each."""
    for Z, after in itertools.pairwise(features):
        _ = Z.T @ after
        np.linalg.eigh(Z.T @ Z)


def report(features: list[np.ndarray]) -> None:
    """Update, expansion, gains with their fit and null, and CKA of all layers."""
    for Z, after in itertools.pairwise(features):
        update = Update.of(BlockGrams.of(Z, after))
        _ = update.spectral_null, update.radial_null, update.expansion(EPS)
        contraction_nulls(fit_contraction(update.gains), update.gains)
    LayersTogether(lambda layer: features[layer + 1], len(features) - 1, 0, 0).cka()


def labelled(features: list[np.ndarray], labels: np.ndarray, design: str, groups: np.ndarray) -> None:
    """The label part with 200 permutations of one design."""
    labelings = permuted_labels(labels, design, 200, 0, groups=groups)
    for Z, after in itertools.pairwise(features):
        part = LabelPart(BlockGrams.of(Z, after), EPS)
        part.scale(labels)
        part.rotation(labels, part.under(labelings))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with threadpool_limits(1):
        features = planted(arguments.layers)
        print(f"N = {N}, d = {WIDTH}, {arguments.layers} blocks, one BLAS thread")
        compare(
            "metrics of blocks and CKA / their products and eigh",
            lambda: report(features),
            lambda: bare(features),
            arguments.rounds,
        )
        few = features[: LABELLED + 1]
        for name, *of in (
            ("coarse", COARSE, "subjects", FINE),
            ("fine", FINE, "fine-within-coarse", COARSE),
        ):
            compare(
                f"200 permutations of the label part, {name} / the same",
                lambda of=of: labelled(few, *of),
                lambda: bare(few),
                arguments.rounds,
            )
            began = time.process_time()
            labelled(features, *of)
            spent = time.process_time() - began
            print(f"the same, all {arguments.layers} blocks: {spent:.1f} s of the processor")


if __name__ == "__main__":
    main()
