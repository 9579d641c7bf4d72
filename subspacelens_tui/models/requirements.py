"""Packages that some recordings need besides, asked for before a session is made. Imports no torch."""

from __future__ import annotations

import importlib.util

from subspacelens_tui.models.errors import ModelError

QUANTIZED_BY = {"int8": "torchao", "bnb-int8": "bitsandbytes", "bnb-nf4": "bitsandbytes"}
"""The package of each way to quantise."""

GGUF, LORA = "a GGUF file", "a LoRA"


def need(package: str, what: str) -> None:
    """See that a package is installed.

    Args:
        package: as pip and Python call it.
        what: needs it, for the message.

    Raises:
        ModelError: if it is not.
    """
    if importlib.util.find_spec(package) is None:
        raise ModelError(f"{what} needs {package}: run `pip install {package}`", mendable=True)


def need_quantizer(how: str, cuda: bool) -> None:
    """See that a denoiser can be quantised in one of the ways of `QUANTIZED_BY`.

    Args:
        how: which.
        cuda: whether there is a CUDA GPU.

    Raises:
        ModelError: if it cannot.
    """
    package = QUANTIZED_BY[how]
    if package == "bitsandbytes" and not cuda:
        raise ModelError(
            f"--quantize {how} needs a CUDA GPU, as bitsandbytes does: --quantize int8 runs anywhere"
        )
    need(package, f"--quantize {how}")
