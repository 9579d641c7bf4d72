"""The analysis against the bare linear algebra it cannot do without: `python benchmarks/analysis.py`."""

import argparse
import itertools
import resource
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from planted import write_session
from ratios import compare, seconds, summary
from safetensors.numpy import load_file
from threadpoolctl import threadpool_limits

from subspacelens_tui.analysis import FIRST_PERMUTATIONS, Analyzer, Settings
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sessions.writer import write_features

REPORT = [
    Settings(labels=labels, branch=branch) for branch in ("cond", "uncond") for labels in ("coarse", "fine")
]

LIVE = (Settings(quick=True), Settings())


def report(session: Session, of_blocks: bool = True) -> None:
    """Coarse and fine, both branches, spectra and overlaps, from the files on disk; and what blocks do."""
    analyzer = Analyzer(session)
    for settings in REPORT:
        analyzer.result(replace(settings, between_layers=of_blocks))


def nulls(analyzer: Analyzer, seed: int, overlap: bool) -> None:
    """The nulls of one branch, with labels permuted anew: of the rates, and of the overlap if asked."""
    for labels in ("coarse", "fine"):
        analyzer.result(
            Settings(
                labels=labels,
                permutations=200,
                design="free",
                seed=seed,
                overlap_permutations=None if overlap else 0,
            )
        )


def bare(features: dict[tuple[str, int], Any]) -> None:
    """Gram matrices in float64 and their eigenvalues, nothing else."""
    for Z in features.values():
        wide = Z.astype(np.float64)
        np.linalg.eigvalsh(wide.T @ wide)


def bare_with_blocks(features: dict[tuple[str, int], Any]) -> None:
    """The same, and for each block two more products and the eigenvectors of what it receives."""
    bare(features)
    for (branch, layer), Z in features.items():
        before = features[branch, max(0, layer - 1)].astype(np.float64)
        delta = Z.astype(np.float64) - before
        _ = before.T @ delta, delta.T @ delta
        np.linalg.eigh(before.T @ before)


def eigenvalue_work(grams: dict[tuple[str, int], Any], blocks: Sequence[Sequence[np.ndarray]]) -> None:
    """All that the report diagonalises: every Gram matrix, and every class block with its vectors."""
    for G in grams.values():
        np.linalg.eigvalsh(G)
        for members in blocks:
            np.linalg.eigh(np.stack([G[np.ix_(m, m)] for m in members]))


def one_by_one(path: Path, tensors: dict[str, np.ndarray]) -> Iterator[None]:
    """Put images into files of their own, one at a time."""
    for row, image in enumerate(tensors["images"].tolist()):
        of_image = {name: tensor[row : row + 1] for name, tensor in tensors.items()}
        blocks = [of_image[name] for name in sorted(of_image) if name.startswith("blocks")]
        write_features(path, [image], of_image["input"], blocks)
        yield


def growing(path: Path, rounds: int) -> None:
    """One image more: followed live, against opening the session anew."""
    last = max((path / "features").iterdir())
    images = one_by_one(path, load_file(last))
    last.unlink()
    live = Analyzer(open_session(path))
    for settings in LIVE:
        live.result(settings)

    def followed(settings: Settings) -> None:
        live.refresh()
        live.result(settings)

    for name, settings in (("rates only", LIVE[0]), ("all metrics", LIVE[1])):
        pairs = []
        for _ in range(rounds):
            next(images)
            mine = seconds(lambda settings=settings: followed(settings))
            pairs.append(
                (mine, seconds(lambda settings=settings: Analyzer(open_session(path)).result(settings)))
            )
        summary(f"one image more, {name} / from the files", pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        path = write_session(Path(folder) / "session")
        session = open_session(path)
        layers = range(len(session.manifest.blocks))
        features = {(b, layer): session.features(layer, b) for b in ("cond", "uncond") for layer in layers}
        print("N = 500, d = 1152, 28 layers, both branches, one BLAS thread")
        compare(
            "report without the metrics of blocks / Gram products and eigvalsh",
            lambda: report(session, of_blocks=False),
            lambda: bare(features),
            arguments.rounds,
        )
        compare(
            "full report / these, and products and eigh of the blocks",
            lambda: report(session),
            lambda: bare_with_blocks(features),
            arguments.rounds,
        )
        analyzer = Analyzer(session)
        analyzer.result(Settings())
        sweep = [Settings(eps=float(eps)) for eps in np.geomspace(0.05, 5, 8)]
        snippet = np.unique(np.asarray(session.labels("coarse")), return_inverse=True)[1]
        compare(
            "8 values of ε, cached / the article's snippet",
            lambda: [analyzer.result(settings) for settings in sweep],
            lambda: [article(features["cond", layer], snippet, s.eps) for s in sweep for layer in layers],
            1,
        )
        many = np.geomspace(0.05, 5, 64)
        compare(
            "64 values of ε × 28 layers, cached / one eigvalsh",
            lambda: analyzer.rates_at(Settings(), many),
            lambda: np.linalg.eigvalsh(np.eye(500)),
            arguments.rounds,
        )
        permuted(session, analyzer, features)
        growing(path, arguments.rounds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB, with the features held twice")


def permuted(session: Session, analyzer: Analyzer, features: dict[tuple[str, int], Any]) -> None:
    """Nulls against eigenvalue work, and what a first null line costs."""
    seeds = itertools.count()
    grams = {key: Z.astype(np.float64).T @ Z.astype(np.float64) for key, Z in features.items()}
    schemes = [np.asarray(session.labels(scheme)) for scheme in ("coarse", "fine")]
    blocks = [[np.flatnonzero(labels == name) for name in np.unique(labels)] for labels in schemes]
    few = Settings(permutations=FIRST_PERMUTATIONS, overlap_permutations=0)
    compare(
        f"first null line, {FIRST_PERMUTATIONS} permutations / eigvalsh, both branches",
        lambda: analyzer.result(replace(few, seed=next(seeds))),
        lambda: [np.linalg.eigvalsh(G) for G in grams.values()],
        3,
    )
    compare(
        "200 permutations, rates, coarse + fine / eigvalsh, both branches",
        lambda: nulls(analyzer, next(seeds), False),
        lambda: [np.linalg.eigvalsh(G) for G in grams.values()],
        2,
    )
    compare(
        "200 permutations, rates and overlap / eigvalsh, both branches",
        lambda: nulls(analyzer, next(seeds), True),
        lambda: [np.linalg.eigvalsh(G) for G in grams.values()],
        2,
    )
    compare(
        "the same / all eigenvalue work of the report",
        lambda: nulls(analyzer, next(seeds), True),
        lambda: eigenvalue_work(grams, blocks),
        2,
    )


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
