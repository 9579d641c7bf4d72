"""The former name of `progress`, for the screens that still use it."""

from subspacelens_tui.analysis.progress import IsCancelled, Progress, Watch

__all__ = ["IsCancelled", "Progress", "Watch"]
