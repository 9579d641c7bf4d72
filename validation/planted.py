"""Features of known geometry: what the metrics must say of them, and what they say."""

from typing import Any

import numpy as np

from subspacelens_tui.analysis import Result, Settings
from subspacelens_tui.geometry import Design
from validation.markdown import table
from validation.planted_sessions import Effects, Features, Layout, analyzer_of, decaying_spectrum

LAYOUT = Layout()
# For normality: with fewer images the test sees little.
ARTICLE = Layout(categories=5, subjects=5, seeds=20)
KINDS = ("pooled", "class_centred", "surrogate")
WIDTH = 48
EPS = 0.5
PERMUTATIONS = 199
LEVEL = 0.05


def run(layers: int = 100) -> dict[str, Any]:
    """All cases; `layers` is how many independent sets of features those with chance in them have."""
    return {
        "layers": layers,
        "images": LAYOUT.images,
        "width": WIDTH,
        "permutations": PERMUTATIONS,
        "orthogonal": orthogonal_subspaces(),
        "shared_mean": shared_mean(layers),
        "growth": scale_growth(),
        "hierarchy": hierarchy(layers),
        "normality_images": ARTICLE.images,
        "normality": normality(layers),
    }


def orthogonal_subspaces(rank: int = 4) -> list[dict[str, Any]]:
    """Categories in orthogonal subspaces, each with `rank` equal eigenvalues, at three scales."""
    scales = (0.5, 1.0, 4.0)
    rng = np.random.default_rng(1)
    directions = np.linalg.qr(rng.standard_normal((WIDTH, LAYOUT.categories * rank)))[0]
    features = np.empty((LAYOUT.images, WIDTH))
    size = LAYOUT.images // LAYOUT.categories
    for category in range(LAYOUT.categories):
        inside = np.linalg.qr(rng.standard_normal((size, rank)))[0] * np.sqrt(size / rank)
        axes = directions[:, category * rank : (category + 1) * rank]
        features[LAYOUT.category_of == category] = inside @ axes.T
    with analyzer_of(LAYOUT, [scale * features for scale in scales]) as analyzer:
        result = analyzer.result(Settings(eps=EPS, subspace_dim=rank))
    assert result.overlap is not None
    return [
        {
            "scale": scale,
            "delta_R": layer.delta_R,
            "closed_form": _orthogonal_delta_R(scale, rank),
            "overlap": float(np.max(overlap - np.eye(LAYOUT.categories))),
        }
        for scale, layer, overlap in zip(scales, result.layers, result.overlap, strict=True)
    ]


def _orthogonal_delta_R(scale: float, rank: int) -> float:
    """ΔR of K orthogonal classes with eigenvalues s² n_k/r: α_k λ is d s²/(r ε²), and α λ a K-th of it."""
    alpha_lambda = WIDTH * scale**2 / (rank * EPS**2)
    K = LAYOUT.categories
    return float(0.5 * rank * (K * np.log1p(alpha_lambda / K) - np.log1p(alpha_lambda)))


def shared_mean(layers: int, width: int = 512) -> list[dict[str, float]]:
    """Noise around one mean, five standard deviations from 0 along every axis: overlap by rank."""
    rng = np.random.default_rng(2)
    found = []
    with analyzer_of(
        LAYOUT, [5 + rng.standard_normal((LAYOUT.images, width)) for _ in range(layers)]
    ) as analyzer:
        for rank in (2, 5, 10):
            overlap = {
                view: _mean(analyzer.result(Settings(subspace_dim=rank, features=view)), "overlap_mean")
                for view in ("raw", "centred")
            }
            found.append({"rank": rank, "one_over_rank": 1 / rank, "random": rank / width, **overlap})
    return found


def scale_growth(layers: int = 12, factor: float = 1.5) -> list[dict[str, Any]]:
    """Features that mean nothing and grow by `factor` from layer to layer, raw and trace-normalised."""
    rng = np.random.default_rng(3)
    features = [factor**layer * Effects().draw(LAYOUT, WIDTH, rng) for layer in range(layers)]
    with analyzer_of(LAYOUT, features) as analyzer:
        raw, trace = (
            analyzer.result(Settings(permutations=PERMUTATIONS, overlap_permutations=0, features=view))
            for view in ("raw", "trace")
        )
    return [
        {
            "layer": layer.layer,
            "delta_R": layer.delta_R,
            "ratio": layer.ratio,
            "null_low": layer.nulls["delta_R"].low,
            "null_high": layer.nulls["delta_R"].high,
            "excess": layer.nulls["delta_R"].excess,
            "p": layer.nulls["delta_R"].p,
            "trace_delta_R": other.delta_R,
        }
        for layer, other in zip(raw.layers, trace.layers, strict=True)
    ]


HIERARCHIES = {
    "no structure": Effects(),
    "subjects differ, categories do not": Effects(subject=0.5),
    "categories differ, their subjects do not": Effects(category=0.5),
    "subjects within categories": Effects(category=0.5, subject=0.5),
}
TESTS: dict[str, tuple[str, Design]] = {
    "free_coarse": ("coarse", "free"),
    "free_fine": ("fine", "free"),
    "within_coarse": ("fine", "fine-within-coarse"),
    "subjects": ("coarse", "subjects"),
}


