"""How fast a recording like this one went before."""

from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.planning.device import Device
from subspacelens_tui.sessions import Phase, SessionError
from subspacelens_tui.sessions.catalog import session_names
from subspacelens_tui.sessions.events import EventReader
from subspacelens_tui.sessions.format import Manifest, read_manifest
from subspacelens_tui.sessions.state import StateTracker


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
    same_model = past.model.id == planned.model.id and past.model.compiled == planned.model.compiled
    same_device = past.model.device_name == device.product and past.model.dtype == dtype
    same_steps = past.inference_steps == planned.inference_steps
    return same_model and same_device and same_steps and past.branches == planned.branches
