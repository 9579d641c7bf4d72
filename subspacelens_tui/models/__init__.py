"""Where the blocks of each architecture are and how it batches guidance: one small file each.

Another architecture is one more file with a subclass of `Architecture`, and its line in
`ARCHITECTURES`. Nothing here imports torch before a pipeline is loaded.
"""

import json
from pathlib import Path

from subspacelens_tui.models.architecture import Architecture, HookedBlock, ModelError
from subspacelens_tui.models.pixart import PixArt
from subspacelens_tui.models.problems import no_pipeline

ARCHITECTURES: tuple[Architecture, ...] = (PixArt(),)

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "HookedBlock",
    "ModelError",
    "architecture_of",
    "local_pipeline_class",
]


def architecture_of(pipeline_class: str) -> Architecture:
    """The architecture of a diffusers pipeline class.

    Raises:
        ModelError: if it is not supported, with the names that are.
    """
    for architecture in ARCHITECTURES:
        if pipeline_class in architecture.pipelines:
            return architecture
    supported = ", ".join(name for architecture in ARCHITECTURES for name in architecture.pipelines)
    raise ModelError(f"pipelines of class {pipeline_class} are not supported yet (supported: {supported})")


def local_pipeline_class(folder: Path) -> str:
    """The pipeline class that a diffusers folder names; it costs nothing, so it can be asked before loading.

    Raises:
        ModelError: if the folder is no pipeline, or its index is damaged.
    """
    index = folder / "model_index.json"
    try:
        return str(json.loads(index.read_text(encoding="utf-8"))["_class_name"])
    except FileNotFoundError:
        raise no_pipeline(str(folder)) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(f"{index} is damaged") from None
