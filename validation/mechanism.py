"""The level of every null of the metrics between layers, over data sets where it holds, and their power."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry import permuted_labels, summarize_null
from subspacelens_tui.geometry.cka import cka_of, permuted_cka, u_centred
from subspacelens_tui.geometry.contraction import contraction_nulls, fit_contraction
from subspacelens_tui.geometry.label_part import CRITICAL_Z, LEVEL, LabelPart
from subspacelens_tui.geometry.neighbours import knn_accuracy, nearest_of_other_groups
from subspacelens_tui.geometry.updates import BlockGrams, Update
from validation.markdown import percent, table

Matrix = npt.NDArray[np.float64]

WIDTH, CATEGORIES, SUBJECTS, SEEDS, EPS = 48, 5, 5, 5, 0.5
FINE = np.tile(np.arange(CATEGORIES * SUBJECTS), SEEDS)
COARSE = FINE // SUBJECTS
N = len(FINE)
PERMUTATIONS = 99
DATA_SETS, PLANTED = 400, 40
TESTS = {
    "radial": "radial share, p ≤ .05",
    "spectral": "spectral share, p ≤ .05",
    "z_E": "expansion, abs z_E > 1.96",
    "R²": "contraction, p of R² ≤ .05",
    "b": "b + 1.96 s.e. < 0 (2.5 %, at one σ²)",
    "coarse p": "coarse labels, `subjects`: p of L_y ≤ .05",
    "coarse z": "coarse labels: z_rot > 1.645",
    "coarse both": "coarse labels: both, the rule",
    "fine p": "fine labels, `fine-within-coarse`: p of L_y ≤ .05",
    "fine z": "fine labels: z_rot > 1.645",
    "fine both": "fine labels: both, the rule",
    "CKA": "CKA of independent features, p ≤ .05",
    "5-NN": "nearest neighbours of other subjects, p ≤ .05",
}


def _features(rng: np.random.Generator, coarse: float = 0.3, fine: float = 0.3) -> Matrix:
    """A decaying spectrum, and what categories, subjects share (d, N)."""
    roots = np.exp(-np.linspace(0, 2.5, WIDTH))[:, None]
    Z = rng.standard_normal((WIDTH, N)) + coarse * rng.standard_normal((WIDTH, CATEGORIES))[:, COARSE]
    Z = roots * (Z + fine * rng.standard_normal((WIDTH, CATEGORIES * SUBJECTS))[:, FINE])
    Z = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0] @ Z
    return Z - Z.mean(axis=1, keepdims=True)


def _moved(rng: np.random.Generator, Z: Matrix, relu: bool) -> Matrix:
    """The update of a random linear layer, or of one with a ReLU: neither knows labels or the spectrum."""
    found = rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH) @ Z
    return np.maximum(found, 0) if relu else found


def _labels(grams: BlockGrams, seed: int) -> dict[str, bool]:
    """What both nulls say under both designs."""
    part, found = LabelPart(grams, EPS), {}
    designs = {"coarse": (COARSE, "subjects", FINE), "fine": (FINE, "fine-within-coarse", COARSE)}
    for name, (labels, design, groups) in designs.items():
        permuted = part.under(permuted_labels(labels, design, PERMUTATIONS, seed, groups=groups))
        p = summarize_null(part.value(labels), permuted.values).p
        z = part.rotation(labels, permuted)[0]
        found |= {f"{name} p": p <= LEVEL, f"{name} z": z > CRITICAL_Z}
        found[f"{name} both"] = p <= LEVEL and z > CRITICAL_Z
    return found


def _null(seed: int) -> dict[str, bool]:
    """One data set: which tests reject."""
    rng = np.random.default_rng(seed)
    Z = _features(rng)
    grams = BlockGrams.of(Z, Z + 0.3 * _moved(rng, Z, relu=bool(seed % 2)))
    update = Update.of(grams)
    fit = fit_contraction(update.gains)
    independent = [rng.standard_normal((WIDTH, N)) for _ in range(2)]
    first, second = (u_centred(of.T @ of)[None] for of in independent)
    cka = summarize_null(
        float(cka_of(first, second)[0, 0]), permuted_cka(first, second, PERMUTATIONS, seed)[:, 0, 0]
    )
    # Subjects differ and categories do not: what leaving subjects out together is for.
    alike = _features(rng, coarse=0.0, fine=1.0)
    labelings = permuted_labels(COARSE, "subjects", PERMUTATIONS, seed, groups=FINE)
    near = nearest_of_other_groups(alike.T @ alike, FINE)
    knn = summarize_null(float(knn_accuracy(near, COARSE[None])[0]), knn_accuracy(near, labelings))
    return {
        "radial": update.radial_null.p <= LEVEL,
        "spectral": update.spectral_null.p <= LEVEL,
        "z_E": abs(update.expansion(EPS).z) > 1.96,
        "R²": contraction_nulls(fit, update.gains, seed)[1].p <= LEVEL,
        "b": fit.slope + 1.96 * fit.standard_error < 0,
        **_labels(grams, seed),
        "CKA": cka.p <= LEVEL,
        "5-NN": knn.p <= LEVEL,
    }


def _compression(Z: Matrix, labels: npt.NDArray[np.int64]) -> Matrix:
    """CZ, centred."""
    found = np.zeros_like(Z)
    for k in np.unique(labels):
        of = Z[:, labels == k]
        alpha = WIDTH / (of.shape[1] * EPS**2)
        inner = np.linalg.solve(np.eye(WIDTH) + alpha * of @ of.T, of)
        found[:, labels == k] = WIDTH / (N * EPS**2) * inner
    return found - found.mean(axis=1, keepdims=True)


def _planted(kind: str, seed: int) -> dict[str, Any]:
    """A denoiser with a little of a random map; or a weak compression of classes under a larger one."""
    rng = np.random.default_rng(10_000 + seed)
    Z = _features(rng)
    noise = _moved(rng, Z, relu=False)
    if kind == "denoiser":
        S = Z @ Z.T / N
        out = S @ np.linalg.solve(S + 0.1 * np.eye(WIDTH), Z) + 0.05 * noise
    else:
        step, size = _compression(Z, COARSE if kind == "coarse" else FINE), np.linalg.norm(Z)
        out = Z - 0.01 * size / np.linalg.norm(step) * step + 0.1 * size / np.linalg.norm(noise) * noise
    grams = BlockGrams.of(Z, out)
    update = Update.of(grams)
    return {"z": update.expansion(EPS).z, **_labels(grams, seed)}


_KINDS = {
    "denoiser": "a Gaussian denoiser (σ² = .1) and 5 % of a random map",
    "coarse": "1 % of a step that compresses the categories under 10 % of a random map",
    "fine": "1 % of a step that compresses the subjects under 10 % of a random map",
}


def run() -> dict[str, Any]:
    """How often each test rejects."""
    counts: Counter[str] = Counter()
    for seed in range(DATA_SETS):
        counts.update({name: int(rejects) for name, rejects in _null(seed).items()})
    planted = {}
    for kind in _KINDS:
        found = [_planted(kind, seed) for seed in range(PLANTED)]
        planted[kind] = {
            "z": float(np.mean([of["z"] for of in found])),
            **{name: int(sum(of[name] for of in found)) for name in ("coarse both", "fine both")},
        }
    return {"data_sets": DATA_SETS, "of": PLANTED, "rejected": dict(counts), "planted": planted}


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    of, many = result["of"], result["data_sets"]
    return {
        "data-sets": str(many),
        "planted-sets": str(of),
        "images": str(N),
        "width": str(WIDTH),
        "permutations": str(PERMUTATIONS),
        "levels": table(
            ["test", "rejects, % (95 % interval)"],
            [[words, percent(result["rejected"].get(name, 0), many)] for name, words in TESTS.items()],
        ),
        "planted": table(
            ["planted", "mean z_E", "coarse claims", "fine claims"],
            [
                [words, f"{row['z']:.1f}", f"{row['coarse both']} of {of}", f"{row['fine both']} of {of}"]
                for kind, words in _KINDS.items()
                for row in [result["planted"][kind]]
            ],
        ),
    }
