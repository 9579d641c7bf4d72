"""What this machine can run: versions, memory, devices, and which models fit at how many images at a time."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch

from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.models.source import at_hand
from subspacelens_tui.planning import Estimate, Request, plan
from subspacelens_tui.planning.device import Device
from subspacelens_tui.planning.machine import cores, host_memory
from subspacelens_tui.planning.memory_estimate import MemoryEstimate, estimate_memory
from subspacelens_tui.planning.pipeline_shape import denoiser_shape
from subspacelens_tui.planning.prompts import shipped_prompt_sets
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.libraries import need_webp
from subspacelens_tui.recording.versions import versions_of
from subspacelens_tui.sessions.byte_sizes import readable
from subspacelens_tui.sessions.ranges import ranges

_VERSIONS_OF = ("subspacelens-tui", "torch", "diffusers", "transformers", "numpy", "textual")
# Looked at even where it is not on this machine, because it is what people come for.
_PIXART_XL = "PixArt-alpha/PixArt-XL-2-512x512"
_PIPELINES = "any of diffusers with a scheduler and blocks of tokens; `doctor --model` tries one"


@dataclass(frozen=True)
class Model:
    """A model that can be recorded, and what that needs of the device it will run on.

    Attributes:
        id: what `--model` takes.
        where: bundled, cached, or not here.
        size: bytes on disk; None where it is not here.
        memory: what recording it needs.
    """

    id: str
    where: str
    size: int | None
    memory: MemoryEstimate


@dataclass(frozen=True)
class Findings:
    """What was found; `lacking` has one line for each thing that is not as it should be."""

    versions: dict[str, str]
    devices: tuple[Device, ...]
    pipelines: tuple[str, ...]
    prompt_sets: tuple[str, ...]
    models: tuple[Model, ...]
    lacking: tuple[str, ...]

    @property
    def lines(self) -> Iterator[str]:
        """One line for each thing found."""
        yield from (f"{name:18} {version}" for name, version in self.versions.items())
        for device in self.devices:
            assert device.free is not None  # torch always knows
            assert device.total is not None
            free = f"{readable(device.free)} of {readable(device.total)} memory are free"
            words = [device.name, device.product, free, "bfloat16" if device.bfloat16 else "no bfloat16"]
            yield f"{'device':18} {', '.join(words if device.name != 'cpu' else words[:3])}"
        yield f"{'pipelines':18} {', '.join(self.pipelines)}"
        yield f"{'prompt sets':18} {', '.join(self.prompt_sets)}"
        for model in self.models:
            size = "" if model.size is None else f", {readable(model.size)}"
            fits = "" if model.memory.fits is not False else ": too much"
            yield f"{'model':18} {model.id} ({model.where}{size})"
            yield f"{'':18}   {model.memory.in_words}{fits}"
        yield from (f"{'lacking':18} {line}" for line in self.lacking)

    def to_json(self) -> dict[str, Any]:
        """For `doctor --json`; sizes in bytes."""
        models = [
            {"id": model.id, "where": model.where, "size": model.size, **_memory_json(model.memory)}
            for model in self.models
        ]
        return {
            "versions": self.versions,
            "devices": [asdict(device) for device in self.devices],
            "pipelines": self.pipelines,
            "prompt_sets": self.prompt_sets,
            "models": models,
            "lacking": self.lacking,
        }


@dataclass(frozen=True)
class Tried:
    """What came of loading a pipeline and finding out how it is recorded.

    Attributes:
        layout: what was found; None if it cannot be recorded.
        reason: why it cannot, or was not tried.
        recordable: whether it can be recorded; None if that was not tried.
    """

    layout: Layout | None
    reason: str | None
    recordable: bool | None

    @property
    def lines(self) -> Iterator[str]:
        """In words."""
        if self.layout is None:
            said = "not tried" if self.recordable is None else "cannot be recorded"
            # Most reasons name the pipeline and say so themselves.
            yield str(self.reason) if said in str(self.reason) else f"{said}: {self.reason}"
            return
        lists = ", ".join(self._lists())
        widths = "/".join(map(str, sorted({block.width for block in self.layout.blocks})))
        yield f"can be recorded: {len(self.layout.blocks)} blocks of width {widths} in {lists}"
        for scale, passes in self.layout.passes.items():
            yield f"branches at guidance {scale:g}: {', '.join(passes.branches)}"
        if self.layout.one_image is not None:
            yield f"one image at a time: {self.layout.one_image}"

    def _lists(self) -> Iterator[str]:
        """The lists of blocks, with the numbers that `--layers` has for them."""
        assert self.layout is not None
        first = 0
        for name, count in self.layout.lists:
            yield f"{name} × {count} ({ranges(range(first, first + count))})"
            first += count

    def to_json(self) -> dict[str, Any]:
        """For `doctor --json`."""
        found: dict[str, Any] = {"recordable": self.recordable, "reason": self.reason}
        if self.layout is not None:
            found["blocks"] = [{"name": block.name, "width": block.width} for block in self.layout.blocks]
            found["branches"] = {f"{scale:g}": of.branches for scale, of in self.layout.passes.items()}
        return found


def try_recording(request: Request) -> Tried:
    """Load the pipeline asked for, if it is on this machine, and find out how it would be recorded."""
    from subspacelens_tui.recording.trial_recording import layout_of

    manifest = plan(request)
    if at_hand(manifest.model.components_from or manifest.model.id, manifest.model.revision) is None:
        return Tried(None, "it is not on this machine yet", None)
    try:
        return Tried(layout_of(manifest), None, True)
    except (ModelError, RecordingError) as error:
        return Tried(None, str(error), False)


def recording_json(recording: Estimate) -> dict[str, Any]:
    """What a recording will take, for `doctor --json`; sizes in bytes."""
    return {
        "images": recording.images,
        "features": recording.features,
        "pictures": recording.pictures,
        "disk_free": recording.disk_free,
        "seconds": recording.seconds,
        "warnings": recording.warnings,
        **_memory_json(recording.memory),
    }


def _memory_json(memory: MemoryEstimate) -> dict[str, Any]:
    return {
        "device": memory.device.name,
        "dtype": memory.dtype,
        "batch_size": memory.batch_size,
        "needed": memory.needed,
        "usable": memory.usable,
        "fits": memory.fits,
        "text_encoder": memory.weights.text_encoder,
        "text_encoder_fits": memory.text_encoder_fits,
        "assumed": memory.assumed,
    }


def examine() -> Findings:
    """Look at this machine."""
    cached, lacking = _cached()
    return Findings(
        versions=versions_of(_VERSIONS_OF),
        devices=tuple(_devices()),
        pipelines=(_PIPELINES,),
        prompt_sets=tuple(shipped_prompt_sets()),
        models=tuple(_models(cached)),
        lacking=(*lacking, *_without_webp()),
    )


def _without_webp() -> Iterator[str]:
    try:
        need_webp()
    except RecordingError as error:
        yield str(error)


def _devices() -> Iterator[Device]:
    found, count = host_memory(), cores()
    yield Device(
        "cpu", f"{count} core{'s' if count != 1 else ''}", found.available, found.total, bfloat16=False
    )
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        yield Device(f"cuda:{index}", torch.cuda.get_device_name(index), free, total, bfloat16)


def _models(cached: dict[str, int]) -> Iterator[Model]:
    for name, bundled in BUNDLED.items():
        yield _model(name, "bundled", sum(file.stat().st_size for file in bundled.path.rglob("*")))
    for name, size in cached.items():
        if denoiser_shape(name) is not None:
            yield _model(name, "cached", size)
    if _PIXART_XL not in cached:
        yield _model(_PIXART_XL, "not here", None)


def _model(name: str, where: str, size: int | None) -> Model:
    return Model(name, where, size, estimate_memory(plan(Request(model=name))))


def _cached() -> tuple[dict[str, int], list[str]]:
    """The models in the hub's cache with their bytes on disk, and what is wrong there."""
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        found = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except CacheNotFound:
        return {}, []
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is a file"
        return {}, [
            f"the hub's cache {constants.HF_HUB_CACHE} cannot be read: {why}; set HF_HOME to a folder"
        ]
    models = sorted((repo.repo_id, repo.size_on_disk) for repo in found if repo.repo_type == "model")
    return dict(models), []
