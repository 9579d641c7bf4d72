"""Autoencoders that are published as pickles, from their tensors by name; torch is not needed here.

| layout | files |
|---|---|
| sdxl-unbox | config.json, state_dict.pth; trained on what a block adds to its input |
| dictionary_learning | config.json, ae.pt |
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.autoencoder_parts import Loaded, checked, k_of, take
from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.errors import SparseError

PICKLES = ("state_dict.pth", "ae.pt")


def of_pickled(path: Path, config: dict[str, Any], tensors: Mapping[str, FloatArray]) -> Loaded:
    """An autoencoder from the tensors of a pickle.

    Raises:
        SparseError: in one line, why it cannot be used.
    """
    if any("film" in name.lower() or name.startswith("time") for name in tensors):
        raise SparseError(
            f"{path} changes its atoms with the timestep (FiLM, as DifFRACT): it is no fixed set of atoms, "
            "and is not used"
        )
    if "pre_bias" in tensors:
        return _unbox(path, config, tensors)
    if "encoder.weight" in tensors and "decoder.weight" in tensors:
        return _dictionary_learning(path, config, tensors)
    names = ", ".join(sorted(tensors)[:8])
    raise SparseError(
        f"{path} is neither sdxl-unbox's nor dictionary_learning's: it has {names or 'no tensors'}"
    )


def _unbox(path: Path, config: dict[str, Any], tensors: Mapping[str, FloatArray]) -> Loaded:
    bias = take(path, tensors, "pre_bias")
    found = Autoencoder(
        encoder=take(path, tensors, "encoder.weight"),
        encoder_bias=take(path, tensors, "latent_bias"),
        shift=bias,
        decoder=take(path, tensors, "decoder.weight").T,
        decoder_bias=bias,
        k=k_of(path.parent / "config.json", config),
    )
    return Loaded(checked(path, found), "sdxl-unbox", path.parent.name, of_update=True)


def _dictionary_learning(path: Path, config: dict[str, Any], tensors: Mapping[str, FloatArray]) -> Loaded:
    trainer = config.get("trainer") if isinstance(config.get("trainer"), dict) else config
    assert isinstance(trainer, dict)
    kind = str(trainer.get("dict_class", "AutoEncoderTopK" if "k" in tensors else "AutoEncoder"))
    if kind not in ("AutoEncoder", "AutoEncoderTopK", "BatchTopKSAE"):
        raise SparseError(f"{path} is a {kind}; AutoEncoder, AutoEncoderTopK and BatchTopKSAE are known")
    bias = take(path, tensors, "bias" if kind == "AutoEncoder" else "b_dec")
    decoder = take(path, tensors, "decoder.weight").T
    threshold = tensors.get("threshold")
    k = tensors["k"] if "k" in tensors else trainer.get("k")
    if kind == "AutoEncoderTopK" and k is None:
        raise SparseError(f"{path} does not say k, how many atoms a token has")
    if kind == "BatchTopKSAE" and threshold is None:
        raise SparseError(f"{path} has no threshold, so that it is not known which atoms a token has")
    found = Autoencoder(
        encoder=take(path, tensors, "encoder.weight"),
        encoder_bias=take(path, tensors, "encoder.bias"),
        shift=bias,
        decoder=decoder,
        decoder_bias=bias,
        k=int(np.asarray(k).item()) if kind == "AutoEncoderTopK" else None,
        threshold=np.full(len(decoder), float(threshold))
        if kind == "BatchTopKSAE" and threshold is not None
        else None,
    )
    hook = trainer.get("submodule_name") or trainer.get("layer")
    return Loaded(checked(path, found), "dictionary_learning", "" if hook is None else str(hook))
