"""The former names of `result`, for the screens that still use them."""

from subspacelens_tui.analysis.result import LayerResult as LayerFigures
from subspacelens_tui.analysis.result import Result as Figures

__all__ = ["Figures", "LayerFigures"]
