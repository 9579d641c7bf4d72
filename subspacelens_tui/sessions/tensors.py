"""Reading tensors out of a safetensors file that may change meanwhile.

The library maps files into memory, and a file that is cut off while it is read, as when another is copied over it,
then ends the whole process (SIGBUS). Here each read is a system call, which comes back short instead.
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydantic_core import from_json

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import Stamp, open_plain, stamp_of

_LENGTH_BYTES = 8
_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}
_METADATA = "__metadata__"


class TensorFile:
    """An open file with an intact header.

    Args:
        file: open for reading; it stays the caller's.
        path: for messages.
        longest_header: bytes; the format allows 100 MB, which parsed would take ten times as much.

    Attributes:
        stamp: of the file when it was opened.

    Raises:
        SessionError: if the header is damaged, or does not fit the length of the file.
    """

    def __init__(self, file: BinaryIO, path: Path, longest_header: int) -> None:
        self._descriptor, self._path = file.fileno(), path
        self.stamp = self.stamp_now()
        size = self.stamp.size
        if size < _LENGTH_BYTES:
            raise self._damaged(f"it has {size} bytes only")
        claimed = int.from_bytes(self._bytes(0, _LENGTH_BYTES), "little")
        if claimed > size - _LENGTH_BYTES:
            raise self._damaged(f"its header claims {claimed} bytes of a file of {size}")
        if claimed > longest_header:
            raise self._damaged(f"its header has {claimed} bytes")
        self._data = _LENGTH_BYTES + claimed
        self._tensors = self._parsed(self._bytes(_LENGTH_BYTES, claimed))
        self._check_offsets(size)

    def stamp_now(self) -> Stamp:
        """What tells whether the file has changed since it was opened."""
        return stamp_of(os.fstat(self._descriptor))

    def _parsed(self, header: bytes) -> dict[str, Any]:
        try:
            found = from_json(header, allow_inf_nan=False)
        except ValueError as error:
            raise self._damaged(f"its header is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise self._damaged("its header is not a JSON object")
        found.pop(_METADATA, None)
        return found

    def _check_offsets(self, size: int) -> None:
        """Check that the tensors follow each other and fill the file."""
        end = 0
        for first, last in sorted(map(self._offsets, self._tensors)):
            if first != end or last < first:
                raise self._damaged("its header places tensors over each other, or leaves gaps")
            end = last
        if self._data + end != size:
            raise self._damaged(f"it has {size} bytes, its header says {self._data + end}")

    def _offsets(self, key: str) -> tuple[int, int]:
        tensor = self._tensors[key]
        offsets: Any = tensor.get("data_offsets") if isinstance(tensor, dict) else None
        if not _are_counts(offsets) or len(offsets) != 2:
            raise self._damaged("its header does not say where its tensors are")
        return offsets[0], offsets[1]

    def __contains__(self, key: str) -> bool:
        return key in self._tensors

    def names(self) -> list[str]:
        """The names of all tensors."""
        return [*self._tensors]

    def dtype(self, key: str) -> str:
        """The type of a tensor in the words of the format: F32, I64, …"""
        return str(self._tensors[key].get("dtype"))[:20]

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a tensor of type F32, F64 or I64.

        Raises:
            SessionError: if that is not the shape of as many bytes as it has.
        """
        shape, (first, last) = self._tensors[key].get("shape"), self._offsets(key)
        if not _are_counts(shape) or math.prod(shape) * _DTYPES[self.dtype(key)].itemsize != last - first:
            raise self._damaged(f"{key} has {last - first} bytes, which is not what its shape needs")
        return tuple(shape)

    def read(self, key: str, rows: Sequence[int] | None = None, at: Sequence[int] = ()) -> npt.NDArray[Any]:
        """A tensor of type F32, F64 or I64, or part of it.

        Args:
            key: its name.
            rows: indices along the first axis, ascending; all if None.
            at: one index for each of the next axes.

        Returns:
            (rows, …) with the axes that are left.

        Raises:
            SessionError: if the file ends before them.
        """
        shape, dtype = self.shape(key), _DTYPES[self.dtype(key)]
        left = shape[1 + len(at) :]
        length, row_length = (math.prod(axes) * dtype.itemsize for axes in (left, shape[1:]))
        begin = self._data + self._offsets(key)[0]
        for place, index in enumerate(at):
            begin += index * math.prod(shape[place + 2 :]) * dtype.itemsize
        wanted = range(shape[0]) if rows is None else rows
        parts = [
            self._bytes(begin + run.start * row_length, len(run) * length)
            for run in _runs(wanted, together=length == row_length)
        ]
        # A bytearray, so that the array can be written to.
        found: npt.NDArray[Any] = np.frombuffer(bytearray().join(parts), dtype).reshape(len(wanted), *left)
        return found

    def _bytes(self, begin: int, count: int) -> bytes:
        found = b""
        while len(found) < count:
            try:
                part = os.pread(self._descriptor, count - len(found), begin + len(found))
            except OSError as error:
                raise SessionError(f"{self._path} cannot be read: {error.strerror or error}") from None
            if not part:
                raise self._damaged(f"it ends at byte {begin + len(found)}")
            found = found + part if found else part
        return found

    def _damaged(self, why: str) -> SessionError:
        return SessionError(f"{self._path} is damaged: {why}")


@contextmanager
def open_tensors(folder: Path, *inside: str, longest_header: int) -> Iterator[TensorFile]:
    """Open a safetensors file of a session; what lies there may be a stranger's, see `files.open_plain`.

    Raises:
        FileNotFoundError: if it is not there.
        SessionError: if it is no plain file, or damaged.
    """
    with open_plain(folder, *inside) as file:
        yield TensorFile(file, folder.joinpath(*inside), longest_header)


def _runs(rows: Sequence[int], together: bool) -> list[range]:
    """Ascending rows as runs: if whole rows are wanted, those that lie together are read together."""
    runs: list[range] = []
    for row in rows:
        if together and runs and runs[-1].stop == row:
            runs[-1] = range(runs[-1].start, row + 1)
        else:
            runs.append(range(row, row + 1))
    return runs


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)
