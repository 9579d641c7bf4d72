"""What the blocks of the bundled model do, trained and with random weights."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.result import LayerResult
from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.sessions import Session
from validation.demo_model import MODELS, recorded, weights_digest
from validation.markdown import table

PERMUTATIONS = 199
_LABELS = ("label_part", "label_claim")
_DESIGNS = {
    "coarse": Settings(
        labels="coarse", design="subjects", metrics=(*_LABELS, "cka_branches", "knn_accuracy")
    ),
    "fine": Settings(labels="fine", design="fine-within-coarse", metrics=_LABELS),
}


def run(seeds: int = 5, steps: int = 20) -> dict[str, Any]:
    """Record both models with the command line, and take the metrics of blocks at every captured step."""
    with tempfile.TemporaryDirectory() as folder:
        models = {
            name: measured(recorded(Path(folder), name, seeds, steps, options))
            for name, options in MODELS.items()
        }
    return {"weights": weights_digest(), "seeds": seeds, "models": models}


def measured(session: Session) -> dict[str, Any]:
    """The metrics of all blocks but the first, whose input spans too few dimensions, step by step."""
    analyzer = Analyzer(session)
    return {str(step): _of_step(analyzer, step) for step in session.manifest.capture_steps}


def _of_step(analyzer: Analyzer, step: int) -> dict[str, Any]:
    found = {}
    for name, settings in _DESIGNS.items():
        asked = replace(settings, step=step, permutations=PERMUTATIONS, overlap_permutations=0)
        found[name] = analyzer.result(asked).layers
    layers = found["coarse"]
    blocks = layers[1:]
    return {
        "z_E": [layer.expansion_z for layer in blocks],
        "spectral": [layer.spectral_share for layer in blocks],
        "size": [layer.update_size for layer in blocks],
        "b": [layer.contraction for layer in blocks],
        "b_high": [layer.contraction_fit.high if layer.contraction_fit else None for layer in blocks],
        "r2_p": [_p(layer, "contraction_r2") for layer in blocks],
        "cka_branches": layers[-1].cka_branches,
        "knn": [layer.knn_accuracy for layer in layers],
        "knn_p": [_p(layer, "knn_accuracy") for layer in layers],
        **{f"{name}_p": [_p(layer, "label_part") for layer in of[1:]] for name, of in found.items()},
        **{f"{name}_claim": [layer.label_claim for layer in of[1:]] for name, of in found.items()},
    }


def _p(layer: LayerResult, key: str) -> float | None:
    null = layer.nulls.get(key)
    return null.p if null else None


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    models = result["models"]
    steps = list(models["trained"])
    return {
        "seeds": str(result["seeds"]),
        "weights": result["weights"][:12],
        "permutations": str(PERMUTATIONS),
        "summary": table(["blocks 1–11 at all steps", *models], _summary(models)),
        "steps": table(["", *(f"step {step}" for step in steps)], _by_step(models, steps)),
    }


def _summary(models: dict[str, Any]) -> list[list[str]]:
    every = [list(of.values()) for of in models.values()]

    def row(words: str, say: Any) -> list[str]:
        return [words, *(say(steps) for steps in every)]

    return [
        row("z_E, mean ± s.d.", lambda steps: "{:+.1f} ± {:.1f}".format(*_moments(_all(steps, "z_E")))),
        row("abs z_E > 1.96", lambda steps: _count(_all(steps, "z_E"), lambda z: abs(z) > 1.96)),
        row("z_E < −1.96", lambda steps: _count(_all(steps, "z_E"), lambda z: z < -1.96)),
        row(
            "spectral share, 5 % to 95 % of blocks",
            lambda steps: "{:.3f} to {:.3f}".format(*np.quantile(_all(steps, "spectral"), [0.05, 0.95])),
        ),
        row("R² beyond its null, p ≤ .05", lambda steps: _count(_all(steps, "r2_p"), lambda p: p <= 0.05)),
        row("the whole interval of b below 0", lambda steps: _count(_all(steps, "b_high"), lambda b: b < 0)),
        row("coarse labels: p ≤ .05", lambda steps: _count(_all(steps, "coarse_p"), lambda p: p <= 0.05)),
        row("coarse labels: both", lambda steps: _count(_all(steps, "coarse_claim"), bool)),
        row("fine labels: p ≤ .05", lambda steps: _count(_all(steps, "fine_p"), lambda p: p <= 0.05)),
        row("fine labels: both", lambda steps: _count(_all(steps, "fine_claim"), bool)),
        row(
            "5-NN beyond its null, all blocks",
            lambda steps: _count(_all(steps, "knn_p"), lambda p: p <= 0.05),
        ),
    ]


def _by_step(models: dict[str, Any], steps: list[str]) -> list[list[str]]:
    rows = []
    for name, of in models.items():
        blocks = [of[step] for step in steps]
        rows.append([f"{name}: mean z_E", *(f"{_moments(_all([at], 'z_E'))[0]:+.1f}" for at in blocks)])
        below = (_count(_all([at], "b_high"), lambda b: b < 0) for at in blocks)
        rows.append([f"{name}: interval of b below 0", *below])
        rows.append([f"{name}: CKA cond–uncond, last block", *(f"{at['cka_branches']:.3f}" for at in blocks)])
    return rows


def _all(steps: list[dict[str, Any]], key: str) -> list[float]:
    found = [value for step in steps for value in step[key] if value is not None]
    if not found:
        raise GeometryError(f"no block has a {key}")
    return found


def _moments(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1))


def _count(values: list[float], holds: Any) -> str:
    return f"{sum(bool(holds(value)) for value in values)} of {len(values)}"
