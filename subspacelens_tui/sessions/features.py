"""One finished batch of features on disk: `features/*.safetensors`.

Tensors: `images` int64 (n,), indices into the manifest's images; `input` float32 (n, branch, step,
input width), the token mean of what the first block receives; `blocks.00`, `blocks.01`, … float32
(n, branch, step, width), the token mean of what each block puts out. The images of one file share a
guidance scale, so its branch axis has length 2, or 1 (cond only) at scales that have no other.

Where the manifest asks for tokens, in the same file and so as atomic: `tokens.00`, `tokens.01`, … float32
(n, branch, step, T, width), T single tokens of what each block puts out; `token_positions` int64 (n, T),
which ones, the same in all blocks, branches and steps of an image; `token_counts` int64 (n,), of how many;
`latents` float32 (n, …), the latents after the last step, where the pipeline has a row of them for each image.

Of images that were steered `steering` float32 (n, layers, steps, 3), what was done to their tokens.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import Stamp
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.tensors import TensorFile, open_tensors

FOLDER = "features"
# A header of ours has about 100 bytes for each tensor, and at most two tensors for each block.
_HEADER_BYTES = 64 * 1024
_HEADER_BYTES_A_BLOCK = 1024
_INPUT, _POSITIONS, _COUNTS = "input", "token_positions", "token_counts"
LATENTS, STEERING = "latents", "steering"
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
    with whole_file(target) as temporary, temporary.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    return target


@dataclass(frozen=True)
class FeatureFile:
    """A checked feature file.

    Attributes:
        path: where it is.
        images: the manifest's image indices, in the order of the rows.
        rows: the rows that count (an image that another file holds already is left out).
        stamp: of the file that was checked; another one there is never read in its place.
        longest_header: bytes that its header may have.
    """

    path: Path
    images: tuple[int, ...]
    rows: tuple[int, ...]
    stamp: Stamp
    longest_header: int

    @property
    def key(self) -> tuple[str, Stamp]:
        """The name, and which of the files that were there under it."""
        return self.path.name, self.stamp

    def read(
        self, branch: int, step: int, blocks: Sequence[int], rows: Sequence[int] | None = None
    ) -> list[npt.NDArray[np.float32]]:
        """The features of some blocks at one branch and captured step, each (rows, width).

        `rows` are those to read, ascending, of `self.rows`; default: all of them.
        """
        wanted = self.rows if rows is None else rows
        return self._read(
            lambda file: [file.read(block_key(block), wanted, (branch, step)) for block in blocks]
        )

    def read_input(self, branch: int, step: int, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """What the first block receives at one branch and captured step (rows, input width).

        Raises:
            SessionError: the file does not hold it for all of its images.
        """

        def read(file: TensorFile) -> list[npt.NDArray[Any]]:
            shape = _shape(self.path, file, _INPUT)
            if shape is None or len(shape) != 4 or shape[0] != len(self.images):
                raise SessionError("this session does not hold what the first block receives")
            return [file.read(_INPUT, rows, (branch, step))]

        return self._read(read)[0]

    def read_tokens(self, branch: int, step: int, block: int) -> npt.NDArray[np.float32]:
        """The tokens of one block at one branch and captured step (rows, T, width)."""
        return self._read(lambda file: [file.read(tokens_key(block), self.rows, (branch, step))])[0]

    def read_positions(self) -> tuple[Int64Array, Int64Array]:
        """Positions (rows, T) of the tokens, and how many tokens there were to draw from (rows,)."""
        positions, counts = self._read(
            lambda file: [file.read(key, self.rows) for key in (_POSITIONS, _COUNTS)]
        )
        drawn = (positions >= 0).all() and (positions < counts[:, None]).all()
        if not (drawn and (counts >= positions.shape[1]).all()):
            raise SessionError(f"{self.path} is damaged: tokens at positions that an image does not have")
        return positions, counts

    def read_more(self, key: str) -> npt.NDArray[np.float32] | None:
        """`LATENTS` or `STEERING` (rows, …); None if the file has no such tensor of all of its images."""

        def read(file: TensorFile) -> list[npt.NDArray[Any]]:
            shape = _shape(self.path, file, key)
            there = shape is not None and len(shape) > 1 and shape[0] == len(self.images)
            return [file.read(key, self.rows)] if there else [np.empty(0)]

        found = self._read(read)[0]
        return found if found.ndim > 1 else None

    def _read(self, get: Callable[[TensorFile], list[npt.NDArray[Any]]]) -> list[npt.NDArray[Any]]:
        """What `get` takes from the file, as long as it is the one that was checked."""
        try:
            with _open(self.path, self.longest_header) as file:
                found = get(file) if file.stamp == self.stamp else []
                if file.stamp_now() == self.stamp:
                    return found
        except FileNotFoundError:
            raise SessionError(f"{self.path} is no longer there") from None
        raise SessionError(f"{self.path} has changed since it was checked")


def check_file(folder: Path, name: str, manifest: Manifest) -> FeatureFile:
    """Check a file's header against the manifest, without reading its features.

    Args:
        folder: the session.
        name: of the file in its folder of features.
        manifest: of a session whose blocks are known.

    Returns:
        The file, of whose rows one counts for each image.

    Raises:
        FileNotFoundError: if it is not there.
        SessionError: if the file is not what the manifest promises.
    """
    path = folder / FOLDER / name
    longest_header = _HEADER_BYTES + _HEADER_BYTES_A_BLOCK * len(manifest.blocks)
    with _open(path, longest_header) as file:
        images = _images(path, file, len(manifest.images))
        _check_shapes(path, file, manifest, images)
    first: dict[int, int] = {}
    for row, image in enumerate(images):
        first.setdefault(image, row)
    return FeatureFile(path, tuple(images), tuple(first.values()), file.stamp, longest_header)


def _open(path: Path, longest_header: int) -> AbstractContextManager[TensorFile]:
    return open_tensors(path.parent.parent, FOLDER, path.name, longest_header=longest_header)


def _images(path: Path, file: TensorFile, planned: int) -> list[int]:
    """The images that a file says it holds."""
    shape = _shape(path, file, "images")
    if shape is None or len(shape) != 1 or not shape[0]:
        raise SessionError(f"{path} is damaged: it does not list its images")
    if shape[0] > planned:
        raise SessionError(f"{path} is damaged: it claims {shape[0]} images of {planned}")
    indices: list[int] = file.read("images").tolist()
    if min(indices) < 0 or max(indices) >= planned:
        raise SessionError(f"{path} is damaged: it names images that session.json does not have")
    return indices


def _shape(path: Path, file: TensorFile, key: str) -> tuple[int, ...] | None:
    """The shape of a tensor of the dtype it should have; None if there is none."""
    if key not in file:
        return None
    promised, name = ("I64", "int64") if key in _INTEGERS else ("F32", "float32")
    if (dtype := file.dtype(key)) != promised:
        raise SessionError(f"{path} is damaged: {key} is {dtype}, not {name}")
    return file.shape(key)


def _check_shapes(path: Path, file: TensorFile, manifest: Manifest, images: Sequence[int]) -> None:
    guidance = {manifest.images[i].guidance for i in images}
    if len(guidance) > 1:
        raise SessionError(f"{path} is damaged: its images do not share one guidance scale")
    for key, promised in _promised_shapes(manifest, images):
        if (shape := _shape(path, file, key)) != promised:
            raise SessionError(f"{path} is damaged: {key} is {shape}, session.json says {promised}")


def _promised_shapes(manifest: Manifest, images: Sequence[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    n, T = len(images), manifest.tokens
    lead = (n, len(manifest.branches_at(manifest.images[images[0]].guidance)), len(manifest.capture_steps))
    for index, block in enumerate(manifest.blocks):
        yield block_key(index), (*lead, block.width)
    if T is not None:
        yield _POSITIONS, (n, T)
        yield _COUNTS, (n,)
        for index, block in enumerate(manifest.blocks):
            yield tokens_key(index), (*lead, T, block.width)
