"""What can be wrong with a model, in one line with the next command to type. Imports no torch.

`again`, in all of them, is what to do where a file is missing or damaged: places know that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from subspacelens_tui.models.errors import ModelError

INDEX = "model_index.json"
EXAMPLE = "`--model PixArt-alpha/PixArt-XL-2-512x512`"
_COMPONENTS = "`--components-from ID|PATH`"
_LONGEST_REASON = 200
_LONGEST_PATH = 300
_HUB_ADDRESS = re.compile(r"https?://[^/]+/([^/]+/[^/?#]+)")
_PICKLE = "a single file of weights (a pickle)"
_FILES = {
    ".safetensors": "a single file of weights (safetensors)",
    ".gguf": "a single file of weights (GGUF)",
    ".onnx": "a single file of weights (ONNX)",
    **dict.fromkeys((".ckpt", ".pth", ".pt", ".bin"), _PICKLE),
}
_OF_A_DENOISER = (".safetensors", ".gguf")


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says, cut after a sentence where it is long."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    if isinstance(error, NameError) and _is_optional(error.name):
        return f"it needs {error.name}: run `pip install {error.name}`"
    line = lines[0] if len(lines[0]) <= _LONGEST_REASON else lines[0].split(". ")[0][:_LONGEST_REASON]
    return f"{type(error).__name__}: {line}"


def _is_optional(name: str | None) -> bool:
    """Whether diffusers does without a library of that name, and fails where a pipeline uses it."""
    there = getattr(sys.modules.get("diffusers.utils"), f"is_{name}_available", None)
    return there is not None and not there()


def no_such_folder(model: str) -> ModelError:
    """The error for a path where there is nothing."""
    if not model:
        return ModelError("no model is named: give `--model demo`, a diffusers folder, or an id on the hub")
    if address := _HUB_ADDRESS.match(model):
        return ModelError(f"{model} is an address: give the id, `--model {address[1]}`")
    return ModelError(f"there is no folder or file {_short(model)}")


def unreadable(model: str, path: Path, error: OSError) -> ModelError:
    """The error for what may not be looked at."""
    shown = _short(str(path))
    return ModelError(
        f"{shown} of model {_short(model)!r} cannot be read ({error.strerror or error}): "
        f"see `ls -ld {shown}`",
        mendable=True,
    )


def is_one_file(model: str, path: Path) -> ModelError:
    """The error for a file in the place of a folder."""
    what = _FILES.get(path.suffix.lower(), "a file")
    for folder in list(path.absolute().parents)[:2]:
        if (folder / INDEX).is_file():
            return ModelError(f"{model} is {what} inside a pipeline: give the folder, `--model {folder}`")
    if path.suffix in _OF_A_DENOISER:
        return ModelError(
            f"{model} is {what}: if it is a transformer or a UNet, say where the other parts of its pipeline "
            "are, `--components-from ID|PATH`; else give a diffusers folder, or an id on the hub, as "
            f"{EXAMPLE}"
        )
    return ModelError(
        f"{model} is {what}, which cannot be recorded: give a diffusers folder, which has a {INDEX}, or an "
        f"id on the hub, as {EXAMPLE}"
    )


def _short(path: str) -> str:
    return path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"


def _words(part: str) -> str:
    return "VAE" if part == "vae" else part.replace("_", " ")


def no_pipeline(model: str, instead: str) -> ModelError:
    """The error for a model without an index of its parts."""
    return ModelError(f"model {model!r} is no diffusers pipeline: it has no {INDEX}; {instead}")


def only_transformer(model: str, whole: bool, again: str) -> ModelError:
    """The error for a transformer without the other parts, where none were named."""
    ways = f"say where the other parts are, {_COMPONENTS}"
    if whole:
        return ModelError(f"model {model!r} is a transformer only: {ways}")
    return ModelError(
        f"of model {model!r} the hub's cache has the transformer only: {ways}; or, if it has more on the "
        f"hub, {again}",
        mendable=True,
    )


def damaged(model: str, what: str, why: str, again: str) -> ModelError:
    """The error for a file that is not what it should be."""
    return ModelError(f"model {model!r} is damaged: {what} {why}; {again}", mendable=True)


def lacks(model: str, what: Sequence[str], again: str) -> ModelError:
    """The error for files that are not there."""
    more = f" and {len(what) - 1} more" if len(what) > 1 else ""
    return ModelError(f"model {model!r} is not whole, it lacks {what[0]}{more}: {again}", mendable=True)


def no_part(model: str, part: str, borrowed: bool) -> ModelError:
    """The error for a pipeline that was saved without one of its parts."""
    words = _words(part)
    if borrowed:
        return ModelError(
            f"model {model!r} was saved without its {words}: name another one with `--components-from`"
        )
    if part == "transformer":
        return ModelError(
            f"model {model!r} was saved without its transformer; for the other parts of one, say "
            f"`--model ID|PATH --components-from {model}`"
        )
    return ModelError(
        f"model {model!r} was saved without its {words}: say where the other parts are, {_COMPONENTS}"
    )


def other_class(model: str, pipeline: str, others: str, pipeline_of_others: str) -> ModelError:
    """The error for a transformer and other parts of pipelines of two classes."""
    return ModelError(
        f"model {model!r} is a {pipeline} and {others!r} a {pipeline_of_others}: their parts do not fit; "
        f"name a {pipeline} with `--components-from`"
    )


def needs_code(model: str, what: str) -> ModelError:
    """The error for a model with classes of its own."""
    return ModelError(
        f"model {model!r} comes with code of its own ({what}), which is never run: give a model all of "
        "whose classes are in diffusers and transformers"
    )


def only_variants(model: str, parts: Sequence[str], variants: Sequence[str]) -> ModelError:
    """The error for weights that are of variants only, where none was asked for."""
    which = f"of variant {variants[0]}" if len(variants) == 1 else f"of variants {', '.join(variants)}"
    commands = " or ".join(f"`--variant {variant}`" for variant in variants)
    return ModelError(f"model {model!r} has weights {which} only ({', '.join(parts)}): add {commands}")


def no_such_variant(
    model: str, asked: str, variants: Sequence[str], plain: bool, again: str | None
) -> ModelError:
    """The error for a variant that the transformer does not have; `again` if the hub may have it."""
    ways = ["leave out `--variant`"] if plain else []
    ways += [f"`--variant {variant}` is there" for variant in variants]
    ways += [again] if again else []
    there = f": {', or '.join(ways)}" if ways else ""
    return ModelError(f"model {model!r} has no weights of variant {asked!r}{there}", mendable=bool(again))


def only_pickles(model: str, parts: Sequence[str]) -> ModelError:
    """The error for pickled weights, where these were not allowed."""
    return ModelError(
        f"model {model!r} has pickled weights only ({', '.join(parts)}), and loading them can run any code: "
        "if you trust them, add `--allow-pickle`"
    )


def no_weights(model: str, part: str, there: Sequence[str], again: str) -> ModelError:
    """The error for a part none of whose files are weights that can be loaded."""
    others = [name for name in there if not name.endswith(".json")]
    instead = f" (there is {', '.join(others[:3])})" if others else ""
    return ModelError(
        f"model {model!r} has no weights of its {_words(part)} that can be loaded{instead}: {again}",
        mendable=True,
    )


def not_loaded(model: str, part: str, why: str, again: str) -> ModelError:
    """The error for a part that could not be loaded though its files are in order."""
    return ModelError(
        f"the {_words(part)} of model {model!r} cannot be loaded ({why}): {again}", mendable=True
    )
