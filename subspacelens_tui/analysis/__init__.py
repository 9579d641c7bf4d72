"""Session and settings in, figures per layer out."""

from subspacelens_tui.analysis.analyzer import Analyzer, Cancelled
from subspacelens_tui.analysis.figures import Figures, LayerFigures, Null
from subspacelens_tui.analysis.settings import Settings, SettingsError

__all__ = ["Analyzer", "Cancelled", "Figures", "LayerFigures", "Null", "Settings", "SettingsError"]
