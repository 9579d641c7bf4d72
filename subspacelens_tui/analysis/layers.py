"""The layers of a session: by the numbers of their blocks, of which some may be left out."""

from collections.abc import Iterator

from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.analysis.widths import width_notes
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.ranges import ranges


def layer_of(manifest: Manifest, number: int) -> int:
    """Where the block of a number in the model is among those that are recorded.

    Raises:
        SettingsError: if it is not there.
    """
    try:
        return manifest.layer_of(number)
    except SessionError as error:
        raise SettingsError(str(error)) from None


def layer_notes(manifest: Manifest) -> Iterator[str]:
    """A line where layers differ in width, and one where some blocks were left out."""
    yield from width_notes(manifest.blocks)
    if manifest.layers is not None and manifest.blocks:
        of = f" of {manifest.model_blocks}" if manifest.model_blocks else ""
        yield (
            f"{len(manifest.blocks)}{of} blocks were recorded ({ranges(manifest.layers)}): "
            "curves over the layers pass over the others"
        )
