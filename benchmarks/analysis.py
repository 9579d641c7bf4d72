"""The analysis against the bare linear algebra it cannot do without: `python benchmarks/analysis.py`."""

import argparse
import itertools
import resource
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from planted import write_session
from ratios import compare
from threadpoolctl import threadpool_limits

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.sessions import Session, open_session

REPORT = [
    Settings(labels=labels, branch=branch) for branch in ("cond", "uncond") for labels in ("coarse", "fine")
]


def report(session: Session) -> None:
    """Coarse and fine, both branches, spectra and overlaps, from the files on disk."""
    analyzer = Analyzer(session)
    for settings in REPORT:
        analyzer.figures(settings)


def nulls(analyzer: Analyzer, seed: int) -> None:
    """The nulls of the rates of one branch, with labels permuted anew."""
    for labels in ("coarse", "fine"):
        analyzer.figures(
            Settings(labels=labels, permutations=200, design="free", seed=seed, overlap_permutations=0)
        )


def bare(features: dict[tuple[str, int], Any]) -> None:
    """Gram matrices in float64 and their eigenvalues, nothing else."""
    for Z in features.values():
        wide = Z.astype(np.float64)
        np.linalg.eigvalsh(wide.T @ wide)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        session = open_session(write_session(Path(folder) / "session"))
        layers = range(len(session.manifest.blocks))
        features = {(b, layer): session.features(layer, b) for b in ("cond", "uncond") for layer in layers}
        print("N = 500, d = 1152, 28 layers, both branches, one BLAS thread")
        compare(
            "full report / Gram products and eigvalsh",
            lambda: report(session),
            lambda: bare(features),
            arguments.rounds,
        )
        analyzer = Analyzer(session)
        analyzer.figures(Settings())
        sweep = [Settings(eps=float(eps)) for eps in np.geomspace(0.05, 5, 8)]
        snippet = np.unique(np.asarray(session.labels("coarse")), return_inverse=True)[1]
        compare(
            "8 values of ε, cached / the article's snippet",
            lambda: [analyzer.figures(settings) for settings in sweep],
            lambda: [article(features["cond", layer], snippet, s.eps) for s in sweep for layer in layers],
            1,
        )
        seeds = itertools.count()
        grams = {key: Z.astype(np.float64).T @ Z.astype(np.float64) for key, Z in features.items()}
        compare(
            "200 permutations, coarse and fine / eigvalsh, both branches",
            lambda: nulls(analyzer, next(seeds)),
            lambda: [np.linalg.eigvalsh(G) for G in grams.values()],
            2,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB, with the features held twice")


def article(Z: Any, y: Any, eps: float) -> float:
    """ΔR as the article computes it: a float32 slogdet for all images and for each class."""

    def rate(part: Any) -> float:
        d, n = part.shape
        alpha = d / (n * eps**2)
        return 0.5 * float(
            np.linalg.slogdet(np.eye(n, dtype=np.float32) + np.float32(alpha) * (part.T @ part))[1]
        )

    return rate(Z) - sum((y == k).mean() * rate(Z[:, y == k]) for k in np.unique(y))


if __name__ == "__main__":
    main()
