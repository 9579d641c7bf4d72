"""How fast a recording like this one went before."""

from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.planning.device import Device
from subspacelens_tui.sessions import Phase, SessionError
from subspacelens_tui.sessions.catalog import session_names
from subspacelens_tui.sessions.events import EventReader
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.manifest_reader import read_manifest
from subspacelens_tui.sessions.state import StateTracker

# What of a model changes how fast it is; beside it the call says the size of its pictures.
_OF_THE_MODEL = ("id", "compiled", "scheduler", "offload")


@dataclass(frozen=True)
class KnownRate:
    """Images per second of one recorder, and the session that it was seen in."""

    images_per_second: float
    session: str


def known_rate(manifest: Manifest, device: Device, dtype: str, sessions: Path) -> KnownRate | None:
    """The rate of the newest finished session of the same model, device, precision and steps, if any."""
    for name in session_names(sessions):
        try:
            past = read_manifest(sessions / name)
        except SessionError:
            continue
        if not _alike(past, manifest, device, dtype):
            continue
        # Only the log is read: to open the session would check all of its files.
        tracker = StateTracker()
        tracker.take(EventReader(sessions / name).new())
        state = tracker.now(0, len(past.images))
        if state.phase is Phase.FINISHED and state.rate:
            return KnownRate(state.rate / max(1, len(state.ranks)), name)
    return None


def _alike(past: Manifest, planned: Manifest, device: Device, dtype: str) -> bool:
    same_model = all(getattr(past.model, name) == getattr(planned.model, name) for name in _OF_THE_MODEL)
    same_device = past.model.device_name == device.product and past.model.dtype == dtype
    same_steps = past.inference_steps == planned.inference_steps
    same_call = past.call == planned.call and past.branches == planned.branches
    return same_model and same_device and same_steps and same_call
