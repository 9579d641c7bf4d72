"""The device that a recording will run on and its memory, asked without importing torch."""

import importlib.util
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pynvml

from subspacelens_tui.planning.machine import host_memory

# From compute capability 8.0 on (Ampere) the hardware has bfloat16.
_BFLOAT16_SINCE = (8, 0)


@dataclass(frozen=True)
class Device:
    """A device as torch names it; sizes are in bytes and None where they are not known.

    Attributes:
        name: cpu, cuda:0, …
        product: what is printed on it.
        free, total: its memory now.
        bfloat16: whether it computes in bfloat16 by itself.
    """

    name: str
    product: str
    free: int | None = None
    total: int | None = None
    bfloat16: bool = False

    @property
    def kind(self) -> str:
        """Cpu, cuda, …"""
        return self.name.partition(":")[0]


def find_device(asked: str | None = None) -> Device:
    """The device asked for, or the one that the recorder will take by itself: the first GPU, else the CPU."""
    if asked is None:
        return next(iter(nvidia_gpus()), cpu())
    if asked == "cpu":
        return cpu()
    wanted = "cuda:0" if asked == "cuda" else asked
    unknown = Device(asked, asked)
    return next((gpu for gpu in nvidia_gpus() if gpu.name == wanted), unknown)


def cpu() -> Device:
    """The processors and the memory that this process may use."""
    found = host_memory()
    return Device("cpu", "cpu", found.available, found.total)


def nvidia_gpus() -> list[Device]:
    """The GPUs that torch will see, in its order; none if this torch was built without CUDA."""
    if not _torch_has_cuda():
        return []
    with _nvml() as there:
        handles = _visible_handles() if there else []
        return [_gpu(index, handle) for index, handle in enumerate(handles)]


def _gpu(index: int, handle: object) -> Device:
    name = f"cuda:{index}"
    try:
        has = pynvml.nvmlDeviceGetMemoryInfo(handle)
        capability = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
        product = str(pynvml.nvmlDeviceGetName(handle))
    except pynvml.NVMLError:  # some questions are refused to a part of a GPU, or by an old driver
        return Device(name, name)
    return Device(name, product, int(has.free), int(has.total), tuple(capability) >= _BFLOAT16_SINCE)


def _visible_handles() -> list[object]:
    """CUDA_VISIBLE_DEVICES chooses and orders the GPUs; CUDA stops at the first that it does not know."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    chosen = []
    for entry in (part.strip() for part in visible.split(",")):
        try:
            if entry.isdecimal():
                chosen.append(pynvml.nvmlDeviceGetHandleByIndex(int(entry)))
            else:
                chosen.append(pynvml.nvmlDeviceGetHandleByUUID(entry.encode()))
        except pynvml.NVMLError:
            break
    return chosen


@contextmanager
def _nvml() -> Iterator[bool]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    finally:
        pynvml.nvmlShutdown()


def _torch_has_cuda() -> bool:
    """Whether the torch that is installed was built with CUDA; from its files, as importing takes seconds."""
    spec = importlib.util.find_spec("torch")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        try:
            text = (Path(folder) / "version.py").read_text(encoding="utf-8")
        except OSError:
            continue
        return re.search(r"^cuda\b.*= *['\"]\d", text, re.MULTILINE) is not None
    return False
