"""One finished batch of features on disk: `features/*.safetensors`.

Tensors: `images` int64 (n,), indices into the manifest's images; `input` float32 (n, branch, step,
input width), the token mean of what the first block receives; `blocks.00`, `blocks.01`, … float32
(n, branch, step, width), the token mean of what each block puts out. The images of one file share a
guidance scale, so its branch axis has length 2, or 1 (cond only) at guidance 1 and below.

Where the manifest asks for tokens, in the same file and so as atomic: `tokens.00`, `tokens.01`, … float32
(n, branch, step, T, width), T single tokens of what each block puts out; `token_positions` int64 (n, T),
which ones, the same in all blocks, branches and steps of an image; `token_counts` int64 (n,), of how many.
"""

import os
from collections.abc import Callable, Mapping, Sequence
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
_POSITIONS, _COUNTS = "token_positions", "token_counts"
_INTEGERS = ("images", _POSITIONS, _COUNTS)

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenSample:
    """Single tokens of n images.

    Attributes:
        positions: (n, T), ascending, 0 the first image token; the same in all blocks, branches and steps.
        counts: (n,), how many image tokens there were to draw from.
        blocks: for each block float32 (n, branch, step, T, width).
    """

    positions: Int64Array
    counts: Int64Array
    blocks: Sequence[npt.NDArray[np.float32]]


def block_key(index: int) -> str:
    """The tensor name of a block."""
    return f"blocks.{index:02d}"


def tokens_key(index: int) -> str:
    """The tensor name of the tokens of a block."""
    return f"tokens.{index:02d}"


def token_tensors(tokens: TokenSample) -> dict[str, npt.NDArray[np.float32] | Int64Array]:
    """The tensors of a batch that hold its tokens."""
    return {
        _POSITIONS: np.ascontiguousarray(tokens.positions),
        _COUNTS: np.ascontiguousarray(tokens.counts),
        **{tokens_key(i): np.ascontiguousarray(block) for i, block in enumerate(tokens.blocks)},
    }


def file_name(images: Sequence[int]) -> str:
    """The name of the file that holds these images (an image is in one file, so names never clash)."""
    return f"{images[0]:06d}-{len(images):03d}.safetensors"


def write_batch(folder: Path, images: Sequence[int], tensors: Mapping[str, npt.NDArray[Any]]) -> Path:
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
        return self._read(lambda file: [file.get_slice(key)[:, branch, step, :] for key in keys])

    def read_tokens(self, branch: int, step: int, block: int) -> npt.NDArray[np.float32]:
        """The tokens of one block at one branch and captured step (rows, T, width)."""
        (found,) = self._read(lambda file: [file.get_slice(tokens_key(block))[:, branch, step, :, :]])
        return found

    def read_positions(self) -> tuple[Int64Array, Int64Array]:
        """Positions (rows, T) of the tokens, and how many tokens there were to draw from (rows,)."""
        positions, counts = self._read(lambda file: [file.get_tensor(key) for key in (_POSITIONS, _COUNTS)])
        return positions, counts

    def _read(self, get: Callable[[Any], list[npt.NDArray[Any]]]) -> list[npt.NDArray[Any]]:
        """The rows that count of what `get` takes from the open file."""
        rows = list(self.rows)
        every = rows == list(range(len(self.images)))
        try:
            with safe_open(self.path, framework="numpy") as file:
                found = get(file)
        except (OSError, SafetensorError, KeyError, IndexError) as error:
            raise SessionError(f"{self.path} is damaged: {error}") from None
        return found if every else [tensor[rows] for tensor in found]


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
            shapes = {key: _shape(path, file, key) for key in file.keys()}  # noqa: SIM118 (no mapping)
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


def _shape(path: Path, file: Any, key: str) -> tuple[int, ...]:
    view = file.get_slice(key)
    promised, name = ("I64", "int64") if key in _INTEGERS else ("F32", "float32")
    if view.get_dtype() != promised:
        raise SessionError(f"{path} is damaged: {key} is {view.get_dtype()}, not {name}")
    return tuple(view.get_shape())


def _check_shapes(
    path: Path, manifest: Manifest, images: Sequence[int], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    guidance = {manifest.images[i].guidance for i in images}
    if len(guidance) > 1:
        raise SessionError(f"{path} is damaged: its images do not share one guidance scale")
    for key, promised in _promised_shapes(manifest, images).items():
        if shapes.get(key) != promised:
            raise SessionError(f"{path} is damaged: {key} is {shapes.get(key)}, session.json says {promised}")


def _promised_shapes(manifest: Manifest, images: Sequence[int]) -> dict[str, tuple[int, ...]]:
    n, T = len(images), manifest.tokens
    lead = (n, len(manifest.images[images[0]].branches), len(manifest.capture_steps))
    promised: dict[str, tuple[int, ...]] = {
        block_key(index): (*lead, block.width) for index, block in enumerate(manifest.blocks)
    }
    if T is not None:
        promised |= {_POSITIONS: (n, T), _COUNTS: (n,)}
        promised |= {
            tokens_key(index): (*lead, T, block.width) for index, block in enumerate(manifest.blocks)
        }
    return promised
