"""Following a scheduler from step to step, and seeing that its steps are those of the session."""

import copyreg
import functools
from collections.abc import Callable, Sequence
from typing import Any

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
            if not same_timesteps(found, self._timesteps):
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
        self._at.append(kwargs["timestep"] if "timestep" in kwargs else args[1])  # after the model's output
        self.step += 1
        self._on_step()


def watch(scheduler: Any, after: dict[str, Callable[..., None]]) -> Callable[[], None]:
    """Call something after methods of a scheduler, with the same arguments.

    Meanwhile the scheduler is of a subclass of its class. Wrappers among its attributes would go into its
    copies, which would then step the original; to delete them would delete what somebody else put there.

    Args:
        scheduler: left as it was by what is returned.
        after: what to call, by the name of the method.
    """
    kind = type(scheduler)

    class Watched(kind):  # type: ignore[misc, valid-type]
        def __reduce_ex__(self, protocol: Any) -> Any:
            """A copy, pickled or not, is of the scheduler's own class."""
            make, arguments, *state = super().__reduce_ex__(protocol)
            if make is copyreg.__newobj__:  # type: ignore[attr-defined]
                make = kind.__new__  # pickle lets the other make none but our class
            return (make, tuple(_instead(part, Watched, kind) for part in arguments), *state)

    Watched.__name__, Watched.__qualname__ = kind.__name__, kind.__qualname__
    Watched.__module__, Watched.__doc__ = kind.__module__, kind.__doc__
    hooks = [_Hook(Watched, name, scheduler, call) for name, call in after.items()]
    for hook in hooks:
        setattr(Watched, hook.name, hook)
    scheduler.__class__ = Watched

    def undo() -> None:
        for hook in hooks:
            hook.over = True
        scheduler.__class__ = kind

    return undo


def _instead(part: Any, watched: type, kind: type) -> Any:
    return kind if isinstance(part, type) and issubclass(part, watched) else part


class _Hook:
    """A method of one scheduler with something to do after it.

    It comes before a wrapper that the scheduler itself has among its attributes, and calls it.
    """

    def __init__(self, owner: type, name: str, scheduler: Any, after: Callable[..., None]) -> None:
        self.name, self.over = name, False
        self._owner, self._scheduler, self._after = owner, scheduler, after
        self._running = False

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return getattr(super(self._owner, owner), self.name)
        own = vars(instance)
        original = own[self.name] if self.name in own else getattr(super(self._owner, instance), self.name)
        return original if instance is not self._scheduler else self._followed(original)

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self.name] = value

    def __delete__(self, instance: Any) -> None:
        if self.name not in vars(instance):
            raise AttributeError(self.name)
        del vars(instance)[self.name]

    def _followed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)  # pipelines inspect the signature
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._running or self.over:  # a method that calls itself, or one kept from an earlier time
                return original(*args, **kwargs)
            self._running = True
            try:
                result = original(*args, **kwargs)
            finally:
                self._running = False
            self._after(*args, **kwargs)
            return result

        return call
