"""Where the blocks of each architecture are and how it batches guidance: one small file each.

Another architecture is one more file with a subclass of `Architecture`, and its line in
`ARCHITECTURES`. Nothing here imports torch before a pipeline is loaded.
"""

from subspacelens_tui.models.architecture import Architecture, HookedBlock, ModelError, TextReader
from subspacelens_tui.models.pixart import PixArt
from subspacelens_tui.models.problems import EXAMPLE

ARCHITECTURES: tuple[Architecture, ...] = (PixArt(),)

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "HookedBlock",
    "ModelError",
    "TextReader",
    "architecture_of",
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
    raise ModelError(
        f"pipelines of class {pipeline_class} are not supported yet (supported: {supported}): give one "
        f"of these, as {EXAMPLE}"
    )
