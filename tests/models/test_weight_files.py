"""Which weights there are, by the names of files alone."""

import pytest

from subspacelens_tui.models.weight_files import WeightSet, chosen, weight_sets

STEM = "diffusion_pytorch_model"


def shards(stem: str, ending: str, count: int) -> list[str]:
    return [f"{stem}-{n:05d}-of-{count:05d}{ending}" for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([f"{STEM}.safetensors"], WeightSet(None, False, (f"{STEM}.safetensors",))),
        ([f"{STEM}.bin"], WeightSet(None, True, (f"{STEM}.bin",))),
        (["model.safetensors"], WeightSet(None, False, ("model.safetensors",))),
        (["pytorch_model.bin"], WeightSet(None, True, ("pytorch_model.bin",))),
        ([f"{STEM}.fp16.safetensors"], WeightSet("fp16", False, (f"{STEM}.fp16.safetensors",))),
        ([f"{STEM}.non_ema.bin"], WeightSet("non_ema", True, (f"{STEM}.non_ema.bin",))),
        (
            ["pytorch_model.bin.index.json", *shards("pytorch_model", ".bin", 2)],
            WeightSet(None, True, tuple(shards("pytorch_model", ".bin", 2)), "pytorch_model.bin.index.json"),
        ),
        (
            ["model.safetensors.index.fp16.json", *shards("model.fp16", ".safetensors", 2)],
            WeightSet(
                "fp16",
                False,
                tuple(shards("model.fp16", ".safetensors", 2)),
                "model.safetensors.index.fp16.json",
            ),
        ),
        (  # as earlier versions of diffusers named them
            [f"{STEM}.safetensors.fp16.index.json", *shards(STEM, ".fp16.safetensors", 2)],
            WeightSet(
                "fp16",
                False,
                tuple(shards(STEM, ".fp16.safetensors", 2)),
                f"{STEM}.safetensors.fp16.index.json",
            ),
        ),
    ],
)
def test_a_set_is_known_by_its_names(names: list[str], found: WeightSet) -> None:
    beside = ["config.json", "README.md", "flax_model.msgpack", "model.bin", "model.onnx", "optimizer.pt"]
    assert weight_sets([*beside, *names]) == [found]


def test_what_is_missing_of_a_set_is_named() -> None:
    index, two = "model.safetensors.index.json", shards("model", ".safetensors", 2)
    assert weight_sets([index, two[1]])[0].absent == (two[0],)
    assert weight_sets(two)[0].absent == (index,)
    assert weight_sets([two[0]])[0].absent == (index, two[1])


def test_safetensors_come_before_pickles_and_variants_in_their_order() -> None:
    plain, half = (f"{STEM}.safetensors", f"{STEM}.bin"), (f"{STEM}.fp16.bin",)
    sets = weight_sets([*plain, *half])
    assert chosen(sets, [None], pickles=True) == WeightSet(None, False, plain[:1])
    assert chosen(sets, ["fp16"], pickles=False) is None
    assert chosen(sets, ["fp16", None], pickles=False) == WeightSet(None, False, plain[:1])
    assert chosen(sets, ["fp16", None], pickles=True) == WeightSet("fp16", True, half)
    # Where there are shards and a single file, the libraries differ in which they take.
    for stem, single in ((STEM, False), ("model", True)):
        names = [f"{stem}.safetensors", f"{stem}.safetensors.index.json", *shards(stem, ".safetensors", 2)]
        (only,) = weight_sets(names)
        assert (only.index is None) is single
