"""The bundled models, trained and with random weights, by the command line."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STEPS = 1000
TOKENS = 32


@dataclass(frozen=True)
class Recorded:
    """A session with tokens.

    Attributes:
        options: of `record`.
        layers: that are measured.
        splits: how many sets of held-out images.
        checks: whether planted tokens of the same sizes are measured with the first.
    """

    options: tuple[str, ...]
    layers: str
    splits: int = 1
    checks: bool = False


_PIXART, _MMDIT = "0,4,8,11", "0,3,6,9"
# The captured steps of the two models have like noise: the last of a flow has next to none.
SESSIONS = {
    "demo-tokens": Recorded(("--model", "demo", "--seeds", "18", "--capture", "19"), _PIXART, 2, checks=True),
    "demo-random": Recorded(
        ("--model", "demo", "--random-init", "--seeds", "12", "--steps", "10", "--capture", "9"), _PIXART
    ),
    "mmdit-tokens": Recorded(("--model", "demo-mmdit", "--seeds", "18", "--capture", "15"), _MMDIT),
    "mmdit-random": Recorded(
        ("--model", "demo-mmdit", "--random-init", "--seeds", "12", "--steps", "10", "--capture", "7"), _MMDIT
    ),
}


def run(sessions: Path | None) -> dict[str, Any]:
    """What `sparse --sae train --json` says of each session and split, of tokens as they are and without position."""
    if sessions is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(Path(folder))
    for name, of in SESSIONS.items():
        if not (sessions / name).exists():
            _run(sessions, "record", *of.options, "--tokens", str(TOKENS), "--name", name, "--headless")
    return {
        "steps": STEPS,
        "sessions": {name: session(sessions, name) for name in SESSIONS},
        "without_position": {name: session(sessions, name, "--without-position") for name in SESSIONS},
    }


def session(sessions: Path, name: str, *typed: str) -> list[dict[str, Any]]:
    """Each split of one of them, with these options of `sparse` besides."""
    return [_kept(_sparse(sessions, name, seed, *typed)) for seed in range(SESSIONS[name].splits)]


def _sparse(sessions: Path, name: str, seed: int, *options: str) -> dict[str, Any]:
    of = SESSIONS[name]
    typed = ["sparse", name, *options, "--layers", of.layers, "--bits", "--json", "--seed", str(seed)]
    typed += ["--sae", "train", "--train-steps", str(STEPS)]
    typed += ["--check"] * (of.checks and seed == 0 and not options)
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
