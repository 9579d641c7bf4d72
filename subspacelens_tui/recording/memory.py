"""Running out of memory: telling it from other errors, and giving back what can be given back."""

import gc

import torch
from accelerate.utils.memory import should_reduce_batch_size


def out_of_memory(error: Exception) -> bool:
    """Whether an error means that a device (or the host, for tensors) has no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or should_reduce_batch_size(error)


def give_back(device: torch.device) -> None:
    """Free what nothing refers to any more; call it outside `except`, whose traceback holds on to tensors."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
