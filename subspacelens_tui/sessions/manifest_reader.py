"""Reading and checking `session.json`, of the present version or an older one."""

import re
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import from_json

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import read_plain
from subspacelens_tui.sessions.format import MANIFEST, Manifest
from subspacelens_tui.sessions.sanitise import quoted
from subspacelens_tui.sessions.text_files import without_mark
from subspacelens_tui.sessions.versions import VersionError, upgraded

# Enough for `MAX_IMAGES`. Parsed, even the worst of so many bytes stays below half a GiB.
MAX_MANIFEST_BYTES = 16 * 2**20

_KEY = re.compile(r"\w{1,40}", re.ASCII)


def read_manifest(folder: Path) -> Manifest:
    """Read and check `session.json`, of the present version or an older one.

    Raises:
        SessionError: if it is missing, no plain file, too large, not JSON, of a newer format, or inconsistent.
    """
    try:
        text = read_plain(folder, MANIFEST, at_most=MAX_MANIFEST_BYTES)
    except FileNotFoundError:
        raise SessionError(f"{folder} is no session: it has no {MANIFEST}") from None
    return parse_manifest(text, folder / MANIFEST)


def parse_manifest(text: bytes | str, path: Path) -> Manifest:
    """Check the text of a `session.json`; `path` is for the message only."""
    try:
        content = from_json(without_mark(text) if isinstance(text, bytes) else text, allow_inf_nan=False)
        if not isinstance(content, dict):
            raise SessionError(f"{path} is damaged: it is no JSON object")
        return Manifest.model_validate(upgraded(content))
    except VersionError as error:
        raise SessionError(f"{path} cannot be read: {error}") from None
    except ValidationError as error:
        raise SessionError(f"{path} is damaged: {first_problem(error)}") from None
    except ValueError as error:
        raise SessionError(f"{path} is damaged: it is not JSON: {error}") from None


def first_problem(found: ValidationError) -> str:
    """The first of the problems of a manifest, in one line."""
    first = found.errors(include_url=False)[0]
    # Keys of the file are part of the place, whatever they are.
    where = ".".join(part if _KEY.fullmatch(part) else quoted(part) for part in map(str, first["loc"]))
    problem = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "string_unicode":
        problem = "it is not UTF-8"
    return f"{where}: {problem}" if where else problem
