"""Quantised denoisers: by torchao or bitsandbytes while they load, or from a GGUF file."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from typing import Any

import diffusers
import torch

from subspacelens_tui.models.errors import ModelError


def quantization_config(how: str, dtype: torch.dtype) -> Any:
    """The configuration with which diffusers quantises a model while it loads.

    Args:
        how: one of `options.recording.QUANTIZATIONS`.
        dtype: in which it computes.

    Raises:
        ModelError: if what that needs is not here.
    """
    package, make = _MAKERS[how]
    if package == "bitsandbytes" and not torch.cuda.is_available():
        raise ModelError(
            f"--quantize {how} needs a CUDA GPU, as bitsandbytes does: --quantize int8 runs anywhere"
        )
    _need(package, f"--quantize {how}")
    return make(dtype)


def gguf_config(dtype: torch.dtype) -> Any:
    """The same for a GGUF file, which says itself how it is quantised."""
    _need("gguf", "a GGUF file")
    return diffusers.GGUFQuantizationConfig(compute_dtype=dtype)


def _need(package: str, what: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise ModelError(f"{what} needs {package}: run `pip install {package}`", mendable=True)


def _int8(dtype: torch.dtype) -> Any:
    # It warns of kernels for other machines.
    logging.getLogger("torchao").setLevel(logging.ERROR)
    from torchao.quantization import Int8WeightOnlyConfig

    return diffusers.TorchAoConfig(Int8WeightOnlyConfig())


def _bnb_int8(dtype: torch.dtype) -> Any:
    return diffusers.BitsAndBytesConfig(load_in_8bit=True)


def _bnb_nf4(dtype: torch.dtype) -> Any:
    return diffusers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
    )


_MAKERS: dict[str, tuple[str, Callable[[torch.dtype], Any]]] = {
    "int8": ("torchao", _int8),
    "bnb-int8": ("bitsandbytes", _bnb_int8),
    "bnb-nf4": ("bitsandbytes", _bnb_nf4),
}
