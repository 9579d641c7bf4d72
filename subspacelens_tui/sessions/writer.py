"""Writing a session: what the recorder does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from subspacelens_tui.sessions import features
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import IMAGES, MANIFEST, Block, Manifest, ModelInfo

_THUMBNAIL = 256


def create_session(folder: Path, manifest: Manifest) -> None:
    """Make a new session's folder with its `session.json`.

    Raises:
        SessionError: if the folder exists already or cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        (folder / features.FOLDER).mkdir()
        (folder / IMAGES).mkdir()
        replace_manifest(folder, manifest)
    except FileExistsError:
        raise SessionError(
            f"there is a session {folder} already: choose another --name, or delete it"
        ) from None
    except OSError as error:
        raise SessionError(f"cannot make the session {folder}: {error.strerror or error}") from None


def replace_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `session.json` in one step, so that no reader sees half of it."""
    temporary = folder / f".{MANIFEST}.tmp"
    temporary.write_text(manifest.to_json(), encoding="utf-8")
    temporary.replace(folder / MANIFEST)


def with_model(
    manifest: Manifest,
    model: ModelInfo,
    blocks: Sequence[Block],
    input_width: int,
    versions: Mapping[str, str],
) -> Manifest:
    """The manifest once the model is loaded and its blocks are known."""
    return manifest.model_copy(
        update={
            "model": model,
            "blocks": list(blocks),
            "input_width": input_width,
            "versions": dict(versions),
        }
    )


def write_features(
    folder: Path,
    images: Sequence[int],
    layer_input: npt.NDArray[np.float32],
    blocks: Sequence[npt.NDArray[np.float32]],
    tokens: features.TokenSample | None = None,
) -> None:
    """Write one finished batch; `layer_input` and each of `blocks` are (n, branch, step, width)."""
    tensors: dict[str, npt.NDArray[Any]] = {"input": np.ascontiguousarray(layer_input)}
    tensors |= {features.block_key(i): np.ascontiguousarray(block) for i, block in enumerate(blocks)}
    if tokens is not None:
        tensors |= features.token_tensors(tokens)
    features.write_batch(folder, images, tensors)


def image_path(folder: Path, image: int) -> Path:
    """Where the generated image with this index is kept."""
    return folder / IMAGES / f"{image:06d}.webp"


def write_image(folder: Path, image: int, picture: Image.Image) -> None:
    """Keep a generated image, at most 256 pixels wide and high."""
    picture = picture.convert("RGB")
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    target = image_path(folder, image)
    temporary = target.with_name(f".{target.name}.tmp")
    picture.save(temporary, format="WEBP", quality=90)
    temporary.replace(target)
