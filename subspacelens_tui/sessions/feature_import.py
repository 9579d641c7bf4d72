"""Activations in a file that another program has written: `.npz` or `.safetensors`, and a table of what they are of."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize, safe_open

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.from_features import FeatureArrays
from subspacelens_tui.sessions.sanitise import some_of
from subspacelens_tui.sessions.text_files import TextFileError, read_text

_INPUT, _STEPS, _PROMPTS, _SEEDS, _LABELS = "input", "steps", "prompts", "seeds", "labels"
_DTYPES = {
    **{"F16": "<f2", "F32": "<f4", "F64": "<f8"},
    **{"I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "U8": "u1", "BOOL": "?"},
}
_DIGITS = re.compile(r"(\d+)")


def read_arrays(path: Path, table: Path | None = None, guidance: float = 1.0) -> FeatureArrays:
    """Read the activations in a file.

    Each array of two or more axes is a layer, `FeatureArrays.layers` has the shapes; layers run in the natural order
    of their names (block.2 before block.10). Some names have a meaning: `labels` or `labels.NAME` (a label scheme),
    `prompts`, `seeds`, `steps`, and `input`, what the first layer receives. A safetensors file holds no text: there
    `labels.NAME` is integers, and its metadata may have their names under the same key, as a JSON list.

    Args:
        path: of the file.
        table: a CSV file with a row for each image, in their order, and a heading: the columns `prompt` and `seed`
            if there are such, every other column a label scheme. It goes before what the file says.
        guidance: the classifier-free guidance scale they were generated with.

    Raises:
        SessionError: in one line, if it cannot be read, or is no such file.
    """
    if not path.is_file():
        raise SessionError(f"there is no file {path}")
    readers = {".npz": _npz, ".safetensors": _safetensors}
    if path.suffix.lower() not in readers:
        raise SessionError(f"{path.name} is neither .npz nor .safetensors: save the features as one of them")
    arrays = readers[path.suffix.lower()](path)
    labels: dict[str, Any] = {
        name.removeprefix(f"{_LABELS}."): arrays.pop(name) for name in list(arrays) if _is_label(name)
    }
    known: dict[str, Any] = {name: arrays.pop(name, None) for name in (_INPUT, _STEPS, _PROMPTS, _SEEDS)}
    if table is not None:
        labels, columns = _table(table)
        known |= columns
    if not labels:
        raise SessionError(
            f"{path.name} has no labels: add an array `labels`, or name a CSV file with a column of them (--table)"
        )
    _refuse_nearly(path, arrays)
    layers = {name: arrays[name] for name in sorted(arrays, key=_natural) if arrays[name].ndim >= 2}
    if not layers:
        held = f"it has {some_of(list(arrays))}" if arrays else "it has no other arrays"
        raise SessionError(f"{path.name} has no layer, an array of (images, width): {held}")
    given = {name: value for name, value in known.items() if value is not None}
    return FeatureArrays(
        layers,
        labels,
        prompts=given.get(_PROMPTS),
        seeds=given.get(_SEEDS),
        steps=_whole(given.get(_STEPS, (0,)), path),
        guidance=guidance,
        layer_input=given.get(_INPUT),
        model=path.stem,
    )


def _refuse_nearly(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Names that were meant to be others would be taken for those of layers, or of nothing."""
    for name in arrays:
        first, dot, rest = name.lower().partition(".")
        meant = first if first.endswith("s") else f"{first}s"
        if meant in (_LABELS, _PROMPTS, _SEEDS, _STEPS) and (not rest or meant == _LABELS):
            raise SessionError(f"{path.name} has an array {name!r}: rename it to {meant + dot + rest!r}")


def _is_label(name: str) -> bool:
    return name == _LABELS or name.startswith(f"{_LABELS}.")


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Orders digits by their number."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in _DIGITS.split(name)]


