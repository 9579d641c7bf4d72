"""Following the methods of a scheduler while nobody else can tell. Imports no torch."""

import copy
import copyreg
import functools
import inspect
from collections.abc import Callable
from typing import Any

from subspacelens_tui.models.errors import ModelError


def kept(scheduler: Any) -> Callable[[], None]:
    """Keep the state of a scheduler; what is returned puts it back.

    Not a copy of the scheduler: wrappers among its attributes would go on to set and step the original.
    """
    before = {
        name: copy.copy(value) if type(value) in (list, dict) else value
        for name, value in vars(scheduler).items()
    }

    def restore() -> None:
        vars(scheduler).clear()
        vars(scheduler).update(before)

    return restore


def timestep_of(scheduler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The timestep that `step` was called with, by its name; where none has it, what comes second.

    Raises:
        ModelError: if there is neither.
    """
    bound = inspect.signature(type(scheduler).step).bind(scheduler, *args, **kwargs).arguments
    if "timestep" in bound:
        return bound["timestep"]
    if len(args) < 2:
        raise ModelError(f"{type(scheduler).__name__} cannot be recorded: its step takes no timestep")
    return args[1]


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
