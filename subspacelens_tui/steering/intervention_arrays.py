"""An intervention as named arrays, and back: what a file of tensors holds."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from subspacelens_tui.steering.clamp import Clamp
from subspacelens_tui.steering.edit import SOURCES, Change, Edit, FloatArray
from subspacelens_tui.steering.errors import SteeringError

_CLAMP = "clamp_"
Changes = Mapping[int, Mapping[int, Change]]


def to_arrays(changes: Changes) -> dict[str, FloatArray]:
    """Arrays named `LAYER.STEP.edit.bias`, `LAYER.STEP.edit.cond`, …; `matched` instead of `edit` for what a
    change is scaled to. A multiple of the identity is one number. What clamps atoms is `clamp_encoder`, ….
    """
    found: dict[str, FloatArray] = {}
    for layer, of_layer in changes.items():
        for step, change in of_layer.items():
            for part, edit in (("edit", change.edit), ("matched", change.matched_to)):
                if edit is not None:
                    arrays = {"bias": edit.bias, **{str(s): term for s, term in edit.terms.items()}}
                    arrays |= {} if edit.clamp is None else _of_clamp(edit.clamp)
                    found |= {f"{layer}.{step}.{part}.{key}": _flat(array) for key, array in arrays.items()}
    return found


def from_arrays(names: Iterable[str], read: Callable[[str], Any]) -> dict[int, dict[int, Change]]:
    """The changes of `to_arrays`.

    Args:
        names: of the arrays.
        read: an array by its name.

    Raises:
        SteeringError: if they are not of an intervention.
    """
    parts: dict[tuple[int, int], dict[str, dict[str, Any]]] = {}
    for name in names:
        try:
            layer, step, part, key = name.split(".")
            of_change = parts.setdefault((int(layer), int(step)), {"edit": {}, "matched": {}})
            of_change[part][key] = read(name)
        except (ValueError, KeyError):
            raise SteeringError(f"{name[:40]!r} is no part of an intervention") from None
    changes: dict[int, dict[int, Change]] = {}
    for (layer_number, step_number), found in parts.items():
        edit = _edit(found["edit"])
        matched = _edit(found["matched"]) if found["matched"] else None
        changes.setdefault(layer_number, {})[step_number] = Change(edit, matched)
    return changes


def _flat(array: Any) -> FloatArray:
    return np.asarray(array, dtype=np.float32).reshape(-1 if np.ndim(array) == 0 else np.shape(array))


def _term(array: FloatArray) -> Any:
    return float(array[0]) if array.shape == (1,) else array


def _of_clamp(clamp: Clamp) -> dict[str, Any]:
    """Its arrays; counts are small enough for float32."""
    found = {
        "encoder": clamp.encoder,
        "bias": clamp.bias,
        "threshold": clamp.threshold,
        "decoder": clamp.decoder,
        "values": clamp.values,
        "atoms": np.asarray(clamp.atoms),
        "rows": np.asarray(clamp.rows),
        "k": None if clamp.k is None else np.asarray([clamp.k]),
    }
    return {f"{_CLAMP}{key}": array for key, array in found.items() if array is not None}


def _edit(arrays: dict[str, Any]) -> Edit:
    clamp = {key.removeprefix(_CLAMP): of for key, of in arrays.items() if key.startswith(_CLAMP)}
    terms = {key: _term(of) for key, of in arrays.items() if not key.startswith(_CLAMP) and key != "bias"}
    bias: Any = arrays.get("bias")
    if np.ndim(bias) != 2 or not set(terms) <= set(SOURCES):
        raise SteeringError("an edit has a bias of tokens by width, and terms of known tokens")
    width = np.shape(bias)[1]
    if any(np.shape(term) not in ((), (width, width)) for term in terms.values()):
        raise SteeringError("the matrices of an edit must be of its width")
    in_order = {source: terms[source] for source in SOURCES if source in terms}
    return Edit(bias, in_order, _clamp(clamp, width) if clamp else None)


def _clamp(arrays: dict[str, Any], width: int) -> Clamp:
    try:
        rows, atoms = (tuple(int(of) for of in arrays[name]) for name in ("rows", "atoms"))
        found = Clamp(
            arrays["encoder"],
            arrays["bias"],
            arrays.get("threshold"),
            arrays["decoder"],
            arrays["values"],
            atoms,
            rows,
            int(arrays["k"][0]) if "k" in arrays else None,
        )
    except (KeyError, IndexError, ValueError, TypeError, OverflowError):
        raise SteeringError("what clamps atoms is not all there") from None
    m, n = len(found.bias), len(rows)
    shapes = (np.shape(found.encoder), np.shape(found.bias), np.shape(found.decoder), np.shape(found.values))
    if (
        shapes != ((m, width), (m,), (n, width), (n,))
        or len(atoms) != n
        or not all(0 <= row < m for row in rows)
    ):
        raise SteeringError(
            "what clamps atoms must be of the width of its edit, a direction and a value for each"
        )
    if found.threshold is not None and np.shape(found.threshold) != (m,):
        raise SteeringError("what clamps atoms must have a threshold for each row of its encoder")
    return found
