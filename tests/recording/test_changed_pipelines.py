"""Pipelines whose weights or modules were changed, each held to its own run without hooks.

On a CPU, where offloading gains nothing: what is tested is that nothing gets into the way of the hooks.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import subspacelens_tui
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.quantization import quantization_config
from subspacelens_tui.models.source import ModelSource, located
from subspacelens_tui.options.recording import QUANTIZATIONS
from subspacelens_tui.planning.pipeline_shape import denoiser_shape
from subspacelens_tui.sessions import Session, open_session
from tests.models.original_layout import save_as_one_file
from tests.models.tiny_pipelines import RECIPES, build

CPU = torch.device("cpu")
PROMPTS = RECIPES["flux"].prompts
CALL = dict(RECIPES["flux"].call)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Flux as a folder that `--model` takes."""
    path: Path = tmp_path_factory.mktemp("models") / "flux"
    build("flux").save_pretrained(path)
    return path


def as_gguf(folder: Path, path: Path) -> Path:
    """Its transformer as a GGUF file."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(path, "flux")
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, weight in build("flux").transformer.state_dict().items():
        values = weight.numpy()
        if values.ndim == 2 and values.shape[1] % 32 == 0:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def model_offload(folder: Path) -> Any:
    pipeline = build("flux")
    pipeline.enable_model_cpu_offload(device=CPU)
    return pipeline


def group_offload(folder: Path) -> Any:
    pipeline = build("flux")
    pipeline.enable_group_offload(onload_device=CPU, offload_type="leaf_level")
    return pipeline


def layerwise_casting(folder: Path) -> Any:
    pipeline = build("flux")
    pipeline.transformer.enable_layerwise_casting(torch.float8_e4m3fn, torch.float32)
    return pipeline


def fused_qkv(folder: Path) -> Any:
    pipeline = build("flux")
    pipeline.transformer.fuse_qkv_projections()
    return pipeline


def compiled(folder: Path) -> Any:
    pipeline = build("flux")
    pipeline.transformer.compile_repeated_blocks(backend="eager")
    return pipeline


def lora(folder: Path) -> Any:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["to_q", "to_k"], init_lora_weights=False)
    pipeline = build("flux")
    pipeline.transformer.add_adapter(config)
    return pipeline


def int8(folder: Path) -> Any:
    pytest.importorskip("torchao")
    return load_pipeline(ModelSource(str(folder), quantize="int8"), torch.float32)


def gguf(folder: Path) -> Any:
    file = as_gguf(folder, folder.parent / "flux.gguf")
    return load_pipeline(ModelSource(str(file), components_from=str(folder)), torch.float32)


def one_file(folder: Path) -> Any:
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    return load_pipeline(ModelSource(str(file), components_from=str(folder)), torch.float32)


def pictures(pipeline: Any) -> np.ndarray:
    """Of a run without hooks."""
    generators = [torch.Generator("cpu").manual_seed(0) for _ in PROMPTS]
    how = {**CALL, "num_inference_steps": 2, "guidance_scale": 3.5, "output_type": "np"}
    return np.asarray(pipeline(prompt=list(PROMPTS), generator=generators, **how)[0])


def recorded(pipeline: Any, sessions: Path) -> tuple[np.ndarray, Session]:
    """The same pictures while they are recorded, and the session."""
    with subspacelens_tui.capture(
        pipeline, PROMPTS, seeds=1, steps=2, guidance=3.5, call=CALL, sessions=sessions
    ) as recording:
        for batch in recording.batches():
            how = {**CALL, "num_inference_steps": 2, "guidance_scale": 3.5, "output_type": "np"}
            output = pipeline(prompt=batch.prompts, generator=batch.generators, **how)
            batch.keep(output)
    return np.asarray(output[0]), open_session(recording.path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, Session]:
    """The unchanged pipeline."""
    return recorded(build("flux"), tmp_path_factory.mktemp("sessions"))


SAME = (model_offload, group_offload, fused_qkv, compiled, one_file)
OTHER = (layerwise_casting, lora, int8, gguf)


@pytest.mark.parametrize("recipe", ["sd15", "sdxl", "sd3"])
def test_a_checkpoint_is_the_pipeline_that_was_put_into_it(recipe: str, tmp_path: Path) -> None:
    """Of a whole Stable Diffusion 1.5, XL or 3, whose folder is left with configurations and the tokenizers."""
    made = build(recipe)
    made.save_pretrained(tmp_path / "folder")
    file = tmp_path / "whole.safetensors"
    save_as_one_file(made, file)
    shape = denoiser_shape(str(tmp_path / "folder"))
    for weights in (tmp_path / "folder").rglob("*.safetensors"):
        weights.unlink()
    assert shape is not None
    assert denoiser_shape(str(tmp_path / "folder"), file=file) == shape
    loaded = load_pipeline(ModelSource(str(file), components_from=str(tmp_path / "folder")), torch.float32)
    for name in (name for name, part in made.components.items() if isinstance(part, torch.nn.Module)):
        ours, theirs = (getattr(pipeline, name).state_dict() for pipeline in (made, loaded))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items()), name
    with pytest.raises(ModelError, match=r"say where the other parts .* are, `--components-from"):
        located(str(file))


@pytest.fixture(scope="module")
def sd3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion 3 as one file, and a folder with its configurations and tokenizers."""
    path: Path = tmp_path_factory.mktemp("sd3")
    made = build("sd3")
    made.save_pretrained(path / "folder")
    for weights in (path / "folder").rglob("*.safetensors"):
        weights.unlink()
    save_as_one_file(made, path / "whole.safetensors")
    return path


