"""Emoji drawings, captions and the image pool on which the demo model is trained.

The drawings come from npm packages with pinned versions. ``npm`` fetches them and ``rsvg-convert``
renders them; both must be installed. Twemoji is never trained on: it is the held-out style on which the
autoencoder and the classifier are checked.
"""

from __future__ import annotations

import io
import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

IMAGE_SIZE = 64
RENDER_SIZE = 128
SEED = 20

HELD_OUT_STYLE = "twemoji"
LOBEHUB_STYLE = "fluent-emoji-3d"
"""The one package of raster images; it names its files by code point."""

PACKAGES = {
    "fluent-emoji": "@iconify-json/fluent-emoji@1.2.7",
    "fluent-emoji-flat": "@iconify-json/fluent-emoji-flat@1.2.6",
    "fluent-emoji-3d": "@lobehub/fluent-emoji-3d@1.1.0",
    "noto": "@iconify-json/noto@1.2.9",
    "noto-v1": "@iconify-json/noto-v1@1.2.5",
    "fxemoji": "@iconify-json/fxemoji@1.2.2",
    "twemoji": "@iconify-json/twemoji@1.2.5",
}
"""Style name -> npm package with its exact version."""

BACKGROUNDS = {
    "white": (248, 248, 248),
    "gray": (172, 176, 182),
    "red": (226, 104, 100),
    "orange": (247, 178, 103),
    "yellow": (250, 226, 130),
    "green": (146, 205, 140),
    "blue": (128, 180, 236),
    "purple": (178, 148, 222),
}
"""Soft tones, so that a red strawberry still stands out from a red background."""


@dataclass(frozen=True)
class Subject:
    """One thing that the model can draw: how captions name it and how the packages do."""

    name: str
    category: str
    icon: str
    fxemoji: str | None
    article: str = "a"

    @property
    def phrase(self) -> str:
        """The subject with its article, which is also its prompt."""
        return f"{self.article} {self.name}"

    def icon_in(self, style: str) -> str | None:
        """The icon's name in one style; FxEmoji has names of its own and lacks some subjects."""
        return self.fxemoji if style == "fxemoji" else self.icon


SUBJECTS = (
    Subject("lion", "animals", "lion", None),
    Subject("penguin", "animals", "penguin", "penguin"),
    Subject("panda", "animals", "panda", "pandaface"),
    Subject("frog", "animals", "frog", "frog"),
    Subject("pig", "animals", "pig-face", "pig"),
    Subject("house", "buildings", "house", None),
    Subject("church", "buildings", "church", "church"),
    Subject("temple", "buildings", "classical-building", None),
    Subject("pagoda", "buildings", "japanese-castle", "japanesecastle"),
    Subject("circus tent", "buildings", "circus-tent", "circustent"),
    Subject("hamburger", "food", "hamburger", "hamburger"),
    Subject("strawberry", "food", "strawberry", "strawberry"),
    Subject("watermelon", "food", "watermelon", "watermelon"),
    Subject("doughnut", "food", "doughnut", "doughnut"),
    Subject("ice cream", "food", "soft-ice-cream", "softicecream", article="an"),
    Subject("car", "vehicles", "automobile", "automobile"),
    Subject("bus", "vehicles", "bus", "bus"),
    Subject("tractor", "vehicles", "tractor", "tractor"),
    Subject("sailboat", "vehicles", "sailboat", "sailboat"),
    Subject("rocket", "vehicles", "rocket", "rocket"),
    Subject("volcano", "landscapes", "volcano", "volcano"),
    Subject("rainbow", "landscapes", "rainbow", "rainbow"),
    Subject("island", "landscapes", "desert-island", "desertisland", article="an"),
    Subject("sunrise", "landscapes", "sunrise", "sunrise"),
    Subject("wave", "landscapes", "water-wave", "wave"),
)


