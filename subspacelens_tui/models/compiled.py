"""Modules that their user has compiled, block by block, and hooks on them.

`Module.compile()` traces the hooks of a module with it. Ours count and store, and every new one would be
compiled again until torch gives up: so none is registered on what is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_COMPILED = "_compiled_call_impl"


def compiled_as_a_whole(component: torch.nn.Module) -> bool:
    """Whether a component is one graph, in which no module can be told."""
    return getattr(component, _COMPILED, None) is not None or hasattr(component, "_orig_mod")


def uncompiled(component: torch.nn.Module) -> Callable[[], None]:
    """Let all modules of a component run as they are written, until what is returned is called."""
    found = [
        (module, compiled)
        for module in component.modules()
        if (compiled := getattr(module, _COMPILED, None)) is not None
    ]
    for module, _ in found:
        setattr(module, _COMPILED, None)
    # Of one that is wrapped as a whole its graph would be made anew, with our hooks in it.
    wrapped = hasattr(component, "_orig_mod") and hasattr(torch.compiler, "set_stance")
    stance = torch.compiler.set_stance("force_eager") if wrapped else None

    def undo() -> None:
        if stance is not None:
            stance.__exit__(None, None, None)
        for module, compiled in found:
            setattr(module, _COMPILED, compiled)

    return undo


def before_call(module: torch.nn.Module, hook: Callable[..., None]) -> Callable[[], None]:
    """Call a hook (module, args, kwargs) before a module runs, until what is returned is called."""
    if getattr(module, _COMPILED, None) is None:
        return module.register_forward_pre_hook(hook, with_kwargs=True).remove
    return _around(module, before=hook)


def after_call(module: torch.nn.Module, hook: Callable[..., None]) -> Callable[[], None]:
    """Call a hook (module, args, output) after a module ran, until what is returned is called."""
    if getattr(module, _COMPILED, None) is None:
        return module.register_forward_hook(hook).remove
    return _around(module, after=hook)


def _around(
    module: torch.nn.Module,
    before: Callable[..., None] = lambda *of: None,
    after: Callable[..., None] = lambda *of: None,
) -> Callable[[], None]:
    compiled = getattr(module, _COMPILED)

    def call(*args: Any, **kwargs: Any) -> Any:
        before(module, args, kwargs)
        output = compiled(*args, **kwargs)
        after(module, args, output)
        return output

    setattr(module, _COMPILED, call)
    return lambda: setattr(module, _COMPILED, compiled)
