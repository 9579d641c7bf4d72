"""Opening what lies inside a session, and nothing else: a session may come from a stranger."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from subspacelens_tui.sessions.errors import SessionError

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Not blocking: opening a pipe that nobody writes to would wait for ever.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_APPEND_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_PLAIN = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)


class Stamp(NamedTuple):
    """What changes when a file is replaced, cut off or written to."""

    inode: int
    size: int
    modified: int


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file, from what the system says of it."""
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)


def stamp_at(path: str | Path) -> Stamp | None:
    """The stamp of what is at a path, links not followed; None if there is nothing."""
    try:
        return stamp_of(os.lstat(path))
    except OSError:
        return None


def open_plain(folder: Path, *inside: str) -> BinaryIO:
    """Open a file of a session to read, whatever else may lie there under its name.

    The session's folder may be a link; what is inside may not: links, pipes, sockets and devices are refused,
    as is a folder on the way that is a link.

    Args:
        folder: the session.
        inside: the path from there, part by part.

    Raises:
        FileNotFoundError: if it is not there.
        SessionError: if it is not a plain file, or cannot be read.
    """
    path = folder.joinpath(*inside)
    try:
        descriptor = _descend(folder, inside)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _NOT_PLAIN:
            raise SessionError(f"{path} is left out: it is not a plain file") from None
        raise SessionError(f"{path} cannot be read: {error.strerror or error}") from None
    return os.fdopen(descriptor, "rb")


def _descend(folder: Path, inside: tuple[str, ...]) -> int:
    """A descriptor of the file; OSError ELOOP if it is no plain one."""
    if not inside or any(part in ("", ".", "..") or "/" in part or "\0" in part for part in inside):
        raise OSError(errno.ELOOP, "not a name")
    here = os.open(folder, _FOLDER_FLAGS)
    try:
        for part in inside[:-1]:
            here, parent = os.open(part, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=here), here
            os.close(parent)
        descriptor = os.open(inside[-1], _FILE_FLAGS, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ELOOP, "not a plain file")
    return descriptor


def read_plain(folder: Path, *inside: str, at_most: int) -> bytes:
    """The content of a small file of a session, opened as by `open_plain`.

    Raises:
        FileNotFoundError: if it is not there.
        SessionError: if it is not a plain file, is larger than `at_most` bytes, or cannot be read.
    """
    with open_plain(folder, *inside) as file:
        try:
            content = file.read(at_most + 1)
        except OSError as error:
            path = folder.joinpath(*inside)
            raise SessionError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(content) > at_most:
        path = folder.joinpath(*inside)
        raise SessionError(f"{path} is larger than {at_most >> 10} KiB: it is none of ours")
    return content


def append_plain(folder: Path, name: str) -> BinaryIO:
    """Open a file right inside a session to append to, made if it is not there.

    Raises:
        SessionError: if there is something else of that name: a link would lead out of the session.
        OSError: if it cannot be written.
    """
    path = folder / name
    try:
        # Who else may write is up to the umask: a group that shares its sessions has set it so.
        descriptor = os.open(path, _APPEND_FLAGS, 0o666)
    except OSError as error:
        if error.errno in _NOT_PLAIN:
            raise SessionError(f"{path} is not a plain file: delete it to record here") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SessionError(f"{path} is not a plain file: delete it to record here")
    return os.fdopen(descriptor, "ab", buffering=0)


def refuse_links(folder: Path, *names: str) -> None:
    """See that folders right inside a session that is to be written are no links to others.

    Raises:
        SessionError: if one is a link, or no folder.
    """
    for name in names:
        path = folder / name
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise SessionError(f"{path} is not a plain folder: nothing is recorded here")


def names_inside(folder: Path, *inside: str, at_most: int) -> list[str]:
    """Names in a folder of a session, in no order; none if it is not there.

    Raises:
        SessionError: if it is no folder (or a link to one), holds more than `at_most` names, or cannot be read.
    """
    path = folder.joinpath(*inside)
    names: list[str] = []
    try:
        descriptor = os.open(path, _FOLDER_FLAGS | (os.O_NOFOLLOW if inside else 0))
    except FileNotFoundError:
        return names
    except OSError as error:
        raise SessionError(f"{path} is left out: it is not a plain folder ({error.strerror})") from None
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if len(names) == at_most:
                    raise SessionError(f"{path} is left out: it holds more than {at_most} files")
                names.append(entry.name)
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}") from None
    finally:
        os.close(descriptor)
    return names
