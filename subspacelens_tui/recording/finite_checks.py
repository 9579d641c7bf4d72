"""Whether what a pipeline puts out is finite: embeddings, features, latents and pictures.

Features are looked at once they are on the host. Of latents and pictures one flag an image is made on the
device, and copied when the batch is over: nothing waits for the device before that.
"""

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.recording.capture import Captured
from subspacelens_tui.sessions.format import BRANCHES

Flags = npt.NDArray[np.bool_]

_PRECISION = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


@dataclass(frozen=True)
class NotFinite:
    """What was not finite in a batch.

    Attributes:
        features: (n,) which images have such features, at whatever captured step, branch and layer.
        pictures: (n,) which have such a picture.
        where: what was the first to be so, in the order in which the pipeline runs.
        of_vae: whether only the pictures are, and of latents that are finite.
    """

    features: Flags
    pictures: Flags
    where: str
    of_vae: bool

    @property
    def words(self) -> str:
        """The whole, in one sentence without its end."""
        affected = self.features | self.pictures
        return f"not finite: {self.where}, in {affected.sum()} of {len(affected)} images of a batch"


class OutputWatch:
    """Context manager that sees the latents of every step, and what the VAE makes of the last.

    Args:
        pipeline: whose `scheduler.step` and `vae.decode` it wraps; enter it after whoever wraps them too.

    Attributes:
        step: the denoising step that runs now, kept by whoever counts them.
        latents: after the last step; None before one has run.
    """

    def __init__(self, pipeline: Any) -> None:
        self._scheduler, self._vae = pipeline.scheduler, getattr(pipeline, "vae", None)
        self._undo = contextlib.ExitStack()
        self.start()

    def __enter__(self) -> Self:
        self._wrap(self._scheduler, "step", self._see_latents)
        if hasattr(self._vae, "decode"):
            self._wrap(self._vae, "decode", self._see_pictures)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def start(self) -> None:
        """Forget the last batch."""
        self.step = 0
        self.latents: torch.Tensor | None = None
        self._steps: list[int] = []
        self._latents: list[torch.Tensor] = []
        self._pictures: list[torch.Tensor] = []

    def bad_latents(self, images: int) -> dict[int, Flags]:
        """For each step after which some latents were not finite, which (n,)."""
        if not self._latents:
            return {}
        finite = torch.stack(self._latents).cpu().numpy()
        if finite.shape[1] != images:  # latents without a row for each image: one flag for all of them
            finite = np.repeat(finite.all(axis=1, keepdims=True), images, axis=1)
        found: dict[int, Flags] = {}
        for step, of_step in zip(self._steps, finite, strict=True):
            if not of_step.all():
                found.setdefault(step, ~of_step)
        return found

    def bad_pictures(self, images: int) -> Flags:
        """Which pictures (n,) are not finite."""
        if not self._pictures:
            return np.zeros(images, dtype=np.bool_)
        bad: Flags = ~torch.cat(self._pictures).cpu().numpy()
        return bad if len(bad) == images else np.full(images, bad.any())

    def _see_latents(self, step: int, latents: torch.Tensor) -> None:
        self.latents = latents
        self._steps.append(step)
        self._latents.append(_finite(latents))

    def _see_pictures(self, step: int, pictures: torch.Tensor) -> None:
        self._pictures.append(_finite(pictures))

    def _wrap(self, owner: Any, name: str, see: Callable[[int, torch.Tensor], None]) -> None:
        original, wrapped_before = getattr(owner, name), name in vars(owner)

        @functools.wraps(original)  # pipelines inspect the signature
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            step = self.step
            result = original(*args, **kwargs)
            see(step, result if isinstance(result, torch.Tensor) else result[0])  # of tuples and of outputs
            return result

        setattr(owner, name, wrapped)
        again = functools.partial(setattr, owner, name, original)
        self._undo.callback(again if wrapped_before else functools.partial(delattr, owner, name))


def _finite(of_images: torch.Tensor) -> torch.Tensor:
    return torch.isfinite(of_images).flatten(1).all(1)


def not_finite(
    captured: Captured, watch: OutputWatch, capture_steps: Sequence[int], blocks: Sequence[str]
) -> NotFinite | None:
    """What is not finite in a batch that has just been generated, if anything.

    Args:
        captured: its features.
        watch: which saw its latents and pictures.
        capture_steps: the steps of the features.
        blocks: names of the blocks.
    """
    # Of single tokens nothing needs to be asked: if one is not finite, so is the mean over them.
    layers = (captured.layer_input, *captured.blocks)
    # (layer, image, branch, step)
    bad: Flags = np.logical_not(np.stack([np.isfinite(layer).all(axis=3) for layer in layers]))
    features: Flags = np.asarray(bad.any(axis=(0, 2, 3)))
    latents, pictures = watch.bad_latents(len(features)), watch.bad_pictures(len(features))
    first = _first_place(bad, capture_steps, blocks) if features.any() else None
    if latents and (first is None or min(latents) < first[0]):
        return NotFinite(features, pictures, _latents_words(min(latents), capture_steps), of_vae=False)
    if first is not None:
        return NotFinite(features, pictures, first[1], of_vae=False)
    if pictures.any():
        return NotFinite(features, pictures, "the pictures that the VAE makes of finite latents", of_vae=True)
    return None


def _first_place(bad: Flags, capture_steps: Sequence[int], blocks: Sequence[str]) -> tuple[int, str]:
    """The first step at which features are not finite, and where they are so first, in words."""
    slot = int(np.argmax(bad.any(axis=(0, 1, 2))))
    of_slot: Flags = np.asarray(bad[..., slot])
    layer = int(np.argmax(of_slot.any(axis=(1, 2))))
    of_layer: list[bool] = of_slot[layer].any(axis=0).tolist()
    branches = [name for name, is_bad in zip(BRANCHES, of_layer, strict=False) if is_bad]
    where = f"block {blocks[layer - 1]}" if layer else "the input of the first block"
    only = f", {branches[0]} only" if len(branches) < bad.shape[2] else ""
    return capture_steps[slot], f"{where} at step {capture_steps[slot]}{only}"


def _latents_words(step: int, capture_steps: Sequence[int]) -> str:
    if step in capture_steps:
        return f"the latents after step {step}, although the outputs of all blocks are finite there"
    return f"the latents after step {step}, which is not captured"


def broken_weight(module: torch.nn.Module) -> str | None:
    """The name of a weight that is not finite itself, if there is one; it waits for the device."""
    for named in (module.named_parameters(), module.named_buffers()):
        for name, tensor in named:
            if not torch.isfinite(tensor).all():
                return name
    return None


def advice(component: str, broken: str | None, dtype: torch.dtype) -> str:
    """Why a component gives what is not finite, and what to try.

    Args:
        component: its name.
        broken: as of `broken_weight`.
        dtype: the precision of the pipeline.
    """
    precision = _PRECISION.get(dtype, str(dtype))
    wider = "record with `--dtype bfloat16` or `--dtype float32`"
    if broken is not None:
        found = f"the {component} has weights that are not finite in {precision} ({broken} is one)"
        return f"{found}: {wider}" if dtype is torch.float16 else f"{found}: its files are damaged"
    if dtype is torch.float16:
        return f"float16 overflows above 65504: {wider}"
    narrower = ", or try `--dtype float32`" if dtype is torch.bfloat16 else ""
    return f"{precision} does not overflow easily, so the {component} itself is in doubt: check it{narrower}"
