from pathlib import Path
from typing import Any

import pytest

from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.memory_estimate import estimate_memory
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.planning.prompts import load_prompt_set, shipped_prompt_sets
from subspacelens_tui.sessions.format import Manifest


def test_images_come_seed_by_seed_over_all_prompts_and_scales() -> None:
    manifest = plan(Request(seeds=2, guidance=[3, 1]))
    assert len(manifest.images) == 2 * 2 * 25
    assert [image.prompt for image in manifest.images[:25]] == list(range(25))
    assert {image.seed for image in manifest.images[:50]} == {0}
    assert [manifest.images[i].guidance for i in (0, 24, 25, 49, 50)] == [3, 3, 1, 1, 3]
    assert manifest.branches == ("cond", "uncond")


def test_seeds_can_be_shared_between_subjects_or_not() -> None:
    shared = plan(Request(seeds=3))
    assert {image.seed for image in shared.images} == {0, 1, 2}
    independent = plan(Request(seeds=3, seeds_per_subject="independent"))
    assert len({image.seed for image in independent.images}) == 75


def test_the_steps_kept_unless_asked_are_first_quarters_and_last() -> None:
    assert plan(Request()).capture_steps == [0, 5, 10, 15, 19]
    assert plan(Request(steps=2)).capture_steps == [0, 1]
    assert plan(Request(capture=[3, 1, 3])).capture_steps == [1, 3]


def test_how_many_steps_run_is_not_known_yet_but_of_the_bundled_model() -> None:
    manifest = plan(Request(model="nobody/pixart", prompts="demo", steps=4))
    assert (manifest.steps, manifest.inference_steps, manifest.capture_steps) == (4, 4, [0, 1, 2, 3])
    assert manifest.default_capture
    manifest = plan(Request(model="nobody/pixart", prompts="demo", steps=4, capture=[6, 0]))
    assert (manifest.steps, manifest.inference_steps, manifest.capture_steps) == (7, 4, [0, 6])
    assert not manifest.default_capture
    assert plan(Request(steps=4, capture=[6, 0], scheduler="HeunDiscreteScheduler")).capture_steps == [0, 6]
    with pytest.raises(PlanningError, match="step 4 cannot be captured: 4 steps are 0 to 3"):
        plan(Request(steps=4, capture=[4]))


@pytest.mark.parametrize("step", [-1, 100_000, 10**12])
def test_steps_that_no_scheduler_runs_are_refused_before_anything_is_loaded(step: int) -> None:
    with pytest.raises(PlanningError, match=f"step {step} cannot be captured: steps are 0 to 99999"):
        plan(Request(model="nobody/pixart", prompts="demo", capture=[0, step]))


@pytest.mark.parametrize("name", shipped_prompt_sets())
def test_shipped_prompt_sets_are_balanced(name: str) -> None:
    found = load_prompt_set(name)
    assert found.schemes == ["coarse", "fine"]
    assert len(found.prompts) == 25
    coarse = [prompt.labels["coarse"] for prompt in found.prompts]
    assert {coarse.count(category) for category in coarse} == {5}
    assert set(coarse) == {"animals", "buildings", "food", "vehicles", "landscapes"}
    assert len({prompt.labels["fine"] for prompt in found.prompts}) == 25


def test_the_subjects_of_the_article_are_there() -> None:
    texts = [prompt.text for prompt in load_prompt_set("subjects-25").prompts]
    assert "A lion, detailed photograph" in texts
    for subject in ("elephant", "hummingbird", "octopus", "cathedral", "sushi"):
        assert any(subject in text for text in texts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 0}, "seeds must be from 1"),
        ({"seeds": 8001}, "are 25 × 8001 × 1 = 200025 images, and a session has at most 200000"),
        ({"steps": 0}, "steps must be from 1"),
        ({"steps": 2000, "capture": range(1001)}, "--capture names 1001 steps, the most is 1000"),
        ({"batch_size": 0}, "batch size must be from 1"),
        ({"guidance": [-0.5]}, "guidance must be a number from 0"),
        ({"guidance": [float("nan")]}, "guidance must be a number from 0"),
        ({"capture": [20]}, "step 20 cannot be captured: 20 steps are 0 to 19"),
        ({"dtype": "int4"}, "no dtype 'int4': use float32, bfloat16, float16"),
        ({"prompts": "nowhere.toml"}, "no prompt set 'nowhere.toml': give a TOML file, or one of demo"),
        ({"call": {"generator": 1}}, "--call generator cannot be given: say --seeds"),
        ({"call": {"output_type": "pt"}}, "--call output_type cannot be given"),
        ({"call": {"eta": float("nan")}}, "call.eta"),
        ({"call": {"eta": {"a": float("nan")}}}, "call.eta"),
        ({"call": {"eta": {"a": {"b": 1}}}}, "lists or objects of these"),
        ({"call": {"width": 64}, "size": (64, 64)}, "width is said twice, by --size and by --call"),
        ({"size": (64, 0)}, "a picture of 64x0 pixels cannot be generated"),
        ({"loras": [("nowhere.safetensors", 1.0)]}, "LoRA nowhere.safetensors cannot be read: No such file"),
        ({"loras": [("style.bin", 1.0)]}, "LoRA style.bin is no .safetensors file"),
        ({"loras": [("style.safetensors", 0.0)]}, "must be a number other than 0, not 0"),
        ({"model": "./nowhere"}, "there is no folder or file ./nowhere"),
    ],
)
def test_mistakes_are_said_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PlanningError, match=message) as raised:
        plan(Request(**changes))  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def test_folders_that_are_no_pipelines_of_ours_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(PlanningError, match=r"is no diffusers pipeline: it has no model_index\.json"):
        plan(Request(model=str(tmp_path)))
    with pytest.raises(PlanningError, match="has no transformer"):
        plan(Request(model=str(tmp_path), components_from="demo"))
    index = tmp_path / "model_index.json"
    index.write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(PlanningError, match=r"model_index\.json of model .* is damaged: it names no parts"):
        plan(Request(model=str(tmp_path)))
    index.write_text('{"_class_name": ')
    with pytest.raises(PlanningError, match=r"is damaged: model_index\.json is no JSON"):
        plan(Request(model=str(tmp_path)))


