"""Agreement with code that is not ours.

official_rates.json holds data and the values that the official MCR², ReduNet and CRATE code gives for them in
float64 (their eps is our ε²), spectra and overlaps computed beside them with plain NumPy.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    class_rate_from_spectra,
    class_spectra,
    class_subspaces,
    coding_rate_from_spectrum,
    effective_rank,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    feature_view,
    gram,
    gram_spectrum,
    hoyer_sparsity,
    mean_off_diagonal,
    participation_ratio_from_spectrum,
    rate_reduction,
    stable_rank_from_spectrum,
    subspace_overlap,
    unbiased_participation_ratio,
)

(CASE,) = json.loads((Path(__file__).parent / "official_rates.json").read_text())["cases"]
Z = np.array(CASE["X"]).T
Y = np.array(CASE["y"])
VIEW_NAMES = {"centred": "centred", "unit_norm": "unit", "class_centred": "class-centred"}


@pytest.mark.parametrize("expected", CASE["rates"], ids=lambda r: f"eps={r['eps']}")
@pytest.mark.parametrize("code", ["mcr2", "redunet"])
def test_rates(expected: dict[str, Any], code: str, to_array: Any) -> None:
    found = rate_reduction(to_array(Z), Y, expected["eps"])
    assert found.R == pytest.approx(expected[code]["R"], rel=1e-10)
    # Their Rc adds 1e-8 to tr Π.
    assert found.Rc == pytest.approx(expected[code]["Rc"], rel=1e-7)
    assert found.delta_R == pytest.approx(expected[code]["dR"], rel=1e-7)
    assert found.ratio == found.Rc / found.R


@pytest.mark.parametrize("expected", CASE["rates"], ids=lambda r: f"eps={r['eps']}")
@pytest.mark.parametrize("name", VIEW_NAMES)
def test_rates_of_views(expected: dict[str, Any], name: str, to_array: Any) -> None:
    G = feature_view(gram(to_array(Z)), VIEW_NAMES[name], Y)
    d, n = Z.shape
    R = coding_rate_from_spectrum(gram_spectrum(G), d, n, expected["eps"])
    Rc = class_rate_from_spectra(class_spectra(G, Y), CASE["sizes"], d, expected["eps"])
    assert float(R) == pytest.approx(expected[name]["R"], rel=1e-10)
    assert float(Rc) == pytest.approx(expected[name]["Rc"], rel=1e-10)


def test_spectra(to_array: Any) -> None:
    expected = CASE["spectra"]
    G = gram(to_array(Z))
    eigenvalues = gram_spectrum(G)
    assert effective_rank(to_array(Z)) == pytest.approx(expected["erank_sv"], rel=1e-12)
    for value, name in (
        (effective_rank_from_spectrum(eigenvalues), "erank_sv"),
        (eigenvalue_rank_from_spectrum(eigenvalues), "erank_ev"),
        (participation_ratio_from_spectrum(eigenvalues), "participation"),
        (unbiased_participation_ratio(G), "participation_unbiased_uncentred"),
        (stable_rank_from_spectrum(eigenvalues), "stable_rank"),
    ):
        assert float(value) == pytest.approx(expected[name], rel=1e-10), name


def test_hoyer(to_array: Any) -> None:
    assert hoyer_sparsity(to_array(Z)) == pytest.approx(CASE["hoyer"], rel=1e-12)


@pytest.mark.parametrize(
    "expected", CASE["overlap"], ids=lambda o: "class-centred" if o["centred"] else "raw"
)
def test_overlap(expected: dict[str, Any], to_array: Any) -> None:
    G = feature_view(gram(to_array(Z)), "class-centred" if expected["centred"] else "raw", Y)
    found = class_subspaces(G, Y, expected["r"])
    assert float(found.overlap[0, 1]) == pytest.approx(expected["proj01"], rel=1e-9)
    assert float(mean_off_diagonal(found.overlap)) == pytest.approx(expected["proj_offdiag_mean"], rel=1e-9)
    explained = mean_off_diagonal(found.variance_explained)
    assert float(explained) == pytest.approx(expected["varexp_offdiag_mean"], rel=1e-9)


def test_overlap_from_features(to_array: Any) -> None:
    expected = CASE["overlap"][0]
    found = subspace_overlap(to_array(Z), Y, expected["r"])
    assert float(found[0, 1]) == pytest.approx(expected["proj01"], rel=1e-12)
    assert float(mean_off_diagonal(found)) == pytest.approx(expected["proj_offdiag_mean"], rel=1e-12)
