"""Copies of the bundled model, to be damaged."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from subspacelens_tui import demo

SAFETENSORS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the bundled model."""
    return Path(shutil.copytree(demo.MODEL_PATH, tmp_path / "model"))


@pytest.fixture
def lone(tmp_path: Path) -> Path:
    """A folder with a transformer and nothing else."""
    shutil.copytree(demo.MODEL_PATH / "transformer", tmp_path / "lone" / "transformer")
    return tmp_path / "lone"


def edit(path: Path, **changes: Any) -> None:
    """Change entries of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def as_variant(folder: Path, variant: str, *parts: str) -> None:
    """Rename the weights of parts (of all unless given) to those of a variant."""
    for part in parts or ("transformer", "vae", "text_encoder"):
        for path in (folder / part).glob("*.safetensors"):
            path.rename(path.with_name(path.name.replace(".", f".{variant}.", 1)))


def as_pickles(folder: Path, *parts: str) -> None:
    """Put files that look like pickles in the place of the safetensors of parts (of all unless given)."""
    for part in parts or ("transformer", "vae", "text_encoder"):
        for path in (folder / part).glob("*.safetensors"):
            path.unlink()
            name = path.name.replace("safetensors", "bin")
            path.with_name(name if name.startswith("diffusion") else f"pytorch_{name}").write_bytes(
                b"\x80\x02."
            )


Damage = Callable[[Path], object]
