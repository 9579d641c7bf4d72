"""Caches of diffusers, with which blocks report what they computed at an earlier step."""

from typing import Any

# Ends of the names of diffusers' modules whose hooks skip work: first_block_cache, faster_cache, mag_cache, …
_CACHES = ("cache", "pyramid_attention_broadcast")


def cache_hook(component: Any) -> str | None:
    """The name of a cache's hook on a model, on its blocks or on parts of these; None if there is none."""
    for module in component.modules():
        registry = getattr(module, "_diffusers_hook", None)
        for name, hook in getattr(registry, "hooks", {}).items():
            if type(hook).__module__.endswith(_CACHES):
                return str(name)
    return None


def cached_words(hook: str, component: str) -> str:
    """Why a component with that hook is not recorded."""
    return (
        f"the pipeline has the cache hook {hook!r}, with which layers report what they computed at an "
        "earlier "
        f"step: call `disable_cache()` on its {component} first"
    )
