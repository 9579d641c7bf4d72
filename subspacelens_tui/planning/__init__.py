"""What will be recorded, and what it will take: prompts, plan, size.

Nothing here imports torch: the app asks too, before a recorder is started.
"""

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.estimate import Estimate, estimate
from subspacelens_tui.planning.plan import Request, plan, prompts_of
from subspacelens_tui.planning.presets import PRESETS
from subspacelens_tui.planning.prompts import PromptSet, load_prompt_set, shipped_prompt_sets

__all__ = [
    "PRESETS",
    "Estimate",
    "PlanningError",
    "PromptSet",
    "Request",
    "estimate",
    "load_prompt_set",
    "plan",
    "prompts_of",
    "shipped_prompt_sets",
]
