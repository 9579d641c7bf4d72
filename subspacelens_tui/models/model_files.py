"""Where the files of a model are: in a folder, in the hub's cache, or on the hub. Imports no torch."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path

from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.problems import first_line, unreadable
from subspacelens_tui.models.source import at_hand, cached_revisions

# For how long the hub may take to answer: where there is no network at all, some firewalls say nothing.
_SECONDS = 10.0


class Place(ABC):
    """The files of one model.

    Attributes:
        model: what the user calls it.
        again: what to do where a file is missing, as the end of a line.
        anew: what to do where one is damaged.
        whole: whether a file that is not here is not there at all; the hub's cache holds what was fetched.
    """

    model: str
    again: str
    anew: str
    whole = True

    @abstractmethod
    def files(self, part: str = "") -> frozenset[str]:
        """Names of the files of a part, or of those beside the parts."""

    @abstractmethod
    def get(self, files: Collection[str]) -> Path:
        """A folder of this machine that has these files, by their paths from there."""


class FolderPlace(Place):
    """A folder of this machine."""

    def __init__(self, model: str, folder: Path) -> None:
        self.model = model
        self.folder = folder
        self.again = self.anew = f"put a whole copy there, as `hf download ID --local-dir {folder}` does"

    def files(self, part: str = "") -> frozenset[str]:
        """As of `Place`; dead links too."""
        path = self.folder / part
        try:
            with os.scandir(path) as entries:
                return frozenset(entry.name for entry in entries if part or not entry.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        except OSError as error:
            raise unreadable(self.model, path, error) from None

    def get(self, files: Collection[str]) -> Path:
        """As of `Place`."""
        return self.folder


class CachedPlace(FolderPlace):
    """What the hub's cache has of a repository, where the hub cannot be asked."""

    whole = False

    def __init__(self, model: str, revision: str | None, folder: Path) -> None:
        super().__init__(model, folder)
        self.again = f"run `{_download(model, revision)}` where there is a network"
        self.anew = f"run `{_download(model, revision)} --force-download` where there is a network"


class HubPlace(Place):
    """A repository on the hub; what its cache has is not fetched again."""

    def __init__(self, model: str, revision: str | None, names: Collection[str]) -> None:
        self.model = model
        self.again = f"run `{_download(model, revision)}`"
        self.anew = f"run `{_download(model, revision)} --force-download`"
        self._revision = revision
        self._names = names

    def files(self, part: str = "") -> frozenset[str]:
        """As of `Place`."""
        split = [name.rpartition("/") for name in self._names]
        return frozenset(name for folder, _, name in split if folder == part)

    def get(self, files: Collection[str]) -> Path:
        """As of `Place`."""
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(self.model, revision=self._revision, allow_patterns=sorted(files)))
        except Exception as error:  # of the hub, the network, the disk
            raise _hub_problem(self.model, self._revision, error) from error


def place_of(model: str, revision: str | None) -> Place:
    """Where the files of a model are.

    The hub is asked once; if it does not answer, its cache is all there is. Left to themselves, the libraries
    ask it for each file and try again for half a minute.

    Raises:
        ModelError: if there is no such model, or it is neither here nor can be fetched.
    """
    if (folder := folder_place(model)) is not None:
        return folder
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        found = HfApi().model_info(model, revision=revision, timeout=_SECONDS)
    except (HFValidationError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise _hub_problem(model, revision, error) from error
    except OfflineModeIsEnabled:
        return _cached(model, revision, "HF_HUB_OFFLINE keeps it from being fetched")
    except (
        Exception
    ) as error:  # of the network, or of a hub that is down: which library says so depends on its version
        return _cached(model, revision, f"the hub gave no answer ({first_line(_root(error))})")
    return HubPlace(model, revision, [file.rfilename for file in found.siblings or ()])


def folder_place(model: str) -> FolderPlace | None:
    """The place of a model that is a folder; None if it is none."""
    if model in BUNDLED:
        return FolderPlace(model, BUNDLED[model].path)
    return FolderPlace(model, Path(model)) if Path(model).is_dir() else None


def _cached(model: str, revision: str | None, why_not_fetched: str) -> CachedPlace:
    if (folder := at_hand(model, revision)) is not None:
        return CachedPlace(model, revision, folder)
    fetch = f"run `{_download(model, revision)}` where there is a network"
    if others := cached_revisions(model):
        take = "leave out `--revision`" if "main" in others else f"add `--revision {others[0]}`"
        raise ModelError(
            f"the hub's cache has model {model!r} in revision {', '.join(others[:5])} only, not "
            f"{revision or 'main'}, and {why_not_fetched}: {take}, or {fetch}",
            mendable=True,
        )
    raise ModelError(
        f"model {model!r} is neither a folder nor in the hub's cache, and {why_not_fetched}: "
        f"check how it is spelled, or {fetch}",
        mendable=True,
    )


def _root(error: BaseException) -> BaseException:
    """What went wrong first: libraries of the network wrap it several times."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _hub_problem(model: str, revision: str | None, error: Exception) -> ModelError:
    """Which of the hub's failures it was, by its kind; kinds are in the order of their inheritance."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):
        return ModelError(
            f"model {model!r} is gated: accept its licence at https://huggingface.co/{model}, "
            "then run `hf auth login`",
            mendable=True,
        )
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return ModelError(
            f"there is no model {model!r}: not a folder here, and not a repository on the hub; "
            "check how it is spelled (or, if it is private, run `hf auth login`)"
        )
    if isinstance(error, RevisionNotFoundError):
        return ModelError(
            f"model {model!r} has no revision {revision!r}: leave out `--revision` for the newest"
        )
    return ModelError(
        f"model {model!r} could not be fetched ({first_line(error)}): try again, or run "
        f"`{_download(model, revision)}`",
        mendable=True,
    )


def _download(model: str, revision: str | None) -> str:
    return f"hf download {model}" + (f" --revision {revision}" if revision else "")
