"""What the app remembers by itself: layout, theme, what was looked at last. Never the user's to write.

Losing it costs nothing, so a damaged file is one that is not there, and a place that cannot be written is
no reason to complain.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from subspacelens_tui.app.user_folders import state_folder
from subspacelens_tui.sessions.text_files import without_mark

_SESSIONS_AT_MOST = 500
_BYTES_AT_MOST = 4 * 2**20

_Sizes = Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=2, max_length=20)]


class SavedSelection(BaseModel):
    """What was looked at in a session when it was left; None where the session's default was.

    `maximised` is the pane that was seen alone, if one was.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    layer: Annotated[int, Field(ge=0)] = 0
    labels: str | None = None
    eps: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    iso_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    branch: str | None = None
    step: int | None = None
    guidance: float | None = None
    features: str | None = None
    rank: Annotated[int, Field(ge=1)] | None = None
    design: str | None = None
    errors: str | None = None
    together: bool = True
    maximised: str | None = None


class Remembered(BaseModel):
    """The whole of the state.

    Attributes:
        theme: last one chosen in the app.
        splits: sizes of panes that lie side by side, by their names joined with commas.
        measure: which of excess and ΔR the curves showed.
        shows: which of the panes that share a place was seen there.
        sessions: the last selection by the session's path, the latest last.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    theme: str | None = None
    splits: dict[str, _Sizes] = {}
    measure: str | None = None
    shows: dict[str, str] = {}
    sessions: dict[str, SavedSelection] = {}


def state_file() -> Path | None:
    """The state's file in the platform's place; None where there is no home folder."""
    folder = state_folder()
    return None if folder is None else folder / "state.json"


class SavedState:
    """The state, read anew before each change of it: several apps may run.

    Args:
        path: where it is kept; None keeps it for as long as the app runs.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._now = self._read()

    @property
    def now(self) -> Remembered:
        """What is remembered."""
        return self._now

    def keep(self, **changes: Any) -> None:
        """Remember some fields of the state."""
        self._write(self._read().model_copy(update=changes))

    def keep_split(self, name: str, sizes: list[int] | None) -> None:
        """Remember the sizes of panes side by side; None forgets them."""
        others = {key: value for key, value in self._read().splits.items() if key != name}
        self.keep(splits=others | ({name: sizes} if sizes else {}))

    def selection(self, session: Path) -> SavedSelection | None:
        """What was looked at last in a session."""
        return self._now.sessions.get(_key(session))

    def keep_selection(self, session: Path, selection: SavedSelection | None) -> None:
        """Remember what is looked at in a session; None forgets it."""
        sessions = {key: value for key, value in self._read().sessions.items() if key != _key(session)}
        if selection is not None:
            sessions[_key(session)] = selection
        self.keep(sessions=dict(list(sessions.items())[-_SESSIONS_AT_MOST:]))

    def _read(self) -> Remembered:
        if self._path is None:
            return getattr(self, "_now", Remembered())
        try:
            with self._path.open("rb") as file:
                return Remembered.model_validate_json(without_mark(file.read(_BYTES_AT_MOST)))
        except (OSError, ValueError):  # pydantic's error is a ValueError
            return Remembered()

    def _write(self, state: Remembered) -> None:
        self._now = state
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._path, state.model_dump_json(exclude_defaults=True, indent=1))


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is there whole or as it was."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _key(session: Path) -> str:
    # A name that is not UTF-8 cannot stand in JSON as it is.
    return os.fsencode(session.resolve()).decode("utf-8", "backslashreplace")
