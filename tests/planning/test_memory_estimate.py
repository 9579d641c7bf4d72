"""How much memory a recording needs: the units against live tensors counted on PixArt-XL's architecture."""

import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, PixArtTransformer2DModel
from safetensors.torch import save_file
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from subspacelens_tui.planning import memory_estimate
from subspacelens_tui.planning.device import Device
from subspacelens_tui.planning.disk_estimate import feature_bytes
from subspacelens_tui.planning.memory_estimate import estimate_memory
from subspacelens_tui.planning.pipeline_shape import DenoiserShape, denoiser_shape
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.planning.weights_memory import Weights, weights

GIB = 2**30


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all tensors that operations make and that are still there; `peak` is the most."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known = {tensor.untyped_storage()._cdata: 0 for tensor in model.parameters()}
        self._known |= {tensor.untyped_storage()._cdata: 0 for tensor in model.buffers()}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known[key] = size
            self.live += size
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        self.live -= self._known.pop(key, 0)


@pytest.mark.parametrize(("latent", "images"), [(64, 1), (64, 4), (128, 1)])
def test_the_transformer_units(latent: int, images: int) -> None:
    rows = 2 * images
    with torch.no_grad(), FakeTensorMode():
        transformer = PixArtTransformer2DModel(
            num_layers=28,
            num_attention_heads=16,
            attention_head_dim=72,
            cross_attention_dim=1152,
            caption_channels=4096,
            out_channels=8,
            sample_size=latent,
            use_additional_conditions=False,
        )
        with LiveBytes(transformer) as counted:
            transformer(
                torch.empty(rows, 4, latent, latent),
                encoder_hidden_states=torch.empty(rows, 120, 4096),
                encoder_attention_mask=torch.empty(rows, 120),
                timestep=torch.empty(rows),
                added_cond_kwargs={"resolution": None, "aspect_ratio": None},
            )
    units = counted.peak / (rows * (latent // 2) ** 2 * 1152 * 4)
    assert 0.9 * memory_estimate._TRANSFORMER_UNITS < units <= memory_estimate._TRANSFORMER_UNITS


def test_the_decoder_units() -> None:
    with torch.no_grad(), FakeTensorMode():
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        )
        vae.enable_slicing()
        with LiveBytes(vae) as counted:
            vae.decode(torch.empty(4, 4, 64, 64))
    picture = 512**2 * 4
    # Slices wait for each other: three channels each, and once more when they are put together.
    assert counted.peak <= memory_estimate._DECODER_UNITS * 128 * picture + 4 * 2 * 3 * picture
    assert counted.peak > 0.9 * memory_estimate._DECODER_UNITS * 128 * picture


def on(monkeypatch: pytest.MonkeyPatch, device: Device) -> None:
    monkeypatch.setattr(memory_estimate, "find_device", lambda asked: device)


def gpu(gib: float, bfloat16: bool = True) -> Device:
    return Device("cuda:0", "NVIDIA Something", int(gib * GIB), int(gib * GIB), bfloat16)


@pytest.mark.parametrize(
    ("device", "dtype", "size"),
    [
        (Device("cpu", "cpu", 23 * GIB, 24 * GIB), "float32", 5),
        (Device("cpu", "cpu", 3 * GIB, 24 * GIB), "float32", 1),  # weights and decoder alone are 3.4 GiB
        (gpu(79), "bfloat16", 64),
        (gpu(79, bfloat16=False), "float32", 64),
        (gpu(8), "bfloat16", 64),
        (gpu(5), "bfloat16", 16),
        (gpu(2), "bfloat16", 1),
        (Device("xpu", "xpu"), "float32", 5),
        (Device("cuda:3", "cuda:3"), "float32", 8),
    ],
)
def test_as_many_images_at_a_time_as_fit(
    monkeypatch: pytest.MonkeyPatch, device: Device, dtype: str, size: int
) -> None:
    on(monkeypatch, device)
    found = estimate_memory(plan(Request(model="nobody/pixart")))
    assert (found.dtype, found.batch_size) == (dtype, size)
    assert found.assumed
    if device.free is None:
        assert found.fits is None
        return
    assert found.usable is not None
    assert found.fits is (device.free > 3 * GIB)
    more = replace(found, batch_size=2 * size)
    assert size in (5, 64) or not more.fits


def test_the_batch_size_is_settled_in_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, gpu(79))
    assert plan(Request(model="nobody/pixart")).batch_size == 64
    assert plan(Request(model="nobody/pixart", seeds=1)).batch_size == 25
    assert plan(Request(model="nobody/pixart", batch_size=3)).batch_size == 3


def test_tokens_and_branches_count(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, gpu(79))
    plain = estimate_memory(plan(Request(model="nobody/pixart")))
    unguided = estimate_memory(plan(Request(model="nobody/pixart", guidance=[1])))
    tokens = estimate_memory(plan(Request(model="nobody/pixart", tokens=16)))
    assert unguided.per_image < 0.6 * plain.per_image
    assert tokens.per_image - plain.per_image == 2 * 28 * 16 * 1152 * 4


