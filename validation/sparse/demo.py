"""The bundled model, trained and with random weights, by the command line."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LAYERS = "0,4,8,11"
STEPS = 1000
# Name, how it is recorded, how many splits.
SESSIONS = (
    ("demo-tokens", ("--seeds", "18", "--tokens", "32", "--capture", "19"), 2),
    (
        "demo-random",
        ("--random-init", "--seeds", "12", "--steps", "10", "--tokens", "32", "--capture", "9"),
        1,
    ),
)


def run(sessions: Path | None) -> dict[str, Any]:
    """What `sparse --sae train --check --json` says of each session and split."""
    if sessions is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(Path(folder))
    found = {}
    for name, options, splits in SESSIONS:
        if not (sessions / name).exists():
            _run(sessions, "record", "--model", "demo", *options, "--name", name, "--headless")
        found[name] = [_kept(_sparse(sessions, name, seed)) for seed in range(splits)]
    return {"steps": STEPS, "sessions": found}


def _sparse(sessions: Path, name: str, seed: int) -> dict[str, Any]:
    check = ["--check"] * (seed == 0)
    training = ["--sae", "train", "--train-steps", str(STEPS)]
    typed = ["sparse", name, "--layers", LAYERS, "--bits", "--json", "--seed", str(seed), *training, *check]
    found: dict[str, Any] = json.loads(_run(sessions, *typed))
    return found


def _run(sessions: Path, *typed: str) -> str:
    command = [sys.executable, "-m", "subspacelens_tui", "--sessions", str(sessions), *typed]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _kept(found: dict[str, Any]) -> dict[str, Any]:
    """What the page says of it."""
    return {
        "images": found["images"],
        "layers": [
            {
                "layer": layer["layer"],
                "lenses": _rates(layer["lenses"]),
                "autoencoder": layer["autoencoder"],
                "verdict": layer["verdict"],
                "of_position": sum((atom["of_position"] or 0) > atom["of_class"] for atom in layer["atoms"]),
                "atoms": len(layer["atoms"]),
            }
            for layer in found["layers"]
        ],
        "checks": [
            {
                "planted": check["planted"],
                "right": check["right"],
                "verdict": check["verdict"],
                "lenses": _rates(check["lenses"]),
            }
            for check in found["checks"]
        ],
    }


def _rates(lenses: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {name: lens[name] for name in ("rate", "saved", "saved_error")}
        for key, lens in lenses.items()
        if lens is not None
    }
