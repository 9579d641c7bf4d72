"""The arrays of an intervention, in the folder of the session that was steered with it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.tensors import open_tensors

STEERING_FILE = "steering.safetensors"
# About 100 bytes for each array: 10 of them a layer and step, of 50 layers and steps.
_HEADER_BYTES = 2**20


def write_steering(folder: Path, arrays: Mapping[str, npt.NDArray[np.floating]]) -> None:
    """Write the arrays of an intervention, by name, in float32."""
    tensors = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}
    with whole_file(folder / STEERING_FILE) as temporary:
        temporary.write_bytes(save(tensors))


@contextmanager
def open_steering(folder: Path) -> Iterator[tuple[list[str], Callable[[str], npt.NDArray[Any]]]]:
    """The names of the arrays, and what reads one.

    Raises:
        SessionError: if there are none, or the file is damaged.
    """
    try:
        with open_tensors(folder, STEERING_FILE, longest_header=_HEADER_BYTES) as file:
            names = file.names()
            if any(file.dtype(name) != "F32" or not file.shape(name) for name in names):
                raise SessionError(f"{folder / STEERING_FILE} is damaged: it holds other arrays than it should")
            yield names, file.read
    except FileNotFoundError:
        raise SessionError(f"{folder.name} was steered, but its {STEERING_FILE} is not there") from None
