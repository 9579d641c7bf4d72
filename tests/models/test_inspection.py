"""Whatever can be wrong with a folder is one line with what to do, before anything is loaded."""

import os
import shutil
from pathlib import Path

import pytest

from subspacelens_tui import demo
from subspacelens_tui.models import ModelError
from subspacelens_tui.models.inspection import find_pipeline, look_at_folders
from subspacelens_tui.models.source import DEMO, ModelSource, located
from tests.models.conftest import SAFETENSORS, Damage, as_pickles, as_variant, edit

COPY = "put a whole copy there, as `hf download ID --local-dir "
COMPONENTS = "`--components-from ID|PATH`"


def refusal(source: ModelSource) -> str:
    with pytest.raises(ModelError) as raised:
        look_at_folders(source)
    line = str(raised.value)
    assert "\n" not in line
    with pytest.raises(ModelError) as again:
        find_pipeline(source)
    assert str(again.value) == line
    return line


def test_the_bundled_model_is_whole() -> None:
    assert look_at_folders(ModelSource(DEMO)) == "PixArtAlphaPipeline"
    found = find_pipeline(ModelSource(DEMO))
    assert {part.name for part in found.parts} == {
        "transformer",
        "vae",
        "text_encoder",
        "tokenizer",
        "scheduler",
    }
    assert found.folder == demo.MODEL_PATH


@pytest.mark.parametrize("form", [as_variant, as_pickles])
def test_weights_of_another_form_are_named_with_the_option_that_takes_them(
    model: Path, lone: Path, form: object
) -> None:
    if form is as_variant:
        as_variant(model, "fp16")
        said = "has weights of variant fp16 only (transformer, vae, text_encoder): add `--variant fp16`"
        right = ModelSource(str(model), variant="fp16")
    else:
        as_pickles(model)
        said = (
            "has pickled weights only (transformer, vae, text_encoder), and loading them can run any code: "
            "if you trust them, add `--allow-pickle`"
        )
        right = ModelSource(str(model), allow_pickle=True)
    assert refusal(ModelSource(str(model))) == f"model {str(model)!r} {said}"
    assert look_at_folders(right) == "PixArtAlphaPipeline"
    assert all(part.weights is None or part.weights.files for part in find_pipeline(right).parts)


def test_several_variants_are_all_named(model: Path) -> None:
    path = model / "transformer" / SAFETENSORS
    shutil.copy(path, path.with_name(SAFETENSORS.replace(".", ".bf16.")))
    path.rename(path.with_name(SAFETENSORS.replace(".", ".fp16.")))
    assert refusal(ModelSource(str(model))).endswith(
        "has weights of variants bf16, fp16 only (transformer): add `--variant bf16` or `--variant fp16`"
    )


def test_a_variant_that_is_not_there_is_told_from_those_that_are(model: Path) -> None:
    assert refusal(ModelSource(str(model), variant="fp16")).endswith(
        "has no weights of variant 'fp16': leave out `--variant`"
    )
    as_variant(model, "fp16")
    assert refusal(ModelSource(str(model), variant="bf16")).endswith(
        "has no weights of variant 'bf16': `--variant fp16` is there"
    )


def test_parts_are_those_that_the_index_names(model: Path) -> None:
    """Of any class; entries that are no pairs of names are settings, and parts may be left out."""
    index = model / "model_index.json"
    edit(index, _class_name="LaterPipeline", boundary_ratio=0.9, layers=[1, 2], safety_checker=[None, None])
    edit(index, text_encoder_2=["transformers", "T5EncoderModel"], guider=["diffusers", "Guidance"])
    shutil.copytree(model / "text_encoder", model / "text_encoder_2")
    (model / "guider").mkdir()
    (model / "guider" / "guider_config.json").write_text("{}")
    found = find_pipeline(ModelSource(str(model)))
    assert found.kind == "LaterPipeline"
    assert {part.name: part.weights is not None for part in found.parts} == {
        **dict.fromkeys(("transformer", "vae", "text_encoder", "text_encoder_2"), True),
        **dict.fromkeys(("tokenizer", "scheduler", "guider"), False),
    }
    (model / "text_encoder_2" / "model.safetensors").unlink()
    assert "has no weights of its text encoder 2 that can be loaded" in refusal(ModelSource(str(model)))


