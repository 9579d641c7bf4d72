"""What everyone who reads metrics of a session should know of how it was recorded, a line each."""

from collections.abc import Iterator

from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.prompt_problems import unread_lines


def notable_lines(manifest: Manifest) -> Iterator[str]:
    """That its images were steered, if they were; and what of its prompts the model did not read."""
    if manifest.steering is not None:
        yield f"steered, not the model's own images: {manifest.steering.words}"
    yield from unread_lines(manifest)
