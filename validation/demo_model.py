"""The bundled model, trained and with random weights: what the metrics say of a real pipeline."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.demo import MODEL_PATH
from subspacelens_tui.sessions import Session, open_session
from validation.markdown import table

WEIGHTS = MODEL_PATH / "transformer" / "diffusion_pytorch_model.safetensors"
PERMUTATIONS = 199
MODELS: dict[str, tuple[str, ...]] = {"trained": (), "random weights": ("--random-init",)}
NULLS = {
    "free": Settings(labels="coarse", permutations=PERMUTATIONS),
    "subjects": Settings(
        labels="coarse", design="subjects", permutations=PERMUTATIONS, overlap_permutations=0
    ),
    "within_coarse": Settings(
        labels="fine", design="fine-within-coarse", permutations=PERMUTATIONS, overlap_permutations=0
    ),
}


def weights_digest() -> str:
    """SHA-256 of the bundled transformer: the numbers hold for these weights."""
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


def run(seeds: int = 10, steps: int = 20) -> dict[str, Any]:
    """Record both models with the command line, and take their metrics at every captured step."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "weights": weights_digest(),
            "seeds": seeds,
            "steps": steps,
            "permutations": PERMUTATIONS,
            "models": {
                name: _result(recorded(Path(folder), name, seeds, steps, options))
                for name, options in MODELS.items()
            },
        }


def recorded(folder: Path, name: str, seeds: int, steps: int, options: tuple[str, ...]) -> Session:
    """A session of the demo model in a folder, by the command line."""
    size = ["--seeds", str(seeds), "--steps", str(steps), "--device", "cpu"]
    where = ["--sessions", str(folder), "--name", name.replace(" ", "-")]
    command = [sys.executable, "-m", "subspacelens_tui", "record", "--headless", *size, *where, *options]
    path = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return open_session(path)


def _result(session: Session) -> dict[str, Any]:
    analyzer = Analyzer(session)
    unconditional = analyzer.result(Settings(branch="uncond", step=session.manifest.capture_steps[0]))
    return {
        "images": len(session.images()),
        "largest_unconditional_delta_R_over_R": max(
            abs(layer.delta_R or 0.0) / (layer.R or 1.0) for layer in unconditional.layers
        ),
        "by_step": {str(step): _of_step(analyzer, step) for step in session.manifest.capture_steps},
    }


def _of_step(analyzer: Analyzer, step: int) -> dict[str, Any]:
    result = {name: analyzer.result(replace(settings, step=step)) for name, settings in NULLS.items()}
    free = result["free"]
    return {
        "delta_R": free.curve("delta_R"),
        "effective_rank": free.curve("effective_rank"),
        "overlap": free.curve("overlap_mean"),
        "overlap_null": [layer.nulls["overlap_mean"].mean for layer in free.layers],
        **{f"{name}_{value}": of.curve(value) for name, of in result.items() for value in ("excess", "p")},
        "effects": [_effects(analyzer.session, layer.layer, step) for layer in free.layers],
    }


def _effects(session: Session, layer: int, step: int) -> dict[str, float]:
    """Standard deviations that the images of a subject, or of a seed, share; their own part has 1.

    By the mean squares of a two-way layout, one image for each subject and seed, summed over the width.
    """
    Z = session.features(layer, step=step).astype(np.float64)
    images = [session.manifest.images[i] for i in session.images()]
    subjects, seeds = (len({getattr(image, name) for image in images}) for name in ("prompt", "seed"))
    cells = Z.reshape(len(Z), seeds, subjects)
    cells = cells - cells.mean(axis=(1, 2), keepdims=True)
    of_seed, of_subject = cells.mean(axis=2, keepdims=True), cells.mean(axis=1, keepdims=True)
    own = np.sum((cells - of_seed - of_subject) ** 2) / ((seeds - 1) * (subjects - 1))
    seed = np.sum(of_seed**2) / (seeds - 1) - own / subjects
    subject = np.sum(of_subject**2) / (subjects - 1) - own / seeds
    return {"subject": float(np.sqrt(max(subject, 0) / own)), "seed": float(np.sqrt(max(seed, 0) / own))}


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    models = result["models"]
    return {
        **{name: str(result[name]) for name in ("seeds", "steps", "permutations")},
        "images": str(models["trained"]["images"]),
        "weights": result["weights"][:12],
        "unconditional": f"{max(of['largest_unconditional_delta_R_over_R'] for of in models.values()):.0e}",
        "excess": _by_layer(models, "free_excess", "{:.2f}"),
        "subjects-excess": _by_layer(models, "subjects_excess", "{:+.2f}"),
        "subjects-p": _by_layer(models, "subjects_p", "{:.3f}"),
        "within-coarse-excess": _by_layer(models, "within_coarse_excess", "{:+.2f}"),
        "effective-rank": _by_layer(models, "effective_rank", "{:.1f}"),
        "overlap": _by_layer(models, "overlap", "{:.2f}"),
        "overlap-null": _by_layer(models, "overlap_null", "{:.2f}"),
        "effects": table(
            ["model", "step", "subject effect, first to last layer", "seed effect, first to last layer"],
            [
                [name, step, *(_range(of["effects"], effect) for effect in ("subject", "seed"))]
                for name, model in models.items()
                for step, of in model["by_step"].items()
            ],
        ),
    }


def _by_layer(models: dict[str, Any], metric: str, form: str) -> str:
    """One metric, models and steps down, every second layer and the last across."""
    count = len(next(iter(models["trained"]["by_step"].values()))[metric])
    layers = sorted({*range(0, count, 2), count - 1})
    return table(
        ["model", "step", *(f"layer {layer}" for layer in layers)],
        [
            [name, step, *(form.format(of[metric][layer]) for layer in layers)]
            for name, model in models.items()
            for step, of in model["by_step"].items()
        ],
    )


def _range(effects: list[dict[str, float]], name: str) -> str:
    return f"{effects[0][name]:.1f} to {effects[-1][name]:.1f}"
