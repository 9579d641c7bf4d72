"""Reading the tensors of pickled autoencoders; only weights, never code."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from subspacelens_tui.sparse import SparseError
from subspacelens_tui.sparse.components import FloatArray


def read_pickle(path: Path) -> dict[str, FloatArray]:
    """The tensors of a file that torch wrote, by name; those of a dictionary inside with a dot between.

    Raises:
        SparseError: it cannot be read, or holds more than tensors and plain values.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise SparseError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception:  # of many kinds, as what was meant to run something fails
        raise SparseError(
            f"{path} holds more than weights, or is damaged: it is not loaded, since it could run any code"
        ) from None
    if not isinstance(found, dict):
        raise SparseError(f"{path} is not a dictionary of weights")
    return dict(_tensors(found, ""))


def _tensors(of: dict[Any, Any], before: str) -> "list[tuple[str, FloatArray]]":
    found: list[tuple[str, FloatArray]] = []
    for name, value in of.items():
        if isinstance(value, torch.Tensor):
            found.append((before + str(name), np.asarray(value.to(torch.float64).numpy())))
        elif isinstance(value, dict):
            # What wraps the weights ("state_dict", "model") is not part of their names.
            found += _tensors(value, before)
    return found