class Drawings:
    """The drawings of every subject, as RGBA images cropped to what is drawn."""

    def __init__(self, work_folder: Path) -> None:
        self._modules = work_folder / "npm" / "node_modules"
        self._fetch(work_folder / "npm")
        vector_styles = [style for style in PACKAGES if style != LOBEHUB_STYLE]
        self._icon_sets = {style: self._read(style, "icons.json") for style in vector_styles}
        self._code_points = self._read("fluent-emoji-flat", "chars.json")

    def styles_of(self, subject: Subject, held_out: bool = False) -> list[Image.Image]:
        """A subject's drawings for training, or the held-out ones."""
        styles = [style for style in PACKAGES if (style == HELD_OUT_STYLE) == held_out]
        images = (self._draw(style, subject) for style in styles)
        return [image.crop(_drawn_box(image)) for image in images if image is not None]

    def _fetch(self, folder: Path) -> None:
        if self._modules.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--ignore-scripts", "--no-save", "--prefix", str(folder)]
        subprocess.run([*install, *PACKAGES.values()], check=True)

    def _read(self, style: str, file: str) -> dict[str, Any]:
        package = PACKAGES[style].rpartition("@")[0]
        content: dict[str, Any] = json.loads((self._modules / package / file).read_text(encoding="utf-8"))
        return content

    def _draw(self, style: str, subject: Subject) -> Image.Image | None:
        icon = subject.icon_in(style)
        if icon is None:
            return None
        return self._raster_image(icon) if style == LOBEHUB_STYLE else self._vector_image(style, icon)

    def _raster_image(self, icon: str) -> Image.Image:
        assets = self._modules / PACKAGES[LOBEHUB_STYLE].rpartition("@")[0] / "assets"
        for code_point in (code for code, name in self._code_points.items() if name == icon):
            for file in (assets / f"{code_point}.webp", assets / f"{code_point}-fe0f.webp"):
                if file.exists():
                    return Image.open(file).convert("RGBA")
        raise FileNotFoundError(f"{LOBEHUB_STYLE} has no drawing of {icon}")

    def _vector_image(self, style: str, icon: str) -> Image.Image:
        icons = self._icon_sets[style]
        entry = icons["icons"].get(icon) or icons["icons"][icons["aliases"][icon]["parent"]]
        width, height = (entry.get(side, icons.get(side, 16)) for side in ("width", "height"))
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">{entry["body"]}</svg>'
        )
        size = str(RENDER_SIZE)
        command = ["rsvg-convert", "--width", size, "--height", size, "--keep-aspect-ratio"]
        png = subprocess.run(command, input=svg.encode(), capture_output=True, check=True).stdout
        return Image.open(io.BytesIO(png)).convert("RGBA")


def _drawn_box(image: Image.Image) -> tuple[int, int, int, int]:
    """The box around all pixels that are not nearly transparent."""
    mask = image.getchannel("A").point(lambda alpha: 255 * (alpha > 16))
    return mask.getbbox() or (0, 0, *image.size)


def compose(drawing: Image.Image, background: tuple[int, int, int], random_: random.Random) -> np.ndarray:
    """One drawing on a plain background, mildly moved, resized and mirrored."""
    scale = random_.uniform(50, 58) / max(drawing.size)
    size = [max(1, round(side * scale)) for side in drawing.size]
    figure = drawing.resize(size, Image.Resampling.LANCZOS)
    if random_.random() < 0.5:
        figure = figure.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    free = [IMAGE_SIZE - side for side in size]
    corner = [min(max(space // 2 + random_.randint(-2, 2), 0), space) for space in free]
    canvas = Image.new("RGBA", (IMAGE_SIZE, IMAGE_SIZE), (*background, 255))
    canvas.alpha_composite(figure, tuple(corner))
    return np.asarray(canvas.convert("RGB"))


@dataclass
class ImagePool:
    """Composed training images with the subject and the background colour of each."""

    images: torch.Tensor
    """uint8, count x 3 x 64 x 64"""
    subjects: torch.Tensor
    backgrounds: torch.Tensor

    def floats(self, rows: torch.Tensor | slice) -> torch.Tensor:
        """Images as the autoencoder takes them: float32 from -1 to 1."""
        return self.images[rows].float() / 127.5 - 1

    def save(self, file: Path) -> None:
        """Write the pool, for the processes that train."""
        torch.save({"images": self.images, "subjects": self.subjects, "backgrounds": self.backgrounds}, file)

    @classmethod
    def load(cls, file: Path) -> ImagePool:
        """Read a pool that `save` wrote."""
        return cls(**torch.load(file, weights_only=True))


def compose_pool(drawings: Drawings, per_subject: int, held_out: bool = False, seed: int = SEED) -> ImagePool:
    """Random compositions, as many of each subject."""
    random_ = random.Random(seed)
    colours = list(BACKGROUNDS.values())
    images, subjects, backgrounds = [], [], []
    for number, subject in enumerate(SUBJECTS):
        styles = drawings.styles_of(subject, held_out)
        for index in range(per_subject):
            background = random_.randrange(len(colours))
            images.append(compose(styles[index % len(styles)], colours[background], random_))
            subjects.append(number)
            backgrounds.append(background)
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return ImagePool(pixels, torch.tensor(subjects), torch.tensor(backgrounds))


def random_caption(subject: int, background: int, random_: random.Random) -> str:
    """A caption, bare or with the background; sometimes empty (guidance), sometimes with an odd word."""
    if random_.random() < 0.1:
        return ""
    phrase, colour = SUBJECTS[subject].phrase, list(BACKGROUNDS)[background]
    forms = [phrase, f"{phrase} on a {colour} background", SUBJECTS[subject].name]
    caption = random_.choices(forms, weights=[9, 8, 1])[0]
    if random_.random() < 0.05:
        # A word outside the vocabulary, so that "a cute lion" is still a lion.
        words = caption.split()
        words.insert(random_.randint(0, len(words)), "<unk>")
        caption = " ".join(words)
    return caption


def vocabulary() -> list[str]:
    """Every word of every caption, in a stable order."""

    def words() -> Iterator[str]:
        yield from ("a", "an", "on", "background")
        yield from BACKGROUNDS
        for subject in SUBJECTS:
            yield from subject.name.split()

    return list(dict.fromkeys(words()))
