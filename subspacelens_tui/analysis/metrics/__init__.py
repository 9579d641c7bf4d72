"""The metrics: every module of this package declares a family, and is found by being here."""

import importlib
import pkgutil

from subspacelens_tui.analysis.metrics.registry import (
    ARRAYS,
    METRICS,
    Cost,
    Family,
    Format,
    Metric,
    Shape,
    Table,
    Tail,
)
from subspacelens_tui.analysis.statistics.base import Need

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["ARRAYS", "METRICS", "Cost", "Family", "Format", "Metric", "Need", "Shape", "Table", "Tail"]
