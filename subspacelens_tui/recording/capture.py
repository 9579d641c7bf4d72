"""Forward hooks that pool what every block puts out, at the captured denoising steps.

Everything stays on the device until a step is over; then one copy brings all layers to the host.
Cost: one mean over the tokens per block and captured step, and where single tokens are kept one gather; no
synchronisation per block.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.models import Architecture, HookedBlock
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.scheduler import StepCounter
from subspacelens_tui.recording.token_positions import DrawnPositions, TokenSeeds
from subspacelens_tui.sessions.features import TokenSample
from subspacelens_tui.sessions.format import BRANCHES

# Ends of the names of diffusers' modules whose hooks skip work: first_block_cache, faster_cache, mag_cache, …
_CACHES = ("cache", "pyramid_attention_broadcast")


@dataclass(frozen=True)
class Captured:
    """Features of one batch, float32, each (images, branch, step, width); branches as in the manifest.

    `tokens` holds single tokens of each block, where the recording keeps some.
    """

    layer_input: npt.NDArray[np.float32]
    blocks: list[npt.NDArray[np.float32]]
    tokens: TokenSample | None = None


class Capture:
    """Context manager that hooks a pipeline.

    The first of its layers is the input of the first block, the others the outputs of the blocks.

    Args:
        pipeline, architecture: what to hook.
        capture_steps: the denoising steps at which features are kept.
        on_step: called with the number of the step that comes next.
        tokens: how many single tokens of each image and block to keep as well; default: none.
        timesteps: of the steps that each batch must run; default: those the pipeline runs.
    """

    def __init__(
        self,
        pipeline: Any,
        architecture: Architecture,
        capture_steps: Sequence[int],
        on_step: Callable[[int], None] = lambda step: None,
        tokens: int | None = None,
        timesteps: Sequence[float] = (),
    ) -> None:
        self._steps = StepCounter(pipeline.scheduler, timesteps, self._restart, self._advance)
        self._architecture = architecture
        self._slots = {step: slot for slot, step in enumerate(capture_steps)}
        self._on_step = on_step
        self._T = tokens or 0
        self.blocks: list[HookedBlock] = architecture.blocks(pipeline)
        _refuse_caches(pipeline.transformer)
        self._widths = [self.blocks[0].width, *(block.width for block in self.blocks)]
        self._undo: list[Callable[[], None]] = []
        self._slot: int | None = None
        self._rows: list[torch.Tensor] = []
        self._token_rows: list[torch.Tensor] = []
        self._token_seeds: TokenSeeds = ()
        self._drawn: DrawnPositions | None = None
        self._counts: list[list[int]] = []

    def __enter__(self) -> Self:
        first = self.blocks[0].module
        self._undo.append(first.register_forward_pre_hook(self._pool_input, with_kwargs=True).remove)
        for layer, block in enumerate(self.blocks, start=1):
            hook = functools.partial(self._pool_output, layer)
            self._undo.append(block.module.register_forward_hook(hook).remove)
        self._undo.append(self._steps.hook())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._undo:
            self._undo.pop()()

    def start_batch(
        self, images: int, guided: bool, device: torch.device, token_seeds: TokenSeeds = ()
    ) -> None:
        """Make room for a batch. All layers share one buffer, so that a step is one copy to the host.

        Args:
            images: how many images the batch has.
            guided: whether its passes have an unconditional half.
            device: where the model runs.
            token_seeds: as of `draw_positions`, where tokens are kept.
        """
        # What the last batch held goes before memory is taken again.
        self._rows, self._token_rows, self._buffer, self._drawn = [], [], torch.empty(0), None
        self._images, self._guided = images, guided
        self._token_seeds = token_seeds
        rows = images * (2 if guided else 1)
        pooled = [rows * width for width in self._widths]
        tokens = [rows * self._T * width for width in self._widths[1:]]
        self._buffer = torch.empty(sum(pooled) + sum(tokens), dtype=torch.float32, device=device)
        parts = self._buffer.split(pooled + tokens)
        self._rows = [part.view(rows, -1) for part in parts[: len(pooled)]]
        self._token_rows = [
            part.view(rows, self._T, width)
            for part, width in zip(parts[len(pooled) :], self._widths[1:], strict=True)
        ]
        self._host = torch.empty(
            (len(self._slots), self._buffer.numel()), dtype=torch.float32, pin_memory=device.type == "cuda"
        )
        self._counts = [[0] * len(self._widths) for _ in self._slots]
        self._steps.restart()

    def finish_batch(self) -> Captured:
        """The features of the batch that has just been generated.

        Raises:
            RecordingError: if a block did not run exactly once at each captured step, or other steps ran.
        """
        if self._host.is_pinned():
            torch.cuda.current_stream(self._buffer.device).synchronize()
        self._steps.check()
        self._check_counts()
        parts = [*self._rows, *self._token_rows]
        layers = self._host.split([part.numel() for part in parts], dim=1)
        arrays = [self._by_branch(layer, part) for layer, part in zip(layers, parts, strict=True)]
        blocks, tokens = arrays[1 : len(self._rows)], arrays[len(self._rows) :]
        return Captured(arrays[0], blocks, self._drawn.sample(tokens) if self._drawn else None)

    def _by_branch(self, layer: torch.Tensor, part: torch.Tensor) -> npt.NDArray[np.float32]:
        """A part of the buffer (branch · images, …), once a captured step, as (images, branch, step, …)."""
        order = self._architecture.guidance_order if self._guided else BRANCHES[:1]
        stacked = layer.reshape(len(self._slots), len(order), self._images, *part.shape[1:])
        wanted = stacked[:, [order.index(branch) for branch in BRANCHES if branch in order]]
        return np.ascontiguousarray(wanted.transpose(0, 2).numpy())

    def _check_counts(self) -> None:
        for step, slot in self._slots.items():
            for layer, count in enumerate(self._counts[slot]):
                if count != 1:
                    name = self.blocks[layer - 1].name if layer else "the input of the first block"
                    raise RecordingError(
                        f"{name} ran {count} times at step {step} instead of once: "
                        "a cache, a compiled model or an unusual scheduler hides it from the hooks"
                    )

    def _pool_input(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._slot is not None:
            self._pool(0, self._architecture.block_input(args, kwargs))

    def _pool_output(self, layer: int, module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._slot is not None:
            self._pool(layer, self._architecture.image_tokens(output))

    def _pool(self, layer: int, tokens: torch.Tensor) -> None:
        # float32 whatever the model's precision: bf16 means err by 4e-3 and fp16 sums overflow.
        torch.mean(tokens, 1, dtype=torch.float32, out=self._rows[layer])
        assert self._slot is not None
        self._counts[self._slot][layer] += 1
        if self._T and layer:
            self._keep_tokens(layer - 1, tokens)

    def _keep_tokens(self, block: int, tokens: torch.Tensor) -> None:
        if self._drawn is None:
            # Here, because before the first pass no architecture says how many image tokens there will be.
            self._drawn = DrawnPositions(self._token_seeds, self._T, tokens, self._guided)
        if tokens.shape[1] != self._drawn.available:
            raise RecordingError(
                f"{self.blocks[block].name} has {tokens.shape[1]} image tokens, an earlier one "
                f"{self._drawn.available}: tokens cannot be followed through the layers"
            )
        index = self._drawn.index.expand(-1, -1, tokens.shape[2])
        self._token_rows[block].copy_(tokens.gather(1, index))

    def _restart(self) -> None:
        self._slot = self._slots.get(0)

    def _advance(self) -> None:
        if self._slot is not None:
            self._host[self._slot].copy_(self._buffer, non_blocking=True)
        self._slot = self._slots.get(self._steps.step)
        self._on_step(self._steps.step)


def _refuse_caches(model: torch.nn.Module) -> None:
    """Diffusers' caches skip blocks, or attention in them, which then give what they gave at an earlier step.

    Their hooks sit on blocks, on parts of blocks or on the whole model.
    """
    for module in model.modules():
        registry = getattr(module, "_diffusers_hook", None)
        for name, hook in getattr(registry, "hooks", {}).items():
            if type(hook).__module__.endswith(_CACHES):
                raise RecordingError(
                    f"the pipeline has the cache hook {name!r}, with which layers report what they computed "
                    "at an earlier step: call `disable_cache()` on its transformer first"
                )
