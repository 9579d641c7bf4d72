"""The feature files of a session, followed: new ones, and those that change, as where a session is being copied."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.features import FOLDER, FeatureFile, check_file
from subspacelens_tui.sessions.files import names_inside, stamp_at
from subspacelens_tui.sessions.format import MANIFEST, Manifest

_PROBLEMS_AT_MOST = 100
# Files that are no batches of ours: temporary ones of recorders, and what somebody else put there.
_OTHER_FILES = 1_000
# Of the whole files so many, or one in so many, are compared with what they were in one look.
_LEAST_COMPARED, _ONE_IN = 256, 16

_State = tuple[int, int, int, int] | None


class Batches:
    """Follows the folder of features: a file that changes is checked anew, whether it was refused or whole.

    Args:
        folder: the session.

    Attributes:
        files: the whole files, by name; of two that hold the same image, the first counts.
        images: those that `files` hold.
        version: changes whenever `files` does.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole: dict[str, FeatureFile] = {}
        self._refused: dict[str, tuple[_State, str]] = {}
        self._folder_problem: str | None = None
        self._turn = 0
        self.files: list[FeatureFile] = []
        self.images: set[int] = set()
        self.version = 0

    @property
    def problems(self) -> list[str]:
        """One line for each file that is left out now, the first hundred of them."""
        lines = [] if self._folder_problem is None else [self._folder_problem]
        lines += [self._refused[name][1] for name in sorted(self._refused)]
        if (more := len(lines) - _PROBLEMS_AT_MOST) > 0:
            lines[_PROBLEMS_AT_MOST:] = [f"{more} more files are left out"]
        return lines

    def look(self, manifest: Manifest) -> bool:
        """Take in what has changed since the last look; True if `files` has.

        Args:
            manifest: of a session whose blocks are known.
        """
        at_most = len(manifest.images) + _OTHER_FILES
        try:
            names = set(filter(_is_batch, names_inside(self._folder, FOLDER, at_most=at_most)))
        except SessionError as error:
            self._folder_problem = str(error)
            return False
        self._folder_problem = None
        if not names and not (self._folder / MANIFEST).exists():
            # The session itself is gone, or out of reach: what was read of it is kept.
            return False
        known = self._whole.keys() | self._refused.keys()
        changed = self._forget(known - names)
        for name in sorted((names - known).union(self._changed())):
            changed |= self._check(name, manifest)
        if changed:
            self._settle()
        return changed

    def _changed(self) -> list[str]:
        """Known files that are no longer what they were: looked for among those refused, and some whole ones.

        All whole ones have their turn within 16 looks. To look at each of thousands every time would take a
        network file system longer than a look should.
        """
        whole = list(self._whole)
        first, self._turn = self._turn, self._turn + max(_LEAST_COMPARED, len(whole) // _ONE_IN)
        if self._turn >= len(whole):
            self._turn = 0
        due = whole[first : self._turn or None]
        changed = [name for name in due if stamp_at(self._path(name)) != self._whole[name].stamp]
        return changed + [name for name, (state, _) in self._refused.items() if self._state(name) != state]

    def _check(self, name: str, manifest: Manifest) -> bool:
        """Check a file as it is now; True if it is whole, or was."""
        state, was_whole = self._state(name), self._forget([name])
        try:
            self._whole[name] = check_file(self._folder, name, manifest)
        except FileNotFoundError:
            return was_whole
        except SessionError as error:
            self._refused[name] = state, str(error)
            return was_whole
        return True

    def _forget(self, names: Iterable[str]) -> bool:
        """Forget files; True if a whole one was among them."""
        for name in names:
            self._refused.pop(name, None)
        forgotten = [self._whole.pop(name, None) for name in names]
        return any(file is not None for file in forgotten)

    def _settle(self) -> None:
        """Settle which images count in which file."""
        self.files, self.images = [], set()
        for _, file in sorted(self._whole.items()):
            if not self.images.isdisjoint(file.images):
                rows = tuple(row for row in file.rows if file.images[row] not in self.images)
                file = replace(file, rows=rows)
            if file.rows:
                self.files.append(file)
                self.images.update(file.images)
        self.version += 1

    def _path(self, name: str) -> Path:
        return self._folder / FOLDER / name

    def _state(self, name: str) -> _State:
        """What may make a file that was refused readable: also its permissions, which the change time tells."""
        try:
            found = os.lstat(self._path(name))
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_batch(name: str) -> bool:
    return name.endswith(".safetensors") and not name.startswith(".")
