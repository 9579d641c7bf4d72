"""Tables on disk, and what is needed to write each format."""

import csv
import importlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sessions.sanitise import plain

TABLE_FORMATS = ("csv", "json", "parquet")
PLOT_FORMATS = ("svg", "png")
FORMATS = (*TABLE_FORMATS, *PLOT_FORMATS)
# What a format needs beyond what is always installed: module, and the extra that brings it.
_NEEDED = {"parquet": ("pyarrow", "parquet"), "svg": ("matplotlib", "plots"), "png": ("matplotlib", "plots")}
# What becomes of the bytes of a file name that is not UTF-8: in JSON the escape that stands for them.
UNDECODED = "backslashreplace"

Row = Mapping[str, Any]


class ExportError(Exception):
    """Something cannot be exported; the message is one line that says what to do."""


def parse_formats(text: str) -> tuple[str, ...]:
    """Formats from "csv,svg", or "all"; each once, in a fixed order.

    Raises:
        ExportError: a format that there is not, or one whose package is not installed.
    """
    asked = {word.strip() for word in text.lower().split(",")}
    if asked == {"all"}:
        asked = set(FORMATS)
    if unknown := sorted(asked - set(FORMATS)):
        raise ExportError(f"there is no format {unknown[0]!r}: use {', '.join(FORMATS)}, or all")
    formats = tuple(name for name in FORMATS if name in asked)
    for name in formats:
        need(name)
    return formats


def need(name: str) -> None:
    """Import the package of a format, or refuse the format: before anything is computed.

    Raises:
        ExportError: with the command that installs it, or the reason why it cannot be imported.
    """
    if name not in _NEEDED:
        return
    module, extra = _NEEDED[name]
    # Plots need no backend of matplotlib; what a notebook left in the variable would stop it.
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        importlib.import_module(module)
    except Exception as error:  # of compiled packages anything that does not fit them
        if isinstance(error, ModuleNotFoundError) and error.name == module:
            raise ExportError(
                f"{name} needs {module}, which is not installed: pip install 'subspacelens-tui[{extra}]'"
            ) from None
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ExportError(
            f"{name} needs {module}, which is installed but cannot be imported: {reason}"
        ) from None
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


def why_unwritable(file: Path) -> str | None:
    """Why a file that was named with --to cannot be written, to be said before anything is computed."""
    if os.path.lexists(file):
        return f"{file} is there already: name another file with --to"
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}: make it first"
    if not os.access(file.parent, os.W_OK):
        return f"cannot write to {file.parent}: no permission"
    return None


def refuse_existing(paths: Iterable[Path]) -> None:
    """See that none of some files is there.

    Raises:
        ExportError: with the first of those that are, and what to do.
    """
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        more = f" and {len(there) - 1} more of its files" if len(there) > 1 else ""
        raise ExportError(
            f"{there[0]}{more} {'are' if more else 'is'} there already: choose another folder, or write over "
            f"{'them' if more else 'it'} with --force"
        )


def write_table(path: Path, rows: Iterable[Row], metadata: str = "") -> Path:
    """Write rows in the format of the path's ending: .csv, .json or .parquet. What is missing is empty.

    Parquet has room for metadata beside its columns; it goes under the key `subspacelens_tui`. The file is
    there as a whole or not at all: half of a table looks like one.

    Raises:
        ExportError: the format needs a package that is not installed.
        OSError: the file cannot be written.
    """
    rows = list(rows)
    kind = path.suffix.removeprefix(".")
    need(kind)
    with whole_file(path) as temporary:
        if kind == "parquet":
            _write_parquet(temporary, rows, metadata)
        else:
            {"csv": _write_csv, "json": write_json}[kind](temporary, rows)
    return path


def tabbed(rows: Iterable[Row]) -> str:
    """The rows as text with tabs between columns, as spreadsheets take from the clipboard."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(rows), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        # What is pasted may land in a shell: no control characters.
        writer.writerow(
            {name: plain(value) if isinstance(value, str) else value for name, value in row.items()}
        )
    return text.getvalue()


def _write_csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors=UNDECODED) as file:
        writer = csv.DictWriter(file, _columns(rows))
        writer.writeheader()
        writer.writerows(rows)


def write_json(path: Path, content: Any) -> None:
    """Write an object as JSON, in which NaN is a defect of ours."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text, encoding="utf-8", errors=UNDECODED)


def _write_parquet(path: Path, rows: list[Row], metadata: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = _columns(rows)
    table = pa.table({name: [_decoded(row.get(name)) for row in rows] for name in columns})
    if metadata:
        table = table.replace_schema_metadata({"subspacelens_tui": metadata})
    parquet.write_table(table, path)


def _decoded(value: Any) -> Any:
    return value.encode("utf-8", UNDECODED).decode("utf-8") if isinstance(value, str) else value


def _columns(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))
