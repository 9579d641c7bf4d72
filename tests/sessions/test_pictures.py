import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, WebPImagePlugin, features

from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.pictures import read_picture
from subspacelens_tui.sessions.writer import image_path, write_image
from tests.conftest import PlantedSessionFactory
from tests.sessions.hostile import NOT_PLAIN


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Session:
    writer = planted().start().record(1)
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    write_image(writer.path, 0, Image.fromarray(noise))
    return open_session(writer.path)


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 4) + b"IDATabcd" + bytes(4)


def test_a_picture_is_read_and_scaled_down_never_up(session: Session) -> None:
    assert read_picture(session, 0, 1000).size == (171, 256)
    small = read_picture(session, 0, 32)
    assert (small.mode, small.size) == ("RGB", (21, 32))


def test_what_the_session_has_no_picture_of_is_said(session: Session) -> None:
    with pytest.raises(SessionError, match="image 1 was not kept"):
        read_picture(session, 1, 64)
    for image in (-1, 36):
        with pytest.raises(SessionError, match=f"no image {image}: planted has 36"):
            read_picture(session, image, 64)


def test_a_pillow_without_webp_is_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WebPImagePlugin, "SUPPORTED", False)
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(SessionError, match=r"cannot be read: Pillow was built without WebP$"):
        read_picture(session, 0, 64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png_header(100_000, 100_000), "damaged"),  # Pillow refuses more than 179 million pixels
        (png_header(3000, 10), "3000 × 10 pixels in 1 frames, the most is 2048 × 2048"),
        (png_header(10, 10), "damaged"),
        (b"", "no WebP or PNG"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8X", "damaged"),
        (b"GIF89a" + bytes(100), "no WebP or PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no WebP or PNG"),
        (bytes(16 * 2**20 + 1), "larger than 16384 KiB"),
    ],
)
def test_bombs_and_other_formats_are_refused(session: Session, content: bytes, message: str) -> None:
    image_path(session.path, 0).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(SessionError, match=message) as raised:
            read_picture(session, 0, 64)
    assert "\n" not in str(raised.value)


def test_a_webp_of_many_pixels_or_frames_is_refused(session: Session) -> None:
    path = image_path(session.path, 0)
    # 5 kB on disk, 36 MB in memory.
    Image.new("RGB", (4000, 3000)).save(path, "WEBP", lossless=True)
    with pytest.raises(SessionError, match="4000 × 3000 pixels"):
        read_picture(session, 0, 64)
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in range(0, 200, 50)]
    frames[0].save(path, "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(SessionError, match="in 4 frames"):
        read_picture(session, 0, 64)


@pytest.mark.parametrize("kind", sorted(NOT_PLAIN))
def test_a_picture_is_a_plain_file_inside_the_session(session: Session, kind: str) -> None:
    NOT_PLAIN[kind](image_path(session.path, 0))
    with pytest.raises(SessionError, match="not a plain file"):
        read_picture(session, 0, 64)


def test_a_linked_folder_of_pictures_is_not_followed(session: Session, tmp_path: Path) -> None:
    (session.path / "images").rename(tmp_path / "elsewhere")
    (session.path / "images").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SessionError, match="not a plain file"):
        read_picture(session, 0, 64)


def test_a_session_that_is_itself_a_link_is_fine(session: Session, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(session.path)
    assert read_picture(open_session(link), 0, 64).size == (43, 64)
