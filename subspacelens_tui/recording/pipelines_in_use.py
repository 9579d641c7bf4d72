"""Pipelines that something is done to: finding out how one runs would disturb that, and be disturbed."""

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

from subspacelens_tui.recording.errors import RecordingError

_CLAIMED: "weakref.WeakKeyDictionary[Any, str]" = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def claimed(pipeline: Any, how: str) -> Iterator[None]:
    """Keep others off a pipeline meanwhile.

    Args:
        pipeline: of diffusers.
        how: what is done to it, `recorded` or `steered`.

    Raises:
        RecordingError: if something is done to it already.
    """
    if (already := _CLAIMED.get(pipeline)) is not None:
        what = "finish that first"
        if how != already:
            what = "to record what is steered, give the intervention to `capture(…, steer=intervention)`"
        raise RecordingError(f"the pipeline is being {already} already: {what}")
    _CLAIMED[pipeline] = how
    try:
        yield
    finally:
        del _CLAIMED[pipeline]
