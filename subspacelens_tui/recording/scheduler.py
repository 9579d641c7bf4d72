"""Following a scheduler from step to step, and seeing that its steps are those of the session."""

from collections.abc import Callable, Sequence
from typing import Any

from subspacelens_tui.models.scheduler_watch import timestep_of, watch
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.timesteps import as_floats
from subspacelens_tui.sessions.steps import same_timesteps


class StepCounter:
    """Counts the steps of a scheduler: no argument of a hook names them for every architecture.

    Attributes:
        step: the step that comes next.

    Args:
        scheduler: of the pipeline.
        timesteps: of the steps that every batch must run; whatever it runs, if there are none.
        on_restart: called when the scheduler has set its timesteps, before step 0.
        on_step: called after each step, `step` being the next.
    """

    def __init__(
        self,
        scheduler: Any,
        timesteps: Sequence[float],
        on_restart: Callable[[], None],
        on_step: Callable[[], None],
    ) -> None:
        self._scheduler = scheduler
        self._name = type(scheduler).__name__
        self._timesteps = timesteps
        self._on_restart, self._on_step = on_restart, on_step
        self._at: list[Any] = []
        self.step = 0

    def hook(self) -> Callable[[], None]:
        """Begin to count; the answer ends it."""
        return watch(self._scheduler, {"set_timesteps": self._take_timesteps, "step": self._take_step})

    def restart(self) -> None:
        """Count from step 0."""
        self.step, self._at = 0, []
        self._on_restart()

    def check(self) -> None:
        """See that a batch has run all steps, each at its timestep.

        Raises:
            RecordingError: if it has not.
        """
        if not self._timesteps:
            return
        if self.step != len(self._timesteps):
            raise RecordingError(
                f"the pipeline ended after {self.step} of {len(self._timesteps)} steps of {self._name}: "
                "its features would be under wrong steps"
            )
        # Only now, when the device is waited for anyway.
        if not same_timesteps([as_floats(at)[0] for at in self._at], self._timesteps):
            raise RecordingError(
                f"the pipeline ran the steps of {self._name} in another order than its timesteps: "
                "its features would be under wrong steps"
            )

    def _take_timesteps(self, *args: Any, **kwargs: Any) -> None:
        if self._timesteps:
            found = as_floats(self._scheduler.timesteps)
            # Image-to-image pipelines pass over the first; in the end it is checked which were run.
            if not same_timesteps(found[-len(self._timesteps) :], self._timesteps):
                raise RecordingError(
                    f"the pipeline set {len(found)} timesteps of {self._name} from {found[0]:g}, "
                    f"the session has {len(self._timesteps)} from {self._timesteps[0]:g}: "
                    "its features would be under wrong steps"
                )
        self.restart()

    def _take_step(self, *args: Any, **kwargs: Any) -> None:
        if self._timesteps and self.step == len(self._timesteps):
            raise RecordingError(
                f"the pipeline runs {self._name} for more than {self.step} steps: "
                "its features would be under wrong steps"
            )
        self._at.append(timestep_of(self._scheduler, args, kwargs))
        self.step += 1
        self._on_step()