def test_a_variant_need_not_be_there_of_all_parts(model: Path) -> None:
    as_variant(model, "fp16", "transformer", "text_encoder")
    found = find_pipeline(ModelSource(str(model), variant="fp16"))
    assert {part.name: part.weights and part.weights.variant for part in found.parts} == {
        "transformer": "fp16",
        "text_encoder": "fp16",
        "vae": None,
        "tokenizer": None,
        "scheduler": None,
    }
    assert "(transformer, text_encoder): add `--variant fp16`" in refusal(ModelSource(str(model)))


def test_formats_may_differ_from_part_to_part(model: Path) -> None:
    as_pickles(model, "vae")
    assert "has pickled weights only (vae)" in refusal(ModelSource(str(model)))
    found = find_pipeline(ModelSource(str(model), allow_pickle=True))
    assert {part.name for part in found.parts if part.weights and part.weights.pickled} == {"vae"}


def test_borrowed_parts_are_the_plain_ones_or_the_only_variant(model: Path, lone: Path) -> None:
    borrowing = ModelSource(str(lone), components_from=str(model))
    assert all(
        part.weights is None or part.weights.variant is None for part in find_pipeline(borrowing).parts
    )
    as_variant(model, "fp16")
    weights = {part.name: part.weights for part in find_pipeline(borrowing).parts}
    assert (weights["transformer"] and weights["transformer"].variant) is None
    assert weights["vae"] is not None
    assert weights["vae"].variant == "fp16"


def remove(*inside: str) -> Damage:
    return lambda model: model.joinpath(*inside).unlink()


def write(content: bytes, *inside: str) -> Damage:
    return lambda model: model.joinpath(*inside).write_bytes(content)


def cut(size: int, *inside: str) -> Damage:
    return lambda model: os.truncate(model.joinpath(*inside), size)


def dead_link(model: Path) -> None:
    path = model / "vae" / SAFETENSORS
    path.unlink()
    path.symlink_to("../../blobs/gone")


def gguf(model: Path) -> None:
    (model / "vae" / SAFETENSORS).rename(model / "vae" / "model.gguf")


def a_shard_short(model: Path) -> None:
    path = model / "transformer" / SAFETENSORS
    path.rename(path.with_name("diffusion_pytorch_model-00001-of-00002.safetensors"))
    path.with_name(f"{SAFETENSORS}.index.json").write_text('{"weight_map": {}}')


