"""Pictures that a recording starts from, as they are typed: files, or folders of them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.sessions.format import InputImage
from subspacelens_tui.sessions.text_files import from_home

_VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")


def input_images(typed: str | None, prompts: int) -> Sequence[InputImage]:
    """What a session says of its input pictures: none, one for all prompts, or one for each.

    Args:
        typed: a picture; or a folder, whose files go to the prompts in the order of their names.
        prompts: how many there are.

    Raises:
        PlanningError: if one cannot be read, there are not as many as prompts, or they differ in size.
    """
    if typed is None:
        return []
    found = _of_one_size(typed, f"--image {typed}")
    if from_home(typed).is_dir() and len(found) != prompts:
        raise PlanningError(
            f"--image {typed} has {len(found)} files for {prompts} prompts: a folder must have one for each"
        )
    return found


def other_inputs(typed: Mapping[str, str]) -> list[InputImage]:
    """What a session says of other arguments that are pictures or videos.

    Args:
        typed: by argument a picture; or a folder, whose files are the frames of a video by their names.

    Raises:
        PlanningError: if one cannot be read, or the frames of a video differ in size.
    """
    for name, path in typed.items():
        if name == "image":
            raise PlanningError("--input image cannot be given: say --image")
        if from_home(path).suffix.lower() in _VIDEOS:
            raise PlanningError(f"--input {name}={path} is a video file: give a folder of its frames")
    found = {name: _of_one_size(path, f"--input {name}={path}") for name, path in typed.items()}
    return [one.model_copy(update={"argument": name}) for name, images in found.items() for one in images]


def _of_one_size(typed: str, said: str) -> Sequence[InputImage]:
    """A picture, or those of a folder in the order of their names."""
    path = from_home(typed)
    try:
        files = sorted(_files(path)) if path.is_dir() else [path]
        found = [_read(file.resolve(), said) for file in files]
    except OSError as error:
        raise PlanningError(f"{said} cannot be read: {error.strerror or error}") from None
    if not found:
        raise PlanningError(f"{said} is a folder without pictures")
    sizes = {size for _, size in found}
    if len(sizes) > 1:
        words = " and ".join(f"{width}x{height}" for width, height in sorted(sizes)[:2])
        raise PlanningError(f"the pictures in {said} differ in size ({words}): make them one size")
    return [image for image, _ in found]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _read(path: Path, said: str) -> tuple[InputImage, tuple[int, int]]:
    """A picture with its width and height."""
    content = path.read_bytes()
    try:
        with Image.open(path) as picture:
            size = picture.size
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise PlanningError(f"{said.split()[0]}: {path} is no picture that can be read") from None
    return InputImage(path=str(path), sha256=hashlib.sha256(content).hexdigest()), size
