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
__all__ = ["Session", "capture", "open_session", "record"]

if TYPE_CHECKING:
    from subspacelens_tui.recording.own_loop import capture, record
    from subspacelens_tui.sessions import Session, open_session


def __getattr__(name: str) -> Any:
    # Lazy, so that `subspacelens-tui --help` does not wait for NumPy, nor the app for torch.
    if name in ("capture", "record"):
        # Not an import statement: whoever asks for the version would depend on torch.
        return getattr(import_module("subspacelens_tui.recording.own_loop"), name)
    if name in __all__:
        from subspacelens_tui import sessions

        return getattr(sessions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
