"""SubspaceLens: watch how each layer of a diffusion transformer organises concepts while it generates.

>>> import subspacelens_tui
>>> session = subspacelens_tui.open_session("sessions/demo-small")
>>> Z = session.features(layer=11, branch="cond", step=19)
>>> from subspacelens_tui.geometry import rate_reduction
>>> rate_reduction(Z, session.labels("coarse"), eps=0.5).delta_R
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Session", "capture", "fit_intervention", "open_session", "record", "steer"]

if TYPE_CHECKING:
    from subspacelens_tui.planning.steering import fit_intervention
    from subspacelens_tui.recording.own_loop import capture, record
    from subspacelens_tui.recording.steering import steer
    from subspacelens_tui.sessions import Session, open_session


# By name, so that `subspacelens-tui --help` does not wait for NumPy, nor the app for torch.
_HOMES = {
    "Session": "subspacelens_tui.sessions",
    "open_session": "subspacelens_tui.sessions",
    "capture": "subspacelens_tui.recording.own_loop",
    "record": "subspacelens_tui.recording.own_loop",
    "fit_intervention": "subspacelens_tui.planning.steering",
    "steer": "subspacelens_tui.recording.steering",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
