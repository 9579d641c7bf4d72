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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from subspacelens_tui.sessions.atomic import whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import open_plain
from subspacelens_tui.sessions.format import Manifest

FOLDER = "features"
# A header of ours has about 100 bytes for each tensor, and at most two tensors for each block.
_HEADER_BYTES = 64 * 1024
_HEADER_BYTES_A_BLOCK = 1024
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
        rows: the rows that count (an image that an earlier file holds already is left out).
    """

    path: Path
    images: tuple[int, ...]
    rows: tuple[int, ...]

    def read(
        self, branch: int, step: int, blocks: Sequence[int], rows: Sequence[int] | None = None
    ) -> list[npt.NDArray[np.float32]]:
        """The features of some blocks at one branch and captured step, each (rows, width).

        `rows` are those to read, ascending, of `self.rows`; all of them unless given.
        """
        keys = [block_key(block) for block in blocks]
        spans = _spans(self.rows if rows is None else rows)

        def get(file: Any) -> Iterator[npt.NDArray[np.float32]]:
            for key in keys:
                tensor = file.get_slice(key)
                yield _together([tensor[span, branch, step, :] for span in spans])

        return self._read(get)

    def read_tokens(self, branch: int, step: int, block: int) -> npt.NDArray[np.float32]:
        """The tokens of one block at one branch and captured step (rows, T, width)."""

        def get(file: Any) -> Iterator[npt.NDArray[np.float32]]:
            tensor = file.get_slice(tokens_key(block))
            yield _together([tensor[span, branch, step, :, :] for span in _spans(self.rows)])

        return self._read(get)[0]

    def read_positions(self) -> tuple[Int64Array, Int64Array]:
        """Positions (rows, T) of the tokens, and how many tokens there were to draw from (rows,)."""
        rows = list(self.rows)
        positions, counts = self._read(
            lambda file: (file.get_tensor(key)[rows] for key in (_POSITIONS, _COUNTS))
        )
        drawn = (positions >= 0).all() and (positions < counts[:, None]).all()
        if not (drawn and (counts >= positions.shape[1]).all()):
            raise SessionError(f"{self.path} is damaged: tokens at positions that an image does not have")
        return positions, counts

    def _read(self, get: Callable[[Any], Iterator[npt.NDArray[Any]]]) -> list[npt.NDArray[Any]]:
        """What `get` takes from the open file."""
        try:
            with safe_open(self.path, framework="numpy") as file:
                return list(get(file))
        except (OSError, SafetensorError, KeyError, IndexError) as error:
            raise SessionError(f"{self.path} is damaged: {error}") from None


def _spans(rows: Sequence[int]) -> list[slice]:
    """Ascending rows as runs: what lies together is read together."""
    spans: list[slice] = []
    for row in rows:
        if spans and spans[-1].stop == row:
            spans[-1] = slice(spans[-1].start, row + 1)
        else:
            spans.append(slice(row, row + 1))
    return spans


def _together(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def check_file(folder: Path, name: str, manifest: Manifest, taken: set[int]) -> FeatureFile:
    """Check a file's header against the manifest, without reading its features.

    Args:
        folder: the session.
        name: of the file in its folder of features.
        manifest: of a session whose blocks are known.
        taken: images that other files hold; those of this file are added.

    Raises:
        SessionError: if the file is not what the manifest promises.
    """
    path = folder / FOLDER / name
    _check_header(folder, name, manifest)
    try:
        with safe_open(path, framework="numpy") as file:
            indices = _images(path, file, len(manifest.images))
            _check_shapes(path, file, manifest, indices)
    except (OSError, SafetensorError) as error:
        raise SessionError(f"{path} is damaged: {error}") from None
    first: dict[int, int] = {}
    for row, image in enumerate(indices):
        if image not in taken:
            first.setdefault(image, row)
    taken.update(first)
    return FeatureFile(path, tuple(indices), tuple(first.values()))


def _check_header(folder: Path, name: str, manifest: Manifest) -> None:
    """Refuse a header that does not fit into the file, or is longer than that of any batch.

    The format allows 100 MB, which parsed would take ten times as much.
    """
    path = folder / FOLDER / name
    try:
        with open_plain(folder, FOLDER, name) as file:
            claimed, size = int.from_bytes(file.read(8), "little"), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}") from None
    if claimed > size - 8:
        raise SessionError(f"{path} is damaged: its header claims {claimed} bytes of a file of {size}")
    if claimed > _HEADER_BYTES + _HEADER_BYTES_A_BLOCK * len(manifest.blocks):
        raise SessionError(f"{path} is damaged: its header has {claimed} bytes")


def _images(path: Path, file: Any, planned: int) -> list[int]:
    """The images that a file says it holds."""
    shape = _shape(path, file, "images")
    if shape is None or len(shape) != 1 or not shape[0]:
        raise SessionError(f"{path} is damaged: it does not list its images")
    if shape[0] > planned:
        raise SessionError(f"{path} is damaged: it claims {shape[0]} images of {planned}")
    indices: list[int] = file.get_tensor("images").tolist()
    if min(indices) < 0 or max(indices) >= planned:
        raise SessionError(f"{path} is damaged: it names images that session.json does not have")
    return indices


def _shape(path: Path, file: Any, key: str) -> tuple[int, ...] | None:
    """The shape of a tensor of the dtype it should have; None if there is none."""
    try:
        view = file.get_slice(key)
    except SafetensorError:
        return None
    promised, name = ("I64", "int64") if key in _INTEGERS else ("F32", "float32")
    if view.get_dtype() != promised:
        raise SessionError(f"{path} is damaged: {key} is {view.get_dtype()}, not {name}")
    return tuple(view.get_shape())


def _check_shapes(path: Path, file: Any, manifest: Manifest, images: Sequence[int]) -> None:
    guidance = {manifest.images[i].guidance for i in images}
    if len(guidance) > 1:
        raise SessionError(f"{path} is damaged: its images do not share one guidance scale")
    for key, promised in _promised_shapes(manifest, images):
        if (shape := _shape(path, file, key)) != promised:
            raise SessionError(f"{path} is damaged: {key} is {shape}, session.json says {promised}")


def _promised_shapes(manifest: Manifest, images: Sequence[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    n, T = len(images), manifest.tokens
    lead = (n, len(manifest.images[images[0]].branches), len(manifest.capture_steps))
    for index, block in enumerate(manifest.blocks):
        yield block_key(index), (*lead, block.width)
    if T is not None:
        yield _POSITIONS, (n, T)
        yield _COUNTS, (n,)
        for index, block in enumerate(manifest.blocks):
            yield tokens_key(index), (*lead, T, block.width)
