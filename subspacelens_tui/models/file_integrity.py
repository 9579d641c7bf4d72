"""Whether files of a model are what their names say: whole, readable, and no stand-ins. Imports no torch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from subspacelens_tui.models.model_files import Place
from subspacelens_tui.models.problems import damaged, lacks, unreadable

_HEAD = 64
_LFS = b"version https://git-lfs"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# How files that torch writes begin: archives, and the older kind.
_ARCHIVE, _PICKLE = b"PK", b"\x80"


def read_json(path: Path, place: Place) -> Mapping[str, Any]:
    """The object in a JSON file of a model.

    Raises:
        ModelError: if there is none.
    """
    check_small(path, place)
    content = path.read_bytes()
    if content.startswith(_BYTE_ORDER_MARK):
        # Left to itself, diffusers says that the file is no valid JSON.
        why = "begins with a byte-order mark, which diffusers does not take"
        raise damaged(place.model, _inside(path), why, "save it as UTF-8 without one")
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise damaged(place.model, _inside(path), f"is no JSON ({error})", place.anew) from None
    if not isinstance(found, dict):
        raise damaged(place.model, _inside(path), "is no JSON object", place.anew)
    return found


def check_small(path: Path, place: Place) -> bytes:
    """See that a file is there, can be read, and is not empty; returns how it begins.

    Raises:
        ModelError: if it is not so.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        if path.is_symlink():
            why = f"is a link to {path.readlink()}, where nothing is"
            raise damaged(place.model, _inside(path), why, place.again) from None
        raise lacks(place.model, [_inside(path)], place.again) from None
    except OSError as error:
        raise unreadable(place.model, path, error) from None
    if head.startswith(_LFS):
        why = "is a Git LFS pointer, not the file itself"
        raise damaged(place.model, _inside(path), why, f"run `git lfs pull` in {path.parent}")
    if not head:
        raise damaged(place.model, _inside(path), "is empty", place.anew)
    return head


def check_weights(path: Path, place: Place) -> None:
    """See that a file of weights is whole, as far as that costs nothing.

    Raises:
        ModelError: if it is not.
    """
    head = check_small(path, place)
    if path.suffix != ".safetensors":
        whole = zipfile.is_zipfile(path) if head.startswith(_ARCHIVE) else head.startswith(_PICKLE)
        if not whole:
            raise damaged(place.model, _inside(path), "is cut short, or no file of torch", place.anew)
        return
    try:
        with safe_open(path, "numpy"):
            pass
    except SafetensorError as error:
        why = f"is cut short, or no safetensors ({error})"
        raise damaged(place.model, _inside(path), why, place.anew) from None


def check_index(path: Path, place: Place) -> None:
    """See that the shards that an index names are there.

    Raises:
        ModelError: if one is not.
    """
    places = read_json(path, place).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise damaged(place.model, _inside(path), "names no files", place.anew)
    for name in sorted(set(places.values())):
        check_weights(path.parent / Path(name).name, place)


def _inside(path: Path) -> str:
    """A file by its part and name, as it is in every copy of the model."""
    return path.name if path.name == "model_index.json" else f"{path.parent.name}/{path.name}"
