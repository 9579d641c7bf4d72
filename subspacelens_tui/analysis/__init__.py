"""Session and settings in, figures per layer out."""

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.analysis.nulls import FIRST_PERMUTATIONS
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.geometry import Cancelled

__all__ = [
    "FIRST_PERMUTATIONS",
    "Analyzer",
    "Cancelled",
    "Figures",
    "LayerFigures",
    "Settings",
    "SettingsError",
]
