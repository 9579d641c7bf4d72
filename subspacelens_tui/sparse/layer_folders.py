"""Which of the folders of autoencoders that somebody trained is of which layer of a session."""

import re
from collections.abc import Sequence
from pathlib import Path

from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.trainings import JOB
from subspacelens_tui.sparse.autoencoder_parts import Loaded
from subspacelens_tui.sparse.errors import SparseError
from subspacelens_tui.sparse.training_job import TRAININGS


def folders_by_layer(path: Path, session: Session, layers: Sequence[int]) -> dict[int, Path]:
    """The folder of each layer's autoencoder: one for the only layer, or those named by block or layer.

    Raises:
        SparseError: there is none, or several fit a layer.
    """
    if (path / JOB).is_file():
        raise SparseError(f"{path} is a training: name the folder {TRAININGS[0]} in it")
    if path.is_file() or any(entry.is_file() for entry in path.iterdir()):
        if len(layers) != 1:
            raise SparseError(
                f"{path} is not a folder of folders, so it is read as one autoencoder: name the one layer that "
                "it is of"
            )
        return {layers[0]: path}
    names = {entry.name: entry for entry in path.iterdir() if entry.is_dir()}
    found: dict[int, Path] = {}
    for layer in layers:
        block = session.manifest.blocks[layer].name
        number = session.manifest.block_numbers[layer]
        numbered = [name for name in names if re.fullmatch(rf"(?:.*[^0-9])?0*{number}", name)]
        fitting = [block] if block in names else numbered
        if len(fitting) > 1:
            raise SparseError(f"{path} has several folders for {block}: {', '.join(sorted(fitting)[:4])}")
        if fitting:
            found[layer] = names[fitting[0]]
    if not found:
        raise SparseError(f"{path} has no folder that is named like a block of {session.name}, as block.4")
    return found


def check_fit(session: Session, layer: int, loaded: Loaded, folder: Path) -> None:
    """See that an autoencoder can be of a layer's tokens.

    Raises:
        SparseError: it is of another width, or of an update whose input was not recorded.
    """
    block = session.manifest.blocks[layer]
    width = loaded.autoencoder.width
    if width != block.width:
        raise SparseError(f"{folder} is of tokens of width {width}, and {block.name} has {block.width}")
    numbers = session.manifest.block_numbers
    if loaded.of_update and (layer == 0 or numbers[layer] - numbers[layer - 1] > 1):
        raise SparseError(
            f"{folder} is of what a block adds to its input, and the tokens before {block.name} were not "
            "recorded"
        )
