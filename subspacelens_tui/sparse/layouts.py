"""Files of sparse autoencoders, ours and others': what they are, and what of them can be used.

| layout | files |
|---|---|
| sparsify, SAeUron | cfg.json, sae.safetensors |
| SAELens | cfg.json, sae_weights.safetensors |

Pickles (sdxl-unbox, dictionary_learning) are in `pickled_layouts`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors.numpy import save_file

from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.autoencoder_parts import (
    Loaded,
    checked,
    k_of,
    of_section,
    read_config,
    read_tensors,
    take,
)
from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.errors import SparseError
from subspacelens_tui.sparse.pickled_layouts import PICKLES, of_pickled
from subspacelens_tui.sparse.recipe import Recipe

ReadPickle = Callable[[Path], Mapping[str, FloatArray]]

CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"
SAELENS_WEIGHTS = "sae_weights.safetensors"
# Ours, in cfg.json of sparsify, whose loader passes over what it does not know.
_OURS = "subspacelens"


def write_autoencoder(
    folder: Path, autoencoder: Autoencoder, recipe: Recipe, threshold: float | None, about: Mapping[str, Any]
) -> None:
    """Write it in the layout of sparsify; `cfg.json` comes last.

    Args:
        folder: made if it is not there.
        autoencoder: with a decoder bias that is its shift, as sparsify has it.
        recipe: how it was trained.
        threshold: of BatchTopK.
        about: what to say of its tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        "encoder.weight": autoencoder.encoder,
        "encoder.bias": autoencoder.encoder_bias,
        "W_dec": autoencoder.decoder,
        "b_dec": autoencoder.decoder_bias,
    }
    with whole_file(folder / WEIGHTS) as temporary:
        save_file({name: np.ascontiguousarray(of, np.float32) for name, of in tensors.items()}, temporary)
    config = {
        "activation": "topk",
        "expansion_factor": max(1, recipe.atoms // autoencoder.width),
        "normalize_decoder": True,
        "num_latents": recipe.atoms,
        "k": recipe.k,
        "multi_topk": False,
        "skip_connection": False,
        "transcode": False,
        "d_in": autoencoder.width,
        _OURS: {"recipe": recipe.model_dump(), "threshold": threshold, **about},
    }
    with whole_file(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=1), encoding="utf-8")


def recipe_of(folder: Path) -> Recipe | None:
    """How an autoencoder of ours was trained; None if there is none of ours."""
    try:
        return Recipe.model_validate(read_config(folder / CONFIG)[_OURS]["recipe"])
    except (SparseError, KeyError, TypeError, ValidationError):
        return None


def load_autoencoder(path: Path, read_pickle: ReadPickle | None = None) -> Loaded:
    """An autoencoder from a folder, or from a pickled file.

    Args:
        path: the folder.
        read_pickle: from a pickled file to its tensors by name; None where pickles are not allowed.

    Raises:
        SparseError: in one line, why it cannot be used.
    """
    if (path / WEIGHTS).is_file():
        return _sparsify(path, read_config(path / CONFIG))
    if (path / SAELENS_WEIGHTS).is_file():
        return _saelens(path, read_config(path / CONFIG))
    pickled = (
        path if path.is_file() else next((path / name for name in PICKLES if (path / name).is_file()), None)
    )
    if pickled is None:
        raise SparseError(
            f"{path} is not an autoencoder: it has neither {WEIGHTS} (sparsify, SAeUron) nor "
            f"{SAELENS_WEIGHTS} (SAELens), {PICKLES[0]} (sdxl-unbox) or {PICKLES[1]} (dictionary_learning)"
        )
    if read_pickle is None:
        raise SparseError(
            f"{pickled} is a pickle, which can run any code: --allow-pickle loads it if you trust it"
        )
    config = read_config(pickled.parent / "config.json") if (pickled.parent / "config.json").is_file() else {}
    return of_pickled(pickled, config, read_pickle(pickled))


def _sparsify(folder: Path, config: dict[str, Any]) -> Loaded:
    path = folder / WEIGHTS
    tensors = read_tensors(path)
    for key, what in (("transcode", "a transcoder"), ("skip_connection", "one with a skip connection")):
        if config.get(key):
            raise SparseError(f"{folder} is {what}, not an autoencoder of one block's tokens: it is not used")
    if (activation := config.get("activation", "topk")) != "topk":
        raise SparseError(f"{folder} has the activation {activation!r}; only topk is known")
    encoder, decoder = take(path, tensors, "encoder.weight"), take(path, tensors, "W_dec")
    shift = take(path, tensors, "b_dec")
    ours = of_section(config, _OURS)
    k, threshold = k_of(folder / CONFIG, config), ours.get("threshold")
    by_threshold = isinstance(threshold, int | float)
    found = Autoencoder(
        encoder=encoder,
        encoder_bias=take(path, tensors, "encoder.bias"),
        shift=shift,
        decoder=decoder,
        decoder_bias=shift,
        k=None if by_threshold else k,
        threshold=np.full(len(decoder), threshold) if by_threshold else None,
    )
    images = ours.get("images")
    return Loaded(
        checked(folder, found),
        "sparsify",
        str(ours.get("block") or config.get("hookpoint") or ""),
        session=str(ours.get("session", "")),
        images=frozenset(images) if isinstance(images, list) else None,
        without_position=ours.get("without_position") is True,
    )


def _saelens(folder: Path, config: dict[str, Any]) -> Loaded:
    path = folder / SAELENS_WEIGHTS
    tensors = read_tensors(path)
    kind = str(config.get("architecture", "standard"))
    if kind not in ("standard", "topk", "batchtopk", "jumprelu"):
        raise SparseError(
            f"{folder} has the architecture {kind!r}; standard, topk, batchtopk and jumprelu are known"
        )
    normalised = str(config.get("normalize_activations", "none"))
    if normalised not in ("none", "expected_average_only_in"):
        raise SparseError(
            f"{folder} scales every token on its own (normalize_activations {normalised!r}), which a "
            "receiver would have to be told: it is not used"
        )
    encoder, bias = take(path, tensors, "W_enc").T, take(path, tensors, "b_dec")
    encoder_bias, decoder = take(path, tensors, "b_enc"), take(path, tensors, "W_dec")
    if config.get("rescale_acts_by_decoder_norm"):
        norms = np.linalg.norm(decoder, axis=1)
        encoder, encoder_bias = encoder * norms[:, None], encoder_bias * norms
        decoder = decoder / norms[:, None]
    applied = config.get("apply_b_dec_to_input", True)
    found = Autoencoder(
        encoder=encoder,
        encoder_bias=encoder_bias,
        shift=bias if applied else np.zeros_like(bias),
        decoder=decoder,
        decoder_bias=bias,
        k=k_of(folder / CONFIG, config) if kind == "topk" else None,
        threshold=take(path, tensors, "threshold") if kind in ("jumprelu", "batchtopk") else None,
    )
    about = of_section(config, "metadata") or config
    d = found.width
    return Loaded(
        checked(folder, found),
        "SAELens",
        str(about.get("hook_name") or ""),
        mean_norm=None if normalised == "none" else float(d) ** 0.5,
    )