def an_odd_shard_short(model: Path) -> None:
    path = model / "transformer" / SAFETENSORS
    path.rename(path.with_name("one.safetensors"))
    path.with_name(f"{SAFETENSORS}.index.json").write_text('{"weight_map": {"a": "../../two.safetensors"}}')


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (write(b"{", "model_index.json"), "is damaged: model_index.json is no JSON ("),
        (write(b"[]", "model_index.json"), "is damaged: model_index.json is no JSON object; "),
        (write(b"", "model_index.json"), "is damaged: model_index.json is empty; "),
        (write(b"[" * 100_000, "model_index.json"), "is damaged: model_index.json is no JSON ("),
        (write(b"{}", "model_index.json"), "is damaged: it names no class; "),
        (lambda m: edit(m / "model_index.json", vae="AutoencoderTiny"), "its vae is no pair of names; "),
        (lambda m: shutil.rmtree(m / "vae"), "is not whole, it lacks its folder vae: "),
        (remove("vae", "config.json"), "is not whole, it lacks vae/config.json: "),
        (remove("vae", SAFETENSORS), "has no weights of its VAE that can be loaded: "),
        (gguf, "has no weights of its VAE that can be loaded (there is model.gguf): "),
        (
            write(b"{,", "scheduler", "scheduler_config.json"),
            "is damaged: scheduler/scheduler_config.json is no",
        ),
        (
            write(b"{,", "tokenizer", "tokenizer_config.json"),
            "is damaged: tokenizer/tokenizer_config.json is no",
        ),
        (dead_link, f"vae/{SAFETENSORS} is a link to ../../blobs/gone, where nothing is; "),
        (
            cut(100_000, "transformer", SAFETENSORS),
            f"transformer/{SAFETENSORS} is cut short, or no safetensors (",
        ),
        (cut(0, "transformer", SAFETENSORS), f"transformer/{SAFETENSORS} is empty; "),
        (a_shard_short, "it lacks transformer/diffusion_pytorch_model-00002-of-00002.safetensors: "),
        (an_odd_shard_short, "it lacks transformer/two.safetensors: "),
    ],
)
def test_what_is_missing_or_damaged_is_named(model: Path, damage: Damage, said: str) -> None:
    damage(model)
    line = refusal(ModelSource(str(model)))
    assert said in line
    assert line.endswith(f"{COPY}{model}` does")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            write(LFS, "vae", SAFETENSORS),
            "is damaged: vae/diffusion_pytorch_model.safetensors is a Git LFS pointer, not the file itself; "
            "run `git lfs pull` in {model}/vae",
        ),
        (write(LFS, "tokenizer", "tokenizer.json"), "run `git lfs pull` in {model}/tokenizer"),
        (
            lambda m: (m / "model_index.json").write_bytes(b"\xef\xbb\xbf{}"),
            "begins with a byte-order mark, which diffusers does not take; save it as UTF-8 without one",
        ),
        (
            lambda m: edit(m / "model_index.json", _class_name=["pipeline", "Mine"]),
            "comes with code of its own (pipeline.Mine), which is never run: give a model all of whose "
            "classes are in diffusers and transformers",
        ),
        (lambda m: edit(m / "model_index.json", vae=["mine", "VAE"]), "code of its own (mine.VAE)"),
        (
            lambda m: edit(m / "model_index.json", text_encoder=[None, None]),
            f"was saved without its text encoder: say where the other parts are, {COMPONENTS}",
        ),
        (
            lambda m: edit(m / "model_index.json", vae=None),
            f"without its VAE: say where the other parts are, {COMPONENTS}",
        ),
        (
            lambda m: edit(m / "model_index.json", transformer=[None, None]),
            "was saved without its transformer; for the other parts of one, say "
            "`--model ID|PATH --components-from {model}`",
        ),
        (
            lambda m: [shutil.rmtree(m / part) for part in ("vae", "text_encoder", "tokenizer", "scheduler")],
            f"is a transformer only: say where the other parts are, {COMPONENTS}",
        ),
    ],
)
def test_what_another_command_mends_is_said_with_that_command(model: Path, damage: Damage, said: str) -> None:
    damage(model)
    assert said.format(model=model) in refusal(ModelSource(str(model)))


def test_what_a_pipeline_lacks_can_be_another_ones(model: Path, lone: Path) -> None:
    edit(model / "model_index.json", text_encoder=[None, None])
    assert find_pipeline(ModelSource(str(model), components_from=DEMO)).folder == demo.MODEL_PATH
    assert refusal(ModelSource(str(lone), components_from=str(model))).endswith(
        "was saved without its text encoder: name another one with `--components-from`"
    )
    edit(model / "model_index.json", _class_name="PixArtSigmaPipeline")
    assert "is a PixArtSigmaPipeline and 'demo' a PixArtAlphaPipeline: their parts do not fit" in refusal(
        ModelSource(str(model), components_from=DEMO)
    )