def test_the_text_encoder_is_asked_for_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, fits in ((24, True), (8, False)):
        on(monkeypatch, gpu(free))
        found = estimate_memory(plan(Request(model="nobody/pixart")))
        assert found.text_encoder_fits is fits
        assert found.fits


def test_weights_are_read_from_the_headers(tmp_path: Path) -> None:
    for part in ("transformer", "vae", "text_encoder"):
        (tmp_path / part).mkdir()
    half = {"a": torch.zeros(3, 5, dtype=torch.float16)}
    save_file(half, tmp_path / "transformer" / "diffusion_pytorch_model.safetensors")
    save_file(half, tmp_path / "transformer" / "diffusion_pytorch_model.fp16.safetensors")
    save_file(half, tmp_path / "vae" / "diffusion_pytorch_model.safetensors")
    for shard, names in enumerate((["a", "x.wo.weight"], ["b"]), start=1):
        tensors = {name: torch.zeros(10) for name in names}
        save_file(tensors, tmp_path / "text_encoder" / f"model-{shard}.safetensors")
    index = '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    (tmp_path / "text_encoder" / "model.safetensors.index.json").write_text(index)
    assert weights(tmp_path, tmp_path, None, "float32") == Weights(60, 60, 120)
    assert weights(tmp_path, tmp_path, "fp16", "bfloat16") == Weights(30, 30, 60)
    # T5 keeps `wo` in float32.
    assert weights(tmp_path, tmp_path, None, "float16").text_encoder == 80


def test_a_file_of_several_parts_is_told_apart_by_its_header(tmp_path: Path) -> None:
    """What it lacks, here one of two text encoders, is in the folder that has the configurations."""
    for part, kind in (("text_encoder", "CLIPTextModel"), ("text_encoder_2", "T5EncoderModel")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "config.json").write_text(f'{{"architectures": ["{kind}"]}}')
    save_file({"a": torch.zeros(7)}, tmp_path / "text_encoder_2" / "model.safetensors")
    file = tmp_path / "whole.safetensors"
    names = {"model.diffusion_model.a": 11, "first_stage_model.a": 5, "text_encoders.clip_l.a": 3}
    save_file({name: torch.zeros(size) for name, size in names.items()}, file)
    assert weights(file, tmp_path, None, "float32") == Weights(44, 20, 40)
    save_file({"a": torch.zeros(11, dtype=torch.float16)}, tmp_path / "denoiser.safetensors")
    for part in ("vae", "text_encoder"):
        (tmp_path / part).mkdir(exist_ok=True)
        save_file({"a": torch.zeros(2)}, tmp_path / part / "model.safetensors")
    (tmp_path / "vae" / "model.safetensors").rename(tmp_path / "vae" / "diffusion_pytorch_model.safetensors")
    # In the precision it is loaded in, not in that of the file.
    assert weights(tmp_path / "denoiser.safetensors", tmp_path, None, "float32") == Weights(44, 8, 36)


def test_blocks_of_a_unet_are_counted_with_their_widths(tmp_path: Path) -> None:
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        (tmp_path / part).mkdir()
    blocks = {
        f"{name}.transformer_blocks.{block}.attn1.to_q.weight": torch.zeros(width, width)
        for name, width in (("down_blocks.1.attentions.0", 6), ("mid_block.attentions.0", 8))
        for block in (0, 1)
    }
    blocks["down_blocks.1.resnets.0.conv1.weight"] = torch.zeros(4, 4, 3, 3)
    save_file(blocks, tmp_path / "unet" / "diffusion_pytorch_model.safetensors")
    save_file({"a": torch.zeros(3)}, tmp_path / "vae" / "diffusion_pytorch_model.safetensors")
    for part in ("text_encoder", "text_encoder_2"):
        save_file({"a": torch.zeros(5)}, tmp_path / part / "model.safetensors")
    (tmp_path / "unet" / "config.json").write_text('{"sample_size": 64}')
    (tmp_path / "vae" / "config.json").write_text('{"block_out_channels": [16, 32, 32, 32]}')
    numbers = 2 * 36 + 2 * 64 + 16 * 9
    assert weights(tmp_path, tmp_path, None, "bfloat16") == Weights(2 * numbers, 6, 20)
    assert weights(tmp_path, tmp_path, None, "bfloat16", "int8").denoiser == int(1.01 * numbers)
    shape = denoiser_shape(str(tmp_path))
    assert shape == DenoiserShape((6, 6, 8, 8))
    manifest = plan(Request(seeds=1, steps=2, guidance=[1]))
    assert feature_bytes(manifest, shape) == 25 * 2 * (6 + 28) * 4
    some = manifest.model_copy(update={"layers": [1, 3]})
    assert feature_bytes(some, shape) == 25 * 2 * (6 + 6 + 8) * 4


def test_weights_that_cannot_be_read_are_a_pixart_xls(tmp_path: Path) -> None:
    assumed = weights(None, None, None, "bfloat16")
    assert assumed.assumed
    assert round(assumed.denoiser / GIB, 2) == 1.14
    assert round(assumed.text_encoder / GIB, 1) == 8.9
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(b"\xff" * 20)
    assert weights(tmp_path, tmp_path, None, "bfloat16") == assumed
