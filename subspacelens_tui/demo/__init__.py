"""The bundled demo model: a tiny PixArt that was trained for this project."""

from pathlib import Path

MODEL_PATH: Path = Path(__file__).parent / "pixart"
"""The diffusers folder that ``PixArtAlphaPipeline.from_pretrained`` loads."""
