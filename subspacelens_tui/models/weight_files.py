"""Which files of a part of a pipeline hold its weights, told by their names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# diffusers has the first stem in both formats, transformers the others in one each.
_STEM = r"(?P<stem>diffusion_pytorch_model|pytorch_model|model)"
_FORMAT = r"\.(?P<format>safetensors|bin)"
# `former` is where earlier versions of diffusers put the variant.
_SHARD = re.compile(
    rf"{_STEM}(?:\.(?P<variant>[^.]+))?-(?P<number>\d+)-of-(?P<count>\d+)(?:\.(?P<former>[^.]+))?{_FORMAT}"
)
_INDEX = re.compile(rf"{_STEM}{_FORMAT}(?:\.index(?:\.(?P<variant>[^.]+))?|\.(?P<former>[^.]+)\.index)\.json")
_WHOLE = re.compile(rf"{_STEM}(?:\.(?P<variant>[^.]+))?{_FORMAT}")
_STEMS_OF_FORMAT = {
    "safetensors": ("diffusion_pytorch_model", "model"),
    "bin": ("diffusion_pytorch_model", "pytorch_model"),
}
_SHARDS_AT_MOST = 10_000


@dataclass(frozen=True)
class WeightSet:
    """One complete set of weights of a part, by file names.

    Attributes:
        variant: such as fp16; None for the plain one.
        pickled: whether loading it can run code.
        files: those that hold weights.
        index: says which shard holds what; None for a single file.
        absent: what belongs to it and is not there.
    """

    variant: str | None
    pickled: bool
    files: tuple[str, ...]
    index: str | None = None
    absent: tuple[str, ...] = ()


def weight_sets(names: Iterable[str]) -> list[WeightSet]:
    """The sets of weights among the files of a part, one for each variant and format."""
    names = sorted(names)
    whole: dict[tuple[str | None, str], str] = {}
    indices: dict[tuple[str | None, str], str] = {}
    shards: dict[tuple[str | None, str], str] = {}
    for name in names:
        for kind, found in ((_SHARD, shards), (_INDEX, indices), (_WHOLE, whole)):
            match = kind.fullmatch(name)
            if match and match["stem"] in _STEMS_OF_FORMAT[match["format"]]:
                former = match.groupdict().get("former")
                found.setdefault((match["variant"] or former, match["format"]), name)
                break
    sets = []
    for key in dict.fromkeys([*whole, *indices, *shards]):
        variant, pickled = key[0], key[1] == "bin"
        # Where there are both, diffusers takes the shards and transformers the single file.
        sharded = key in indices or key in shards
        if key in whole and not (sharded and whole[key].startswith("diffusion")):
            sets.append(WeightSet(variant, pickled, (whole[key],)))
        else:
            sets.append(_sharded(variant, pickled, indices.get(key), shards.get(key), names))
    return sets


def chosen(sets: Iterable[WeightSet], variants: Sequence[str | None], pickles: bool) -> WeightSet | None:
    """The set to load, safetensors before pickles; None if there is none that will do.

    Args:
        sets: what there is.
        variants: which will do, the best first.
        pickles: whether pickles will.
    """
    by_key = {(one.variant, one.pickled): one for one in sets}
    wanted = ((variant, pickled) for variant in variants for pickled in (False, True)[: 1 + pickles])
    return next((by_key[key] for key in wanted if key in by_key), None)


def _sharded(
    variant: str | None, pickled: bool, index: str | None, shard: str | None, names: Sequence[str]
) -> WeightSet:
    if shard is None:
        # Its shards are not named in the usual way; the index knows how.
        return WeightSet(variant, pickled, (), index)
    match = _SHARD.fullmatch(shard)
    assert match is not None
    first, last = match.span("number")
    count = min(int(match["count"]), _SHARDS_AT_MOST)
    files = [f"{shard[:first]}{n:0{last - first}d}{shard[last:]}" for n in range(1, count + 1)]
    absent = sorted({*files} - {*names})
    if index is None:
        index = f"{match['stem']}.{match['format']}.index{f'.{variant}' if variant else ''}.json"
        absent.insert(0, index)
    return WeightSet(variant, pickled, tuple(files), index, tuple(absent))
