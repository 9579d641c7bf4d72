"""What this machine can run: device, memory, versions, models in the cache."""

from collections.abc import Iterator
from importlib import metadata

import psutil
import torch

from subspacelens_tui import demo
from subspacelens_tui.models import ARCHITECTURES
from subspacelens_tui.planning.prompts import shipped_prompt_sets
from subspacelens_tui.planning.size import readable

_VERSIONS_OF = ("subspacelens-tui", "torch", "diffusers", "transformers", "numpy", "textual", "plotext")


def examine() -> Iterator[str]:
    """One line for each thing found."""
    yield from (f"{name:18} {metadata.version(name)}" for name in _VERSIONS_OF)
    memory = psutil.virtual_memory()
    yield f"{'memory':18} {readable(memory.available)} free of {readable(memory.total)}"
    yield from _devices()
    pipelines = ", ".join(name for architecture in ARCHITECTURES for name in architecture.pipelines)
    yield f"{'pipelines':18} {pipelines}"
    yield f"{'prompt sets':18} {', '.join(shipped_prompt_sets())}"
    bundled = readable(sum(file.stat().st_size for file in demo.MODEL_PATH.rglob("*")))
    yield f"{'model':18} demo (bundled, {bundled})"
    yield from _cached_models()


def _devices() -> Iterator[str]:
    yield f"{'device':18} cpu, {psutil.cpu_count(logical=False) or psutil.cpu_count()} cores"
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        bf16 = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no bfloat16"
        name = torch.cuda.get_device_name(index)
        yield f"{'device':18} cuda:{index}, {name}, {readable(free)} free of {readable(total)}, {bf16}"


def _cached_models() -> Iterator[str]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = sorted(scan_cache_dir().repos, key=lambda repository: repository.repo_id)
    except CacheNotFound:
        repositories = []
    models = [repository for repository in repositories if repository.repo_type == "model"]
    if not models:
        yield f"{'model':18} none in the hub's cache"
    for repository in models:
        yield f"{'model':18} {repository.repo_id} (cached, {readable(repository.size_on_disk)})"
