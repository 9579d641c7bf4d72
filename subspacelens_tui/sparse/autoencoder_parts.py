"""What the layouts of autoencoders share: configuration, tensors, and whether these fit each other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize

from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.errors import SparseError

_LONGEST_CONFIG = 16 * 2**20
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True)
class Loaded:
    """An autoencoder from a file.

    Attributes:
        autoencoder: for tokens as they were recorded, unless `mean_norm` says otherwise.
        layout: whose files these are.
        hook: where its makers say that its tokens were taken; empty if they do not.
        of_update: whether it was trained on what a block adds to its input, rather than on what it puts out.
        mean_norm: tokens are to be scaled to this mean norm first; None for as they are.
        session, images: of one of ours, what it was trained on.
        without_position: of one of ours, whether tokens were minus the mean at their position.
    """

    autoencoder: Autoencoder
    layout: str
    hook: str = ""
    of_update: bool = False
    mean_norm: float | None = None
    session: str = ""
    images: frozenset[int] | None = None
    without_position: bool = False


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        SparseError: there is none.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_CONFIG + 1)
    except OSError as error:
        raise SparseError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        found = json.loads(content) if len(content) <= _LONGEST_CONFIG else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SparseError(f"{path} is not the configuration of an autoencoder: no JSON object, or too long")
    return found


def of_section(config: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside a configuration; empty if there is none of that name."""
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def k_of(path: Path, config: dict[str, Any]) -> int:
    """The number of active atoms that a configuration says."""
    k = config.get("k")
    if not isinstance(k, int) or k < 1:
        raise SparseError(f"{path} does not say k, how many atoms a token has")
    return k


def checked(folder: Path, found: Autoencoder) -> Autoencoder:
    """See that its parts fit each other and are finite.

    Raises:
        SparseError: they do not.
    """
    m, d = found.decoder.shape if found.decoder.ndim == 2 else (0, 0)
    parts = {
        "encoder": (found.encoder, (m, d)),
        "its bias": (found.encoder_bias, (m,)),
        "decoder": (found.decoder, (m, d)),
        "its bias, b_dec,": (found.decoder_bias, (d,)),
        "threshold": (found.threshold, (m,)),
    }
    for name, (of, shape) in parts.items():
        if of is not None and of.shape != shape:
            raise SparseError(f"{folder} is damaged: the {name} has the shape {of.shape}, not {shape}")
        if of is not None and not np.isfinite(of).all():
            raise SparseError(f"{folder} is damaged: the {name} is not finite")
    return found


def take(path: Path, tensors: Mapping[str, FloatArray], key: str) -> FloatArray:
    """One of the tensors of a file."""
    if key not in tensors:
        raise SparseError(f"{path} has no {key}: it has {', '.join(sorted(tensors)[:8]) or 'nothing'}")
    return tensors[key]


def read_tensors(path: Path) -> dict[str, FloatArray]:
    """The floating-point tensors of a safetensors file, bfloat16 among them, by name."""
    try:
        found = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except OSError as error:
        raise SparseError(f"{path} cannot be read: {error.strerror or error}") from None
    except SafetensorError as error:
        raise SparseError(f"{path} is damaged: {error}") from None
    tensors: dict[str, FloatArray] = {}
    for name, of in found:
        if (dtype := _DTYPES.get(of["dtype"])) is None:
            continue
        raw: npt.NDArray[Any] = np.frombuffer(bytearray(of["data"]), dtype).reshape(of["shape"])
        if of["dtype"] == "BF16":
            raw = (raw.astype(np.uint32) << 16).view(np.float32)
        tensors[name] = raw.astype(np.float64)
    return tensors
