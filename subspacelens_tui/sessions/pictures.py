"""Reading the generated images of a session: what is decoded is checked before memory is taken for it."""

import io

from PIL import Image, UnidentifiedImageError, features

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import read_plain
from subspacelens_tui.sessions.format import IMAGES
from subspacelens_tui.sessions.reader import Session
from subspacelens_tui.sessions.writer import image_path

# The writer keeps thumbnails of 256 × 256: some kB of WebP.
_LARGEST_FILE = 16 * 2**20
_LARGEST_SIDE = 2048
_FORMATS = ("WEBP", "PNG")


def read_picture(session: Session, image: int, largest: int) -> Image.Image:
    """A generated image (RGB), at most `largest` pixels wide and high.

    Args:
        session: the session.
        image: index into the images of its manifest.
        largest: to which it is scaled down, its proportions kept; never up.

    Raises:
        SessionError: with one clear line, if the session has no such image, or what is there is no plain
            file of at most 16 MiB, no WebP or PNG of one frame, larger than 2048 pixels, or damaged;
            or if Pillow was built without WebP.
    """
    if not 0 <= image < len(session.manifest.images):
        raise SessionError(f"there is no image {image}: {session.name} has {len(session.manifest.images)}")
    path = image_path(session.path, image)
    try:
        # Held in memory: Pillow reads frames and chunks of a file by need, and the file could change.
        content = read_plain(session.path, IMAGES, path.name, at_most=_LARGEST_FILE)
    except FileNotFoundError:
        raise SessionError(f"image {image} was not kept: {path} is not there") from None
    if content.startswith(b"RIFF") and not features.check("webp"):
        # Pillow would call it no picture, and print a warning onto the screen.
        raise SessionError(f"{path} cannot be read: Pillow was built without WebP")
    try:
        # Only the header is read here; Pillow's other decoders are never asked.
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            frames = getattr(picture, "n_frames", 1)
            if max(picture.size) > _LARGEST_SIDE or frames != 1:
                raise SessionError(
                    f"{path} is left out: it has {picture.width} × {picture.height} pixels in {frames} frames, "
                    f"the most is {_LARGEST_SIDE} × {_LARGEST_SIDE} in one"
                )
            # By way of RGBA: Pillow warns about palettes with transparency otherwise.
            decoded = picture.convert("RGBA").convert("RGB")
    except SessionError:
        raise
    except UnidentifiedImageError:
        raise SessionError(f"{path} is no WebP or PNG picture") from None
    except Exception as error:
        # Decoders raise whatever comes to them: OSError, SyntaxError, ValueError, struct.error, …
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SessionError(f"{path} is damaged: {reason}") from None
    decoded.thumbnail((largest, largest))
    return decoded
