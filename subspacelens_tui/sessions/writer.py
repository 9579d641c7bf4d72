"""Writing a session: what the recorder does."""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sessions import features
from subspacelens_tui.sessions.atomic_files import discard_unfinished, temporary_beside, whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import IMAGES, MANIFEST, Block, Manifest, ModelInfo, UnreadText
from subspacelens_tui.sessions.manifest_reader import MAX_MANIFEST_BYTES, read_manifest
from subspacelens_tui.sessions.names import automatic_paths, session_path

if TYPE_CHECKING:
    from PIL import Image  # for annotations only: the app starts without it

_THUMBNAIL = 256
# For how long a network file system may not show what another machine has made.
_UNSEEN_SECONDS = 60.0
# Of a manifest: when it was made, and what is known once the model is loaded.
_NOT_PLANNED = {
    *("created", "blocks", "input_width", "unread_text", "versions"),
    *("guidance_branches", "guidance_argument", "denoisers", "model_blocks", "frames"),
    *("steps", "timesteps", "scheduler"),
}
_THERE_ALREADY = (errno.EEXIST, errno.ENOTEMPTY)


class SessionAlreadyThereError(SessionError):
    """The folder of a new session exists."""


def create_session(
    folder: Path, manifest: Manifest, fill: Callable[[Path], None] = lambda folder: None
) -> None:
    """Make a new session's folder with its `session.json`, in one step: it is there as a whole or not at all.

    Args:
        folder: the session.
        manifest: its content.
        fill: writes more into the folder before anybody sees it.

    Raises:
        SessionAlreadyThereError: if the folder exists already.
        SessionError: if it cannot be made.
    """
    making = temporary_beside(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        making.mkdir()
        make_folders(making)
        replace_manifest(making, manifest)
        fill(making)
        _put_in_place(making, folder)
    except OSError as error:
        raise SessionError(f"cannot make the session {folder}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _put_in_place(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError as error:
        # ENOTDIR: what is in the way is no folder.
        if error.errno not in _THERE_ALREADY and not (
            error.errno == errno.ENOTDIR and os.path.lexists(folder)
        ):
            raise
        raise _there_already(folder) from None


def _there_already(folder: Path) -> SessionAlreadyThereError:
    what = "session" if (folder / MANIFEST).exists() else "file or folder"
    return SessionAlreadyThereError(
        f"there is a {what} {folder} already: choose another --name, or delete it"
    )


def refuse_taken(sessions: Path, name: str) -> None:
    """See that a session of this name can be made, before what takes time.

    Raises:
        SessionAlreadyThereError: if it is taken.
        SessionError: if it is not fit for a folder.
    """
    if os.path.lexists(folder := session_path(sessions, name)):
        raise _there_already(folder)


def create_new_session(
    sessions: Path,
    name: str | None,
    manifest: Manifest,
    fill: Callable[[Path], None] = lambda folder: None,
) -> Path:
    """Make a new session in a folder of sessions, and return its path.

    Without a name it gets one of model and time that nobody else has: of several processes, on whatever
    machines, that want the same name at once, one gets it, since a folder is made in one step. `fill` as of
    `create_session`; it is called again where a name was taken meanwhile.

    Raises:
        SessionAlreadyThereError: if a name is given and taken.
        SessionError: if the name is not fit for a folder, or the session cannot be made.
    """
    if name is not None:
        create_session(session_path(sessions, name), manifest, fill)
        return sessions / name
    for path in automatic_paths(sessions, manifest.model.id):
        with contextlib.suppress(SessionAlreadyThereError):
            create_session(path, manifest, fill)
            break
    return path


def make_folders(folder: Path) -> None:
    """Make the folders of a session, or those that are missing: git and object stores keep no empty ones."""
    for name in (features.FOLDER, IMAGES):
        (folder / name).mkdir(exist_ok=True)


def create_or_join_session(
    folder: Path, manifest: Manifest, fill: Callable[[Path], None] = lambda folder: None
) -> None:
    """Make a session, or take the one that somebody has made of the same plan; `fill` as of `create_session`.

    Raises:
        SessionError: if there is a session of another plan, or none can be made.
    """
    try:
        create_session(folder, manifest, fill)
    except SessionAlreadyThereError:
        there = _manifest_of_another(folder)
        # An older one does not say whose choice its steps were.
        if there.blocks and not there.timesteps:
            manifest = manifest.model_copy(update={"default_capture": there.default_capture})
        if _plan_of(there) != _plan_of(manifest):
            raise SessionError(
                f"there is a session {folder} already, of another plan: choose another --name, or delete it"
            ) from None


def _manifest_of_another(folder: Path) -> Manifest:
    """The manifest of a session that was made a moment ago, maybe on another machine."""
    deadline = time.monotonic() + _UNSEEN_SECONDS
    while not (folder / MANIFEST).exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    return read_manifest(folder)


def _plan_of(manifest: Manifest) -> dict[str, Any]:
    """What a manifest says before the model is loaded, but for when it was made."""
    found = manifest.model_dump(exclude=_NOT_PLANNED)
    if manifest.default_capture:
        del found["capture_steps"]
    for resolved in ("commit", "pipeline", "dtype", "device", "device_name"):
        del found["model"][resolved]
    return found


def replace_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `session.json` in one step, so that no reader sees half of it.

    Raises:
        SessionError: if it would be larger than readers allow.
    """
    text = manifest.to_json().encode("utf-8")
    if len(text) > MAX_MANIFEST_BYTES:
        raise SessionError(
            f"the session's {MANIFEST} would be larger than {MAX_MANIFEST_BYTES >> 20} MiB: "
            "record fewer images, or fewer and shorter prompts"
        )
    with whole_file(folder / MANIFEST) as temporary:
        temporary.write_bytes(text)


def complete_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write into `session.json` what is known once the model is loaded, unless a recorder did so before.

    Returns:
        What is there now: of a recorder that came first, its own.

    Raises:
        SessionError: if that recorder had a model with other blocks.
    """
    there = read_manifest(folder)
    if not there.blocks:
        replace_manifest(folder, manifest)
        return manifest
    if (found := branches_of(there)) != (now := branches_of(manifest)):
        scale = next(scale for scale in manifest.guidance if found[scale] != now[scale])
        raise SessionError(
            f"{folder} was recorded with the branches {', '.join(found[scale])} at guidance {scale:g}, this model "
            f"has {', '.join(now[scale])}: features of both cannot be mixed"
        )
    # Sessions of version 1 do not say more of their blocks.
    if [(block.name, block.width) for block in there.blocks] != [(b.name, b.width) for b in manifest.blocks]:
        raise SessionError(
            f"{folder} was recorded from a model with {len(there.blocks)} blocks of width "
            f"{there.blocks[0].width}, this one has {len(manifest.blocks)} of width {manifest.blocks[0].width}"
        )
    return there


def branches_of(manifest: Manifest) -> dict[float, tuple[str, ...]]:
    """The branches at each guidance scale."""
    return {scale: manifest.branches_at(scale) for scale in manifest.guidance}


def discard_unfinished_files(folder: Path) -> None:
    """Delete what a recorder that was killed has left half written. No recorder may be at work."""
    discard_unfinished(folder, folder / features.FOLDER, folder / IMAGES)


def with_model(
    manifest: Manifest,
    model: ModelInfo,
    blocks: Sequence[Block],
    input_width: int,
    versions: Mapping[str, str],
    unread_text: Sequence[UnreadText] = (),
) -> Manifest:
    """The manifest once the model is loaded and its blocks are known."""
    return manifest.model_copy(
        update={
            "model": model,
            "blocks": list(blocks),
            "input_width": input_width,
            "versions": dict(versions),
            "unread_text": list(unread_text),
        }
    )


def write_features(
    folder: Path,
    images: Sequence[int],
    layer_input: npt.NDArray[np.float32],
    blocks: Sequence[npt.NDArray[np.float32]],
    tokens: features.TokenSample | None = None,
    denoisers: Sequence[int] | None = None,
    more: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> None:
    """Write one finished batch; `layer_input` and each of `blocks` are (n, branch, step, width).

    `denoisers` are those that ran at each captured step, where there are several; `more` are tensors that a
    file may have besides, (n, …), by name.
    """
    tensors: dict[str, npt.NDArray[Any]] = {"input": np.ascontiguousarray(layer_input)}
    tensors |= {features.block_key(i): np.ascontiguousarray(block) for i, block in enumerate(blocks)}
    if tokens is not None:
        tensors |= features.token_tensors(tokens)
    tensors |= {key: np.ascontiguousarray(tensor) for key, tensor in (more or {}).items()}
    if denoisers is not None:
        tensors["denoisers"] = np.asarray(denoisers, dtype=np.int64)
    features.write_batch(folder, images, tensors)


def image_path(folder: Path, image: int) -> Path:
    """Where the generated image with this index is kept."""
    return folder / IMAGES / f"{image:06d}.webp"


def write_image(folder: Path, image: int, picture: "Image.Image") -> None:
    """Keep a generated image, at most 256 pixels wide and high."""
    picture = picture.convert("RGB")
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL))
    with whole_file(image_path(folder, image)) as temporary:
        picture.save(temporary, format="WEBP", quality=90)
