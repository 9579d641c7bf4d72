"""LoRAs that are to be recorded, as they are typed: files on this machine."""

import hashlib
import math
from collections.abc import Sequence

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.sessions.format import Lora
from subspacelens_tui.sessions.text_files import from_home

_SUFFIX = ".safetensors"
# As diffusers saves one in a folder.
_IN_A_FOLDER = "pytorch_lora_weights.safetensors"


def loras(asked: Sequence[tuple[str, float]]) -> list[Lora]:
    """What a session says of its LoRAs.

    Args:
        asked: the path of each, a safetensors file or a folder that diffusers has saved one in, and its
            weight.

    Raises:
        PlanningError: if there is no such file, or its weight would change nothing.
    """
    return [_lora(path, weight) for path, weight in asked]


def _lora(typed: str, weight: float) -> Lora:
    if not math.isfinite(weight) or weight == 0:
        raise PlanningError(f"the weight of LoRA {typed} must be a number other than 0, not {weight:g}")
    path = from_home(typed)
    try:
        path = (path / _IN_A_FOLDER if path.is_dir() else path).resolve()
        if path.suffix != _SUFFIX:
            raise PlanningError(f"LoRA {typed} is no {_SUFFIX} file: other files can run any code")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise PlanningError(f"LoRA {typed} cannot be read: {why}") from None
    name = path.parent.name if path.name == _IN_A_FOLDER else path.stem
    return Lora(name=name, path=str(path), weight=weight, sha256=digest)
