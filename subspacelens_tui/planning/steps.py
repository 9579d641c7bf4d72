"""Which denoising steps are kept, as far as that can be said before the model is loaded.

How many steps a scheduler runs for those that are asked for is found out by the recorder: some call the model
twice a step, and which of them do is not for us to list.
"""

from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.sessions.format import Manifest

_MOST_BY_DEFAULT = 5


def runs_as_asked(model: str, components_from: str | None, scheduler: str | None) -> bool:
    """Whether the scheduler is known to run the steps that are asked for: those of the bundled models do."""
    return model in BUNDLED and components_from in (None, model) and scheduler is None


def default_capture_steps(steps: int) -> list[int]:
    """The denoising steps that are kept unless others are asked for: first, quarters, last."""
    # Step 0 is in because there the unconditional branch must show ΔR = 0: a check of the whole chain.
    return sorted({0, steps // 4, steps // 2, 3 * steps // 4, steps - 1})


def captured_at_most(manifest: Manifest) -> int:
    """How many steps a planned session keeps at most: of few steps it keeps more where more are run."""
    model, captured = manifest.model, len(manifest.capture_steps)
    settled = runs_as_asked(model.id, model.components_from, model.scheduler) or bool(manifest.timesteps)
    return captured if settled or not manifest.default_capture else max(captured, _MOST_BY_DEFAULT)