def load_without(sd3: Path, part: str, file: Path) -> Any:
    weights = load_file(sd3 / "whole.safetensors")
    left = {name: tensor for name, tensor in weights.items() if re.search(part, name) is None}
    assert len(left) < len(weights)
    save_file(left, file)
    return load_pipeline(ModelSource(str(file), components_from=str(sd3 / "folder")), torch.float32)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (
            r"t5xxl.*block\.1\.",
            r"the text encoder 3 of .*\(9 weights are missing, encoder\.block\.1\..* is one\)",
        ),
        (r"clip_l.*layers\.1\.", r"the text encoder of .*16 weights are missing"),
        (
            r"clip_g.*text_projection",
            r"the text encoder 2 of .*\(the weight text_projection.weight is missing\)",
        ),
        (r"clip_g", "no weights of its text encoder 2"),
        (r"t5xxl", "no weights of its text encoder 3"),
        (r"first_stage_model", "no weights of its VAE"),
        (r"joint_blocks\.0\.", "the transformer of model .* cannot be loaded"),
    ],
)
def test_a_checkpoint_that_lacks_weights_is_refused(part: str, why: str, sd3: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=why):
        load_without(sd3, part, tmp_path / "some.safetensors")


@pytest.mark.parametrize("name", ["shared", "embed_tokens"])
def test_the_embeddings_of_a_t5_go_by_either_name(name: str, sd3: Path, tmp_path: Path) -> None:
    ours = load_without(sd3, rf"t5xxl.*{name}", tmp_path / "some.safetensors").text_encoder_3.state_dict()
    theirs = build("sd3").text_encoder_3.state_dict()
    assert all(torch.equal(tensor, ours[key]) for key, tensor in theirs.items())


@pytest.mark.parametrize("make", [*SAME, *OTHER], ids=lambda make: make.__name__)
def test_a_changed_pipeline_is_recorded_as_it_runs(
    make: Callable[[Path], Any], folder: Path, plain: tuple[np.ndarray, Session], tmp_path: Path
) -> None:
    pipeline = make(folder)
    pipeline.set_progress_bar_config(disable=True)
    before = pictures(pipeline)
    hooked, session = recorded(pipeline, tmp_path)
    np.testing.assert_array_equal(hooked, before)
    np.testing.assert_array_equal(pictures(pipeline), before)
    last = [of.features(len(of.manifest.blocks) - 1) for of in (session, plain[1])]
    assert np.isfinite(last[0]).all()
    # Where weights are the same, so are the features, up to the rounding of other kernels.
    close = np.abs(last[0] - last[1]).max() <= 1e-5 * np.abs(last[1]).max()
    assert close == (make in SAME)


def test_what_quantising_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for how in QUANTIZATIONS[1:]:
        with pytest.raises(ModelError, match=f"--quantize {how} needs a CUDA GPU, as bitsandbytes does"):
            quantization_config(how, torch.float32)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="--quantize int8 needs torchao: run `pip install torchao`"):
        quantization_config("int8", torch.float32)