def hierarchy(layers: int) -> list[dict[str, Any]]:
    """Fine over coarse ΔR, and in what share of layers each test finds structure at 5 %."""
    found = []
    for number, (name, effects) in enumerate(HIERARCHIES.items()):
        rng = np.random.default_rng([4, number])
        with analyzer_of(LAYOUT, [effects.draw(LAYOUT, WIDTH, rng) for _ in range(layers)]) as analyzer:
            result = {
                test: analyzer.result(_rates_under(labels, design))
                for test, (labels, design) in TESTS.items()
            }
        found.append(
            {
                "data": name,
                "fine_over_coarse": _mean(result["free_fine"], "delta_R")
                / _mean(result["free_coarse"], "delta_R"),
                **{test: _share_found(of) for test, of in result.items()},
            }
        )
    return found


def _rates_under(labels: str, design: Design) -> Settings:
    return Settings(labels=labels, design=design, permutations=PERMUTATIONS, overlap_permutations=0)


def _share_found(result: Result) -> float:
    return float(np.mean([layer.nulls["delta_R"].p <= LEVEL for layer in result.layers]))


def normality(data_sets: int) -> list[dict[str, Any]]:
    """The share of projections that Jarque–Bera rejects at 1 %, with its standard error over data sets.

    A session for each: the layers of one session share their random projections.
    """
    found = []
    for number, (name, draw) in enumerate(_SHAPES.items()):
        shares = []
        for data_set in range(data_sets):
            features = draw(np.random.default_rng([5, number, data_set]))
            with analyzer_of(ARTICLE, [features]) as analyzer:
                (layer,) = analyzer.result(Settings(thorough=True, seed=data_set)).layers
            shares.append([getattr(layer.normality, kind) for kind in KINDS])
        mean, error = np.mean(shares, axis=0), np.std(shares, axis=0, ddof=1) / np.sqrt(data_sets)
        found.append(
            {
                "data": name,
                "mean": dict(zip(KINDS, mean.tolist(), strict=True)),
                "error": dict(zip(KINDS, error.tolist(), strict=True)),
            }
        )
    return found


def _gaussian(rng: np.random.Generator, power: float) -> Features:
    return decaying_spectrum(WIDTH, power) * rng.standard_normal((ARTICLE.images, WIDTH))


def _shifted(rng: np.random.Generator) -> Features:
    means = 3 * rng.standard_normal((ARTICLE.categories, WIDTH))
    return means[ARTICLE.category_of] + _gaussian(rng, 0)


def _heavy(rng: np.random.Generator) -> Features:
    return np.exp(0.5 * rng.standard_normal((ARTICLE.images, 1))) * _gaussian(rng, 0)


_SHAPES = {
    "Gaussian, isotropic": lambda rng: _gaussian(rng, 0),
    "Gaussian, standard deviations k^-0.5": lambda rng: _gaussian(rng, 0.5),
    "Gaussian, standard deviations k^-1": lambda rng: _gaussian(rng, 1),
    "Gaussian, standard deviations k^-2": lambda rng: _gaussian(rng, 2),
    "Gaussian around five category means": _shifted,
    "Gaussian with norms that vary by 50 %": _heavy,
}


def _mean(result: Result, name: str) -> float:
    return float(np.mean([getattr(layer, name) for layer in result.layers]))


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    growth = result["growth"]
    return {
        **{
            name: str(result[name])
            for name in ("layers", "images", "width", "permutations", "normality_images")
        },
        "orthogonal": table(
            ["scale of the features", "ΔR", "closed form", "largest overlap of two"],
            [
                [
                    f"{row['scale']:g}",
                    f"{row['delta_R']:.5f}",
                    f"{row['closed_form']:.5f}",
                    f"{row['overlap']:.1e}",
                ]
                for row in result["orthogonal"]
            ],
        ),
        "shared-mean": table(
            ["rank r", "overlap, raw", "1/r", "overlap, centred", "r/d, random subspaces"],
            [
                [f"{row['rank']}"]
                + [f"{row[name]:.4f}" for name in ("raw", "one_over_rank", "centred", "random")]
                for row in result["shared_mean"]
            ],
        ),
        "growth": table(
            ["layer", "ΔR", "95 % of the null", "excess", "p", "Rc/R", "ΔR, trace-normalised"],
            [
                _growth_cells(growth[at])
                for at in (0, len(growth) // 3, 2 * len(growth) // 3, len(growth) - 1)
            ],
        ),
        "growth-layers": str(len(growth)),
        "growth-found": str(sum(row["p"] <= LEVEL for row in growth)),
        "hierarchy": table(
            ["data", "fine ΔR ÷ coarse ΔR", *(f"{labels}, {design}" for labels, design in TESTS.values())],
            [
                [row["data"], f"{row['fine_over_coarse']:.2f}"]
                + [f"{100 * row[test]:.0f} %" for test in TESTS]
                for row in result["hierarchy"]
            ],
        ),
        "normality": table(
            ["data", "all images", "category means removed", "Gaussian surrogate"],
            [
                [row["data"]]
                + [f"{100 * row['mean'][kind]:.1f} ± {100 * row['error'][kind]:.1f} %" for kind in KINDS]
                for row in result["normality"]
            ],
        ),
    }


def _growth_cells(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['layer']}",
        f"{row['delta_R']:.2f}",
        f"{row['null_low']:.2f} to {row['null_high']:.2f}",
        f"{row['excess']:+.2f}",
        f"{row['p']:.2f}",
        f"{row['ratio']:.2f}",
        f"{row['trace_delta_R']:.2f}",
    ]