def _whole(steps: Any, path: Path) -> list[int]:
    try:
        return [int(step) for step in np.atleast_1d(steps)]
    except (TypeError, ValueError):
        raise SessionError(f"{path.name}: `steps` are the numbers of the captured steps") from None


def _npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    if not zipfile.is_zipfile(path):
        raise SessionError(f"{path} cannot be read as .npz: it is no archive of arrays, or damaged")
    try:
        # Pickled objects could run any code.
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        if "allow_pickle" in str(error):
            raise SessionError(
                f"{path.name} holds Python objects, which could run any code: save plain arrays "
                "(labels as an array of text)"
            ) from None
        raise SessionError(f"{path} cannot be read as .npz: {error}") from None


def _safetensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with safe_open(path, "np") as file:
            names = file.metadata() or {}
        tensors = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
        there = {name for name, _ in tensors}
        if unused := [name for name in names if _is_label(name) and name not in there]:
            raise ValueError(f"its metadata names the classes of {unused[0]}, and there is no such array")
        return {name: _named(_array(tensor), name, names) for name, tensor in tensors}
    except (OSError, SafetensorError, ValueError) as error:
        raise SessionError(f"{path} cannot be read as safetensors: {error}") from None


def _array(tensor: Mapping[str, Any]) -> npt.NDArray[Any]:
    """A tensor as the library reads it, with the type in its own words."""
    if tensor["dtype"] == "BF16":
        # NumPy has no bfloat16: it is the upper half of a float32.
        upper = np.frombuffer(tensor["data"], "<u2").astype("<u4") << 16
        return upper.view("<f4").reshape(tensor["shape"])
    if tensor["dtype"] not in _DTYPES:
        raise ValueError(f"it has tensors of {tensor['dtype']}: save them as float32")
    return np.frombuffer(tensor["data"], _DTYPES[tensor["dtype"]]).reshape(tensor["shape"])


def _named(array: npt.NDArray[Any], name: str, names: Mapping[str, str]) -> npt.NDArray[Any]:
    """Labels by name, where the file's metadata has the names."""
    if not _is_label(name) or name not in names:
        return array
    try:
        listed = json.loads(names[name])
    except ValueError:
        raise ValueError(f"its metadata has no JSON list of the classes of {name}") from None
    known = isinstance(listed, list) and np.issubdtype(array.dtype, np.integer)
    if not known or not ((array >= 0) & (array < len(listed))).all():
        raise ValueError(f"its metadata does not name every class of {name}")
    named: npt.NDArray[Any] = np.array(list(map(str, listed)))[array]
    return named


def _table(path: Path) -> tuple[dict[str, list[str]], dict[str, list[Any]]]:
    """The label schemes, and the prompts and seeds, of a CSV file."""
    rows = list(_rows(path))
    if not rows:
        raise SessionError(f"{path.name} has no rows: a heading and a row for each image are needed")
    if len(rows[0]) == 1 and any(mark in (only := next(iter(rows[0]))) for mark in ";\t"):
        raise SessionError(f"{path.name} has the one column {only!r}: separate columns by commas")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    known: dict[str, list[Any]] = {}
    if "prompt" in columns:
        known[_PROMPTS] = columns.pop("prompt")
    if "seed" in columns:
        try:
            known[_SEEDS] = [int(seed) for seed in columns.pop("seed")]
        except ValueError as error:
            raise SessionError(f"{path.name}: a seed is not a whole number ({error})") from None
    return columns, known


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
        if reader.fieldnames and len(set(reader.fieldnames)) < len(reader.fieldnames):
            raise SessionError(f"{path.name} has two columns of one name")
        for number, row in enumerate(reader, start=1):
            if None in row or None in row.values():
                raise SessionError(
                    f"{path.name}: image row {number} has more or fewer cells than the heading"
                )
            yield row
    except FileNotFoundError:
        raise SessionError(f"there is no file {path}") from None
    except (TextFileError, csv.Error) as error:
        raise SessionError(f"{path.name} {error}") from None
