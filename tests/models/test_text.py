"""Text is encoded once for pipelines of many families, and what their tokenizers cut is known."""

from typing import Any

import numpy as np
import pytest
import torch

from subspacelens_tui.models import ModelError
from subspacelens_tui.models.call import PipelineCall, pictures_of
from subspacelens_tui.models.text_memory import _rule_of
from subspacelens_tui.recording.conditioning import encode_prompts
from subspacelens_tui.recording.prompt_checks import read_prompts
from subspacelens_tui.sessions.format import ImageInfo, Manifest, ModelInfo, Prompt
from tests.models.tiny_pipelines import RECIPES, build, generators

CPU = torch.device("cpu")
# One encoder, several, one that pads to the longest prompt of a batch, one that gives lists.
FAMILIES = ("sana", "sd3", "flux_true_cfg", "sdxl", "qwen_image", "z_image", "wan")


@pytest.mark.parametrize("name", FAMILIES)
def test_pictures_are_the_same_once_the_encoders_are_gone(name: str) -> None:
    recipe = RECIPES[name]
    call = PipelineCall(build(name), recipe.call)

    def pictures(*images: int) -> list[np.ndarray]:
        texts = [recipe.prompts[image] for image in images]
        return [np.asarray(one) for one in pictures_of(call(texts, generators(images), 2, recipe.guidance))]

    before = [pictures(*images) for images in ((1,), (0, 1), (1, 0))]
    encoded = encode_prompts(call, recipe.prompts, [recipe.guidance], [(0, 1), (1, 0)], CPU)
    assert encoded.together == (name != "qwen_image")
    assert not [part for part, model in call.pipeline.components.items() if "encoder" in part and model]
    after = [pictures(*images) for images in ((1,), (0, 1), (1, 0))]
    np.testing.assert_equal(after[0], before[0])
    # A matrix product of one row may round otherwise than one of two: texts encoded together differ by 1e-7.
    np.testing.assert_allclose(np.stack(after[1:]).astype(int), np.stack(before[1:]).astype(int), atol=1)
    with pytest.raises(ModelError, match="wants a text encoded that was not among those of the recording"):
        call(["something else"], generators([0]), 2, recipe.guidance)


def manifest_of(*texts: str) -> Manifest:
    return Manifest(
        created="2026-11-29T12:00:00+00:00",
        model=ModelInfo(id="tiny"),
        prompt_set="few",
        prompts=[Prompt(text=text, labels={"fine": str(n)}) for n, text in enumerate(texts)],
        images=[ImageInfo(prompt=n, seed=0, guidance=4) for n in range(len(texts))],
        steps=2,
        capture_steps=[0],
        guidance=[4],
    )


@pytest.mark.parametrize(
    ("name", "limits", "cut_at"),
    [
        ("flux", {77, 32}, 77),  # CLIP's, which comes first, and what is asked of T5
        ("sd3", {77, 32}, 77),
        # Its template takes a part of what is read, and is no part of what is shown.
        ("z_image", {32}, 32),
    ],
)
def test_every_tokenizer_has_its_limit_and_cut_prompts_are_named(
    name: str, limits: set[int], cut_at: int
) -> None:
    long = "a red cat" + " on a table" * 40
    texts = ("a red cat on a table", long)
    call: Any = PipelineCall(build(name), RECIPES[name].call)
    encoded = encode_prompts(call, texts, [RECIPES[name].guidance], [], CPU)
    assert {reader.limit for reader in encoded.readers} == limits
    found = {one.prompt: one for one in read_prompts(encoded.readers, manifest_of(*texts))}
    assert found[1].limit == cut_at
    assert found[1].tokens is not None
    assert found[1].tokens > cut_at
    assert found[1].kept_text
    assert long.startswith(found[1].kept_text)
    assert 0 not in found or found[0].limit is None
    # What was not seen is prepared as what was.
    prepare = encoded.readers[0].prepare
    assert prepare("another dog") == prepare(texts[0]).replace(texts[0], "another dog")


A, B = torch.linspace(-1, 1, 12).reshape(1, 3, 4), torch.linspace(0, 2, 12).reshape(1, 3, 4)


@pytest.mark.parametrize(
    ("whole", "rows", "rule"),
    [
        (torch.cat([A, B]), [A, B], "rows"),
        (torch.cat([A, B]) * (1 + 3e-5), [A, B], "rows"),  # rounding, with the kernels of another batch
        (torch.cat([A, B]) * 1.01, [A, B], None),
        (torch.cat([B, A]), [A, B], None),
        ([A[0], B[0]], [[A[0]], [B[0]]], "list"),
        ([A[0], A[0]], [[A[0]], [B[0]]], None),
        ([A[0]], [[A[0]], [B[0]]], None),
        (torch.tensor(2.0), [torch.tensor(2.0), torch.tensor(2.0)], "same"),
        (torch.tensor(2.0), [torch.tensor(2.0), torch.tensor(3.0)], None),
        ((torch.cat([A, B]), 3), [(A, 3), (B, 3)], ("rows", "same")),
        ((torch.cat([A, B]), 3), [(A, 3), (B, 4)], None),
    ],
)
def test_texts_are_put_together_only_as_a_batch_of_them_is(whole: Any, rows: list[Any], rule: Any) -> None:
    assert _rule_of(whole, rows) == rule
