"""One layer while it is evaluated."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from subspacelens_tui.analysis.statistics.base import LayerStatistics
from subspacelens_tui.geometry import NullSummary

if TYPE_CHECKING:
    from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar


@dataclass
class Measured:
    """Its statistics, and of each metric its value or the reason why it is missing."""

    statistics: LayerStatistics
    values: dict[str, Any] = field(default_factory=dict)
    nulls: dict[str, NullSummary] = field(default_factory=dict)
    errors: "dict[str, ErrorBar]" = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