def test_what_was_meant_is_found_close_by(model: Path, lone: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    model.rename(shelf.joinpath("one") if not shelf.mkdir() else model)
    one = shelf / "one"
    line = refusal(ModelSource(str(shelf)))
    assert line.endswith(f"it has no model_index.json; the folder inside it has one: give `--model {one}`")
    shutil.copytree(one, shelf / "two")
    assert f"give one of those inside it (one, two), as `--model {one}`" in refusal(ModelSource(str(shelf)))
    cached = tmp_path / "hub" / "models--some--model" / "snapshots" / ("c" * 40)
    cached.parent.mkdir(parents=True)
    cached.symlink_to(one)
    for given in (tmp_path / "hub", cached.parents[1]):
        assert refusal(ModelSource(str(given))).endswith(f"give `--model {cached}`")
    assert refusal(ModelSource(str(one / "vae"))).endswith(f"give the folder above it, `--model {one}`")
    assert refusal(ModelSource(str(lone / "transformer"))).endswith(
        f"`--model {lone} --components-from ID|PATH`"
    )
    assert refusal(ModelSource(str(lone))).endswith(
        f"is a transformer only: say where the other parts are, {COMPONENTS}"
    )
    assert refusal(ModelSource(str(lone / "transformer"), components_from=DEMO)).endswith(
        f"`--model {lone} --components-from ID|PATH`"
    )
    renamed = (lone / "transformer").rename(lone / "mine")
    assert "move it into a folder `transformer`" in refusal(ModelSource(str(renamed)))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "give a folder that has one, or an id on the hub, as `--model " in refusal(ModelSource(str(empty)))
    assert "it must be in a folder `transformer` there" in refusal(
        ModelSource(str(empty), components_from=DEMO)
    )
    (empty / "PixArt-XL-2-512x512.pth").touch()
    assert "it holds single files of weights (PixArt-XL-2-512x512.pth), which" in refusal(
        ModelSource(str(empty))
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("x.safetensors", "a single file of weights (safetensors)"),
        ("x.ckpt", "a single file of weights (a pickle)"),
        ("x.pth", "a single file of weights (a pickle)"),
        ("x.bin", "a single file of weights (a pickle)"),
        ("x.gguf", "a single file of weights (GGUF)"),
        ("x.zip", "a file"),
    ],
)
def test_a_file_is_said_to_be_one(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ModelError) as raised:
        located(str(tmp_path / name))
    of_a_denoiser = name.endswith((".safetensors", ".gguf"))
    then = (
        ": if it is a transformer or a UNet, say where"
        if of_a_denoiser
        else ", which cannot be recorded: give"
    )
    assert str(raised.value).startswith(f"{tmp_path / name} is {what}{then}")
    if of_a_denoiser:
        assert located(str(tmp_path / name), one_file=True) == str(tmp_path / name)


def test_the_weights_of_a_denoiser_may_be_a_file_beside_the_rest(model: Path, tmp_path: Path) -> None:
    """Its own are not needed then, but its configuration is."""
    file = (model / "transformer" / SAFETENSORS).rename(tmp_path / "mine.safetensors")
    found = find_pipeline(ModelSource(str(file), components_from=str(model)))
    [transformer] = [part for part in found.parts if part.name == "transformer"]
    assert (transformer.file, transformer.weights) == (file, None)
    assert all(part.file is None for part in found.parts if part is not transformer)
    (model / "transformer" / "config.json").unlink()
    assert "it lacks its folder transformer" in refusal(ModelSource(str(file), components_from=str(model)))


def test_a_path_is_a_folder_or_is_refused(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert located("~/model") == located("model/") == located("./model") == str(model)
    (tmp_path / "dead").symlink_to("nowhere")
    for given, said in {
        f"model/vae/{SAFETENSORS}": f"inside a pipeline: give the folder, `--model {model}`",
        "model/model_index.json": f"is a file inside a pipeline: give the folder, `--model {model}`",
        "./nowhere": "there is no folder or file ./nowhere",
        "~/nowhere": "there is no folder or file ~/nowhere",
        "nowhere.pth": "there is no folder or file nowhere.pth",
        "a/b/c": "there is no folder or file a/b/c",
        "dead": "there is no folder or file dead",
        "": "no model is named: give `--model demo`",
        "x" * 5000: "cannot be read (File name too long)",
        "https://huggingface.co/some/model/tree/main": "is an address: give the id, `--model some/model`",
    }.items():
        with pytest.raises(ModelError) as raised:
            located(given)
        assert said in str(raised.value)
    assert located("some/model") == "some/model"
    assert located(DEMO) == DEMO


def test_folders_are_looked_at_where_the_hub_would_have_to_be_asked_for_the_rest(
    model: Path, lone: Path
) -> None:
    assert look_at_folders(ModelSource("some/model")) is None
    assert look_at_folders(ModelSource("some/model", components_from=str(model))) == "PixArtAlphaPipeline"
    assert look_at_folders(ModelSource(str(lone), components_from="some/model")) is None
    as_pickles(lone, "transformer")
    with pytest.raises(ModelError, match="has pickled weights only"):
        look_at_folders(ModelSource(str(lone), components_from="some/model"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(model: Path) -> None:
    (model / "vae" / SAFETENSORS).chmod(0)
    assert "cannot be read (Permission denied)" in refusal(ModelSource(str(model)))
