"""An intervention as named arrays, and back: what a file of tensors holds."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from subspacelens_tui.steering.edit import SOURCES, Change, Edit, FloatArray
from subspacelens_tui.steering.errors import SteeringError

Changes = Mapping[int, Mapping[int, Change]]


def to_arrays(changes: Changes) -> dict[str, FloatArray]:
    """Arrays named `LAYER.STEP.edit.bias`, `LAYER.STEP.edit.cond`, …; `matched` instead of `edit` for what a
    change is scaled to. A multiple of the identity is one number.
    """
    found: dict[str, FloatArray] = {}
    for layer, of_layer in changes.items():
        for step, change in of_layer.items():
            for part, edit in (("edit", change.edit), ("matched", change.matched_to)):
                if edit is not None:
                    arrays = {"bias": edit.bias, **{str(s): term for s, term in edit.terms.items()}}
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
            of_change[part][key] = _term(read(name))
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


def _edit(arrays: dict[str, Any]) -> Edit:
    bias = arrays.pop("bias", None)
    if np.ndim(bias) != 2 or not set(arrays) <= set(SOURCES):
        raise SteeringError("an edit has a bias of tokens by width, and terms of known tokens")
    if any(np.shape(term) not in ((), (bias.shape[1],) * 2) for term in arrays.values()):
        raise SteeringError("the matrices of an edit must be of its width")
    return Edit(bias, {source: arrays[source] for source in SOURCES if source in arrays})
