"""Session and settings in, metrics per layer out."""

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.uncertainty.permutation import FIRST_PERMUTATIONS
from subspacelens_tui.geometry import Cancelled

__all__ = [
    "FIRST_PERMUTATIONS",
    "Analyzer",
    "Cancelled",
    "LayerResult",
    "Result",
    "Settings",
    "SettingsError",
]
