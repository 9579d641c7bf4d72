"""A former place of `ErrorsBy`, for the screens that still use it."""

from subspacelens_tui.analysis.settings import ErrorsBy

__all__ = ["ErrorsBy"]
