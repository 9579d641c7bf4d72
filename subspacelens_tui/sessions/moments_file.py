"""Sums over the tokens of a session's images, by class, layer and captured step: `moments.safetensors`.

Tensors: `images` int64 (n,), which images are summed; `groups` int64 (prompts,), prompts of one number have the
same classes under all schemes; for each group g and layer l `g.l.images` float64 (steps,), how many images are in
the sums (one that is not finite is in none), and `g.l.cond`, `g.l.uncond` (steps, k, d), `g.l.within` and
`g.l.across` (steps, d, d), as of `steering.moments.Moments`; for each layer `basis.l` (tokens, k).

They outgrow memory before anything else of a session does, so that they are written and read one at a time.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.reader import Session
from subspacelens_tui.sessions.tensors import open_tensors
from subspacelens_tui.sessions.atomic_files import whole_file

MOMENTS_FILE = "moments.safetensors"
_TYPES = {np.dtype(np.int64): "I64", np.dtype(np.float64): "F64"}
# About 100 bytes for each array, five of them for each class and layer.
_HEADER_BYTES = 16 * 2**20
PARTS = ("images", "cond", "uncond", "within", "across")


def groups_of(manifest: Manifest) -> list[int]:
    """Of each prompt the number of its group: prompts that have the same classes under all schemes."""
    found: dict[tuple[str, ...], int] = {}
    return [found.setdefault(tuple(prompt.labels.values()), len(found)) for prompt in manifest.prompts]


def write_moments(folder: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write sums by name, so that the file is whole once it is there."""
    header: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        offsets = [end, end + array.nbytes]
        header[name] = {"dtype": _TYPES[array.dtype], "shape": array.shape, "data_offsets": offsets}
        end = offsets[1]
    text = json.dumps(header).encode()
    with whole_file(folder / MOMENTS_FILE) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True)
class Sums:
    """The sums of one group at one layer and step, as of `steering.moments.Moments`.

    Attributes:
        images: how many.
        cond, uncond: (k, d).
        within, across: (d, d).
    """

    images: int
    cond: npt.NDArray[np.float64]
    uncond: npt.NDArray[np.float64]
    within: npt.NDArray[np.float64]
    across: npt.NDArray[np.float64]


class MomentsFile:
    """Reads them.

    Args:
        folder: the session.

    Attributes:
        images: that are summed.
        groups: of each prompt its number.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.images: Sequence[int] = self.array("images").tolist()
        self.groups: Sequence[int] = self.array("groups").tolist()

    @property
    def names(self) -> list[str]:
        """Of all arrays."""
        with open_tensors(self._folder, MOMENTS_FILE, longest_header=_HEADER_BYTES) as file:
            return file.names()

    def array(self, name: str) -> npt.NDArray[Any]:
        """One of them, whole.

        Raises:
            SessionError: if it is not there, or the file is damaged.
        """
        return self._read(name, None)

    def sums(self, group: int, layer: int, slot: int) -> Sums:
        """Those of a group at a layer and the captured step with this index.

        Raises:
            SessionError: as of `array`.
        """
        parts = [self._read(f"{group}.{layer}.{part}", slot) for part in PARTS]
        return Sums(int(parts[0]), *parts[1:])

    def _read(self, name: str, slot: int | None) -> npt.NDArray[Any]:
        path = self._folder / MOMENTS_FILE
        try:
            with open_tensors(self._folder, MOMENTS_FILE, longest_header=_HEADER_BYTES) as file:
                if name not in file or file.dtype(name) not in _TYPES.values():
                    raise SessionError(f"{path} is damaged: it has no sums {name}")
                if slot is None:
                    return file.read(name)
                if not 0 <= slot < file.shape(name)[0]:
                    raise SessionError(f"{path} is damaged: {name} lacks step {slot}")
                found: npt.NDArray[Any] = file.read(name, [slot])[0]
                return found
        except FileNotFoundError:
            name = self._folder.name
            raise SessionError(f"{name} has no {MOMENTS_FILE} yet: the recorder writes it in the end") from None


def unsummed_images(session: Session) -> set[int]:
    """Recorded images that are not in the sums that a session is to have, as its recorder was killed."""
    if session.manifest.moments is None:
        return set()
    return set[int]().union(*(file.images for file in session.files)) - summed_images(session.path)


def summed_images(folder: Path) -> set[int]:
    """Images that are in the sums; none if there is no file."""
    return set(MomentsFile(folder).images) if (folder / MOMENTS_FILE).exists() else set()
