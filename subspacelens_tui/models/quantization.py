"""Quantised denoisers: by torchao or bitsandbytes while they load, or from a GGUF file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import diffusers
import torch

from subspacelens_tui.models.requirements import GGUF, need, need_quantizer


def quantization_config(how: str, dtype: torch.dtype) -> Any:
    """The configuration with which diffusers quantises a model while it loads.

    Args:
        how: one of `options.recording.QUANTIZATIONS`.
        dtype: in which it computes.

    Raises:
        ModelError: if what that needs is not here.
    """
    need_quantizer(how, torch.cuda.is_available())
    return _MAKERS[how](dtype)


def gguf_config(dtype: torch.dtype) -> Any:
    """The same for a GGUF file, which says itself how it is quantised."""
    need("gguf", GGUF)
    return diffusers.GGUFQuantizationConfig(compute_dtype=dtype)


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


_MAKERS: dict[str, Callable[[torch.dtype], Any]] = {
    "int8": _int8,
    "bnb-int8": _bnb_int8,
    "bnb-nf4": _bnb_nf4,
}
