"""One finished batch of features on disk: `features/*.safetensors`.

Tensors: `images` int64 (n,), indices into the manifest's images; `input` float32 (n, branch, step,
input width), the token mean of what the first block receives; `blocks.00`, `blocks.01`, … float32
(n, branch, step, width), the token mean of what each block puts out. The images of one file share a
guidance scale, so its branch axis has length 2, or 1 (cond only) at guidance 1 and below.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import Manifest

FOLDER = "features"
_MAX_IMAGES_PER_FILE = 100_000


def block_key(index: int) -> str:
    """The tensor name of a block."""
    return f"blocks.{index:02d}"


def file_name(images: Sequence[int]) -> str:
    """The name of the file that holds these images (an image is in one file, so names never clash)."""
    return f"{images[0]:06d}-{len(images):03d}.safetensors"


def write_batch(folder: Path, images: Sequence[int], tensors: Mapping[str, npt.NDArray[np.float32]]) -> Path:
    """Write one batch so that the file, once it is there, is whole even after a power cut."""
    target = folder / FOLDER / file_name(images)
    payload = save({"images": np.asarray(images, dtype=np.int64), **tensors})
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


@dataclass(frozen=True)
class FeatureFile:
    """A checked feature file.

    Attributes:
        path: where it is.
        images: the manifest's image indices, in the order of the rows.
        rows: the rows that count (an image that an earlier file holds already is left out).
    """

    path: Path
    images: tuple[int, ...]
    rows: tuple[int, ...]

    def read(self, branch: int, step: int, blocks: Sequence[int]) -> list[npt.NDArray[np.float32]]:
        """The features of some blocks at one branch and captured step, each (rows, width)."""
        keys = [block_key(block) for block in blocks]
        rows = list(self.rows)
        every = rows == list(range(len(self.images)))
        try:
            with safe_open(self.path, framework="numpy") as file:
                found = [file.get_slice(key)[:, branch, step, :] for key in keys]
        except (OSError, SafetensorError, KeyError, IndexError) as error:
            raise SessionError(f"{self.path} is damaged: {error}") from None
        return found if every else [features[rows] for features in found]


def check_file(path: Path, manifest: Manifest, taken: set[int]) -> FeatureFile:
    """Check a file's header against the manifest, without reading its features.

    Args:
        path: the file.
        manifest: of a session whose blocks are known.
        taken: images that other files hold; those of this file are added.

    Raises:
        SessionError: if the file is not what the manifest promises.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            shapes = {key: _shape(file, key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            if shapes.get("images", (0,))[0] > _MAX_IMAGES_PER_FILE:
                raise SessionError(f"{path} is damaged: it claims {shapes['images'][0]} images")
            images = file.get_tensor("images") if "images" in shapes else None
    except (OSError, SafetensorError) as error:
        raise SessionError(f"{path} is damaged: {error}") from None
    if images is None or images.ndim != 1 or images.dtype != np.int64 or not len(images):
        raise SessionError(f"{path} is damaged: it does not list its images")
    indices = [int(i) for i in images]
    if min(indices) < 0 or max(indices) >= len(manifest.images):
        raise SessionError(f"{path} is damaged: it names images that session.json does not have")
    _check_shapes(path, manifest, indices, shapes)
    fresh = dict.fromkeys(i for i in indices if i not in taken)
    rows = tuple(indices.index(i) for i in fresh)
    taken.update(fresh)
    return FeatureFile(path, tuple(indices), rows)


def _shape(file: Any, key: str) -> tuple[int, ...]:
    view = file.get_slice(key)
    if key != "images" and view.get_dtype() != "F32":
        raise SessionError(f"{key} is {view.get_dtype()}, not float32")
    return tuple(view.get_shape())


def _check_shapes(
    path: Path, manifest: Manifest, images: Sequence[int], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    guidance = {manifest.images[i].guidance for i in images}
    if len(guidance) > 1:
        raise SessionError(f"{path} is damaged: its images do not share one guidance scale")
    lead = (len(images), len(manifest.images[images[0]].branches), len(manifest.capture_steps))
    for index, block in enumerate(manifest.blocks):
        key = block_key(index)
        promised = (*lead, block.width)
        if shapes.get(key) != promised:
            raise SessionError(f"{path} is damaged: {key} is {shapes.get(key)}, session.json says {promised}")
