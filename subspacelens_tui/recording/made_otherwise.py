"""What a pipeline has made that is not what it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from subspacelens_tui.models.call import frames_of, pictures_of
from subspacelens_tui.planning.call_arguments import picture_size
from subspacelens_tui.sessions.format import Manifest


def made_otherwise(pipeline: str, output: Any, manifest: Manifest) -> Iterator[str]:
    """A line for each thing in which what a pipeline returned differs from what the session asks for.

    Args:
        pipeline: the name of its class.
        output: what it returned.
        manifest: of the session.
    """
    asked, picture = picture_size(manifest.call), pictures_of(output)[0]
    if picture is None:
        yield f"{pipeline} makes no pictures: the session has features alone"
    elif asked is not None and asked != picture.size:
        wanted, made = ("x".join(map(str, of)) for of in (asked, picture.size))
        yield f"{pipeline} makes pictures of {made} where {wanted} was asked for"
    frames = frames_of(output)
    if frames is not None and frames != manifest.frames:
        yield f"{pipeline} makes {frames} frames where {manifest.frames or 'no number'} was asked for"