PROMPTS = """
name = "mine"
schemes = ["kind", "size"]
[[prompts]]
text = "a cat"
labels = { size = "small", kind = "animal" }
[[prompts]]
text = "a whale"
labels = { kind = "animal", size = "large" }
"""


def test_a_prompt_file_may_have_any_schemes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PROMPTS)
    manifest = plan(Request(prompts=str(path), seeds=1))
    assert manifest.prompt_set == "mine"
    assert manifest.label_schemes == ("kind", "size")
    assert manifest.prompts[0].labels == {"kind": "animal", "size": "small"}


def test_labels_and_schemes_are_kept_as_they_look_and_prompts_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = PROMPTS.replace('["kind"', '["kind\u00a0"').replace("a cat", "a\u00a0cat ")
    text = text.replace('"animal"', '"animaľ"', 1).replace('"animal"', '"animal\u030c "', 1)
    path.write_text(text.replace("{ kind", '{ "\u200bkind"'), encoding="utf-8")
    found = load_prompt_set(str(path))
    assert found.schemes == ["kind", "size"]
    assert [prompt.text for prompt in found.prompts] == ["a\u00a0cat ", "a whale"]
    assert [prompt.labels["kind"] for prompt in found.prompts] == ["animaľ", "animaľ"]
    assert found.notes == [
        f"prompt set {path}: the labels 'anima\\u013e' and 'animal\\u030c ' of 'kind' look alike: "
        "they are taken as one class, 'animaľ'"
    ]
    assert plan(Request(prompts=str(path))).prompts == found.prompts


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('size = "small", ', "", "'a cat' has no 'size' label"),
        ('size = "small"', 'size = "small", age = "old"', "label of the unknown scheme 'age'"),
        ("a whale", "a cat", "'a cat' is there twice"),
        ("schemes", "schemas", "schemes: Field required"),
        ("a whale", "a\u00a0cat", r"a prompt is there twice: 'a cat' and 'a\\xa0cat' look alike"),
        ('"size"]', '"size", "size "]', "the scheme 'size' is there twice"),
        ('"size"]', '"size", "\u200b"]', "a scheme has no name"),
        ('size = "small"', 'size = "small", "size " = "s"', "'a cat' has two 'size' labels"),
        ('"small"', '"\u200b "', "'a cat' has an empty 'size' label"),
        ('"small"', f'"{chr(0x1D15E) * 150}"', "labels.size: String should have at most 200 characters"),
        (PROMPTS, "", "it is empty: write name"),
        (PROMPTS, "\n # nothing\n", "it is empty: write name"),
        ("[[prompts]]", "[[prompts", "is not TOML"),
        ('"small"', "3", "labels.size: Input should be a valid string"),
    ],
)
def test_mistakes_in_a_prompt_file_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PROMPTS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PlanningError, match=message):
        load_prompt_set(str(path))


def test_an_argument_of_the_call_may_be_an_object() -> None:
    of_loras = {"scale": 0.7, "layers": [1, 2]}
    manifest = plan(Request(call={"cross_attention_kwargs": of_loras}))
    assert Manifest.model_validate_json(manifest.model_dump_json()).call == {
        "cross_attention_kwargs": of_loras
    }


def test_size_and_negative_prompt_are_arguments_of_the_call() -> None:
    manifest = plan(Request(size=(64, 32), negative="blurry", call={"eta": 0.5}))
    assert manifest.call == {"width": 64, "height": 32, "negative_prompt": "blurry", "eta": 0.5}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "x.gguf", "components_from": "demo"}, "x.gguf is quantised already"),
        ({"random_init": True}, "--random-init draws weights anew, which are not quantised"),
        ({"quantize": "bnb-nf4", "device": "cpu"}, "--quantize bnb-nf4 needs a CUDA GPU"),
        ({"layers": []}, "--layers must name blocks"),
        ({"layers": [-1]}, "--layers must name blocks"),
        ({"layers": [3, 12]}, "there is no block 12: the model has 0 to 11"),
        ({"layers": range(1001)}, "--layers names 1001 blocks, the most is 1000"),
    ],
)
def test_what_is_quantised_or_left_out_is_checked(changes: dict[str, Any], said: str) -> None:
    manifest = plan(Request(quantize="int8", layers=[3, 1, 3]))
    assert (manifest.model.quantize, manifest.layers) == ("int8", [1, 3])
    assert ModelSource.of(manifest.model).quantize == "int8"
    with pytest.raises(PlanningError, match=said):
        plan(Request(**{"quantize": "int8", **changes}))


def test_memory_grows_with_the_pictures() -> None:
    usual, large = (estimate_memory(plan(Request(size=size, batch_size=1))) for size in (None, (256, 128)))
    assert (usual.picture.side, usual.shape.tokens) == (64, 64)
    assert large.shape.tokens == 64 * 8
    assert large.decoding == pytest.approx(8 * usual.decoding, rel=0.02)


def test_offloading_takes_less_of_the_device() -> None:
    whole, model, group = (
        estimate_memory(plan(Request(offload=offload, batch_size=1))).fixed
        for offload in (None, "model", "group")
    )
    assert whole > model > group > 0
