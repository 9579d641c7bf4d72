"""Agreement with code that is not ours: official MCR² and ReduNet values, and scipy."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.linalg import subspace_angles

from subspacelens_tui.geometry import (
    View,
    class_rate_from_spectra,
    class_spectra,
    class_subspaces,
    coding_rate_from_spectrum,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    feature_view,
    gram,
    gram_spectrum,
    hoyer_sparsity,
    jarque_bera,
    jarque_bera_critical_value,
    mean_off_diagonal,
    overlap_from_gram,
    participation_ratio_from_spectrum,
    rate_reduction,
    stable_rank_from_spectrum,
    unbiased_participation_ratio,
)
from validation.markdown import percent, table
from validation.planted_sessions import Effects, Layout

OFFICIAL = Path(__file__).parents[1] / "tests" / "geometry" / "official_rates.json"
SIZES = (96, 500)
LAYOUT = Layout()
VIEWS: dict[str, View] = {"centred": "centred", "unit_norm": "unit", "class_centred": "class-centred"}


def run(samples: int = 20_000) -> dict[str, Any]:
    """Largest differences, and the level of Jarque–Bera on `samples` Gaussian samples of each size."""
    (case,) = json.loads(OFFICIAL.read_text(encoding="utf-8"))["cases"]
    worst: dict[str, float] = {}
    for name, ours, theirs in (*_rates(case), *_rates_of_views(case), *_shapes(case), *_scipy(samples)):
        worst[name] = max(worst.get(name, 0.0), abs(ours - theirs) / abs(theirs))
    return {
        "differences": worst,
        "samples": samples,
        "normality": [_level(size, samples) for size in SIZES],
    }


def _rates(case: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    Z = np.array(case["X"]).T
    for expected in case["rates"]:
        found = rate_reduction(Z, case["y"], expected["eps"])
        for code, name in (("mcr2", "MCR²"), ("redunet", "ReduNet")):
            yield f"R, official {name} code", found.R, expected[code]["R"]
            # Their Rc adds 1e-8 to tr Π.
            yield f"Rc, official {name} code", found.Rc, expected[code]["Rc"]
            yield f"ΔR, official {name} code", found.delta_R, expected[code]["dR"]
        yield "Rc, theoretical value of the MCR² code", found.Rc, expected["mcr2"]["Rc_theoretical"]


def _rates_of_views(case: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    Z = np.array(case["X"]).T
    for expected in case["rates"]:
        for name, view in VIEWS.items():
            G = feature_view(gram(Z), view, case["y"])
            R = coding_rate_from_spectrum(gram_spectrum(G), len(Z), Z.shape[1], expected["eps"])
            spectra = class_spectra(G, case["y"])
            Rc = class_rate_from_spectra(spectra, case["sizes"], len(Z), expected["eps"])
            for ours, theirs in ((R, expected[name]["R"]), (Rc, expected[name]["Rc"])):
                yield "R and Rc of centred, unit and class-centred features, plain NumPy", float(ours), theirs


def _shapes(case: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    Z = np.array(case["X"]).T
    G = gram(Z)
    spectrum, expected = gram_spectrum(G), case["spectra"]
    for ours, name in (
        (effective_rank_from_spectrum(spectrum), "erank_sv"),
        (eigenvalue_rank_from_spectrum(spectrum), "erank_ev"),
        (participation_ratio_from_spectrum(spectrum), "participation"),
        (unbiased_participation_ratio(G), "participation_unbiased_uncentred"),
        (stable_rank_from_spectrum(spectrum), "stable_rank"),
    ):
        yield "effective ranks and participation ratios, plain NumPy", float(ours), expected[name]
    yield "Hoyer sparsity, plain NumPy", hoyer_sparsity(Z), case["hoyer"]
    for of in case["overlap"]:
        found = class_subspaces(
            feature_view(G, "class-centred" if of["centred"] else "raw", case["y"]), case["y"], of["r"]
        )
        overlap, explained = mean_off_diagonal(found.overlap), mean_off_diagonal(found.variance_explained)
        yield "overlap, plain NumPy", float(overlap), of["proj_offdiag_mean"]
        yield "variance explained, plain NumPy", float(explained), of["varexp_offdiag_mean"]


def _scipy(samples: int) -> Iterator[tuple[str, float, float]]:
    rng = np.random.default_rng(6)
    for width in (24, 48, 192):
        Z = Effects(category=0.5, seed=0.5).draw(LAYOUT, width, rng).T
        for rank in (1, 4, 10):
            overlap = overlap_from_gram(gram(Z), LAYOUT.category_of, rank)
            for i, j in ((0, 1), (0, 2), (1, 2)):
                first, second = (_axes(Z[:, LAYOUT.category_of == k], rank) for k in (i, j))
                angles = subspace_angles(first, second)
                yield "overlap, scipy.linalg.subspace_angles", overlap[i, j], np.mean(np.cos(angles) ** 2)
    for size in SIZES:
        x = np.exp(0.5 * rng.standard_normal((samples // 100, size)))
        for ours, theirs in zip(jarque_bera(x), stats.jarque_bera(x, axis=1).statistic, strict=True):
            yield "Jarque–Bera statistic, scipy.stats.jarque_bera", float(ours), float(theirs)


def _axes(Z: np.ndarray, rank: int) -> np.ndarray:
    axes: np.ndarray = np.linalg.svd(Z)[0][:, :rank]
    return axes


def _level(size: int, samples: int) -> dict[str, Any]:
    """How often scipy's statistic of Gaussian samples exceeds our simulated 1 % point, and that of χ²."""
    rng = np.random.default_rng([7, size])
    statistic = stats.jarque_bera(rng.standard_normal((samples, size)), axis=1).statistic
    critical, asymptotic = jarque_bera_critical_value(size), float(stats.chi2(2).isf(0.01))
    return {
        "images": size,
        "critical": critical,
        "rejected": int(np.sum(statistic > critical)),
        "asymptotic": asymptotic,
        "rejected_asymptotic": int(np.sum(statistic > asymptotic)),
    }


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    samples = result["samples"]
    return {
        "samples": str(samples),
        "differences": table(
            ["metric, and what it is compared with", "largest relative difference"],
            [[name, f"{worst:.0e}"] for name, worst in result["differences"].items()],
        ),
        "level": table(
            ["N", "simulated 1 % point", "exceeded by, %", "1 % point of χ²(2)", "exceeded by, %"],
            [
                [
                    f"{row['images']}",
                    f"{row['critical']:.2f}",
                    percent(row["rejected"], samples),
                    f"{row['asymptotic']:.2f}",
                    percent(row["rejected_asymptotic"], samples),
                ]
                for row in result["normality"]
            ],
        ),
    }
