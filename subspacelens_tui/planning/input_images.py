"""Pictures that a recording starts from, as they are typed: a file, or a folder with one for each prompt."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.sessions.format import InputImage
from subspacelens_tui.sessions.text_files import from_home


def input_images(typed: str | None, prompts: int) -> list[InputImage]:
    """What a session says of its input pictures: none, one for all prompts, or one for each.

    Args:
        typed: a picture; or a folder, whose files go to the prompts in the order of their names.
        prompts: how many there are.

    Raises:
        PlanningError: if one cannot be read, there are not as many as prompts, or they differ in size.
    """
    if typed is None:
        return []
    path = from_home(typed)
    try:
        files = sorted(_files(path)) if path.is_dir() else [path]
        found = [_read(file.resolve()) for file in files]
    except OSError as error:
        raise PlanningError(f"--image {typed} cannot be read: {error.strerror or error}") from None
    if path.is_dir() and len(found) != prompts:
        raise PlanningError(
            f"--image {typed} has {len(found)} files for {prompts} prompts: a folder must have one for each"
        )
    sizes = {size for _, size in found}
    if len(sizes) > 1:
        words = " and ".join(f"{width}x{height}" for width, height in sorted(sizes)[:2])
        raise PlanningError(f"the pictures in --image {typed} differ in size ({words}): make them one size")
    return [image for image, _ in found]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _read(path: Path) -> tuple[InputImage, tuple[int, int]]:
    """A picture with its width and height."""
    content = path.read_bytes()
    try:
        with Image.open(path) as picture:
            size = picture.size
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise PlanningError(f"--image: {path} is no picture that can be read") from None
    return InputImage(path=str(path), sha256=hashlib.sha256(content).hexdigest()), size
