"""Reading the settings: flags win over the environment, the environment over the file.

pydantic-settings does the same; its import takes 80 ms here, a sixth of the app's whole start.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from subspacelens_tui.app.preferences.schema import Preferences, PreferencesError
from subspacelens_tui.app.user_folders import config_folder
from subspacelens_tui.sessions.text_files import TextFileError, read_toml

ENVIRONMENT = "SUBSPACELENS_"
# A table does not fit into a variable.
_ONLY_IN_FILE = ("keys",)

_WANTED = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "dict_type": "must be a table",
    "list_type": "must be a key or a list of keys",
    "path_type": "must be a path",
}

Source = str
"""Where a setting was taken from, as said to the user: a path, a variable, a flag."""


def settings_file() -> Path | None:
    """The settings file in the platform's place; it need not be there. None where there is no home folder."""
    folder = config_folder()
    return None if folder is None else folder / "settings.toml"


def read_preferences(flags: Mapping[str, Any] | None = None) -> tuple[Preferences, dict[str, Source]]:
    """The settings, and the source of each that is not at its default.

    Args:
        flags: settings given on the command line, by name.

    Raises:
        PreferencesError: with one clear line, if one of them is wrong.
    """
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    path = settings_file()
    for found, source in (
        ({} if path is None else _in_file(path), lambda name: str(path)),
        (_in_environment(), lambda name: ENVIRONMENT + name.upper()),
        (dict(flags or {}), lambda name: "--" + name),
    ):
        values |= found
        sources |= {name: source(name) for name in found}
    try:
        return Preferences.model_validate(values), sources
    except ValidationError as error:
        raise PreferencesError(_line(error.errors()[0], sources)) from None


def _in_file(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError:
        return {}
    except TextFileError as error:
        raise PreferencesError(f"{path} {error}") from None


def _in_environment() -> dict[str, str]:
    names = [name for name in Preferences.model_fields if name not in _ONLY_IN_FILE]
    # An empty variable is one that was unset the easy way.
    return {name: value for name in names if (value := os.environ.get(ENVIRONMENT + name.upper()))}


def _line(problem: ErrorDetails, sources: Mapping[str, Source]) -> str:
    name, *inside = map(str, problem["loc"])
    where = sources[name] if sources[name] != f"--{name}" else "the command line"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Preferences.model_fields, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(Preferences.model_fields)}"
        return f"{where}: there is no setting {name!r}: {hint}"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "must")
    message = _WANTED.get(problem["type"], message)
    setting = ".".join([name, *(part for part in inside if not part.isdigit())])
    return f"{where}: {setting} {message}, not {problem['input']!r}"
