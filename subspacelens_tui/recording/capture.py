"""Forward hooks that pool what every block puts out, at the captured denoising steps.

Everything stays on the device until a step is over; then one copy brings all layers to the host.
Cost: one mean over the tokens per block and captured step, and where single tokens are kept one gather; no
synchronisation per block.
"""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.models.cache_hooks import cache_hook, cached_words
from subspacelens_tui.models.compiled import after_call, before_call
from subspacelens_tui.models.layout import BlockLayout, Layout, Passes, Place, at
from subspacelens_tui.models.trial import named_arguments, token_tensors
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.scheduler import StepCounter
from subspacelens_tui.recording.token_positions import DrawnPositions, TokenSeeds
from subspacelens_tui.sessions.features import TokenSample

OnTokens = Callable[[int, int, int, torch.Tensor], None]


@dataclass(frozen=True)
class Captured:
    """Features of one batch, float32, each (images, branch, step, width); branches as in the manifest.

    `tokens` holds single tokens of each block, where the recording keeps some. `denoisers` says which of the
    layout's denoisers ran at each captured step.
    """

    layer_input: npt.NDArray[np.float32]
    blocks: list[npt.NDArray[np.float32]]
    tokens: TokenSample | None = None
    denoisers: tuple[int, ...] = ()

    def first(self, images: int) -> "Captured":
        """Those of the first images of the batch."""
        tokens = self.tokens and TokenSample(
            self.tokens.positions[:images],
            self.tokens.counts[:images],
            [block[:images] for block in self.tokens.blocks],
        )
        blocks = [block[:images] for block in self.blocks]
        return replace(self, layer_input=self.layer_input[:images], blocks=blocks, tokens=tokens)


class Capture:
    """Context manager that hooks a pipeline.

    The first of its layers is the input of the first recorded block, the others the outputs of those blocks.

    Args:
        pipeline: what to hook.
        layout: of the pipeline, as `models.discover` found it.
        capture_steps: the denoising steps at which features are kept.
        on_step: called with the number of the step that comes next.
        tokens: how many single tokens of each image and block to keep as well; default: none.
        timesteps: of the steps that each batch must run; default: those the pipeline runs.
        on_tokens: called with a block's place among the recorded ones, the index of the captured step, the
            number of the forward, and the image tokens (rows, T, d) that the block put out.

    Raises:
        RecordingError: if a denoiser has a cache.
    """

    def __init__(
        self,
        pipeline: Any,
        layout: Layout,
        capture_steps: Sequence[int],
        on_step: Callable[[int], None] = lambda step: None,
        tokens: int | None = None,
        timesteps: Sequence[float] = (),
        on_tokens: OnTokens | None = None,
    ) -> None:
        self._on_tokens = on_tokens
        self._steps = StepCounter(pipeline.scheduler, timesteps, self._restart, self._advance)
        self._layout = layout
        self._denoisers = {name: getattr(pipeline, name) for name in layout.denoisers}
        self._slots = {step: slot for slot, step in enumerate(capture_steps)}
        self._on_step = on_step
        self._T = tokens or 0
        for name, denoiser in self._denoisers.items():
            if (hook := cache_hook(denoiser)) is not None:
                raise RecordingError(cached_words(hook, name))
        self._blocks = layout.recorded
        if self._T and len({block.parts for block in self._blocks}) > 1:
            raise RecordingError(
                "single tokens cannot be followed through the layers: some have frames as rows, others "
                "places in a frame"
            )
        self._widths = [self._blocks[0].width, *(block.width for block in self._blocks)]
        self._undo = contextlib.ExitStack()
        self._slot: int | None = None
        self._drawn: DrawnPositions | None = None
        self._passes: Passes | None = None
        self._forward = -1

    def __enter__(self) -> Self:
        for number, denoiser in enumerate(self._denoisers.values()):
            self._undo.callback(before_call(denoiser, functools.partial(self._begin, number)))
            for remove in self._hooks_of_ragged(denoiser):
                self._undo.callback(remove)
            modules = [denoiser.get_submodule(block.name) for block in self._blocks]
            self._undo.callback(before_call(modules[0], self._pool_input))
            for layer, module in enumerate(modules, start=1):
                self._undo.callback(after_call(module, functools.partial(self._pool_output, layer)))
        self._undo.callback(self._steps.hook())
        return self

    def _hooks_of_ragged(self, denoiser: Any) -> Iterator[Callable[[], None]]:
        """Where image tokens are in another place in each row, they are found by what comes before."""
        if all(block.place is not Place.RAGGED for block in self._blocks):
            return
        blocks = self._layout.blocks
        first = next(place for place, block in enumerate(blocks) if block.place is Place.RAGGED)
        before, ragged = blocks[first - 1], blocks[first]

        def remember(module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
            self._image = before.image_tokens(at(output, before.output))

        find = functools.partial(self._find_rows, ragged)
        yield after_call(denoiser.get_submodule(before.name), remember)
        yield before_call(denoiser.get_submodule(ragged.name), find)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def start_batch(
        self, images: int, guidance: float, device: torch.device, token_seeds: TokenSeeds = ()
    ) -> None:
        """Make room for a batch. All layers share one buffer, so that a step is one copy to the host.

        Args:
            images: how many images the batch has.
            guidance: its scale, one of the layout's.
            device: where the model runs.
            token_seeds: as of `draw_positions`, where tokens are kept.
        """
        # What the last batch held goes before memory is taken again.
        self._pooled, self._token_rows, self._buffer, self._drawn = [], [], torch.empty(0), None
        self._images, self._passes = images, self._layout.passes[guidance]
        self._token_seeds = token_seeds
        # Of each forward all its rows, branches or not, so that one mean serves them all.
        rows = [images * len(of_forward) for of_forward in self._passes.rows]
        shapes: list[tuple[int, ...]] = [(count, width) for count in rows for width in self._widths]
        shapes += [(count, self._T, width) for count in rows for width in self._widths[1:] if self._T]
        sizes = [int(np.prod(shape)) for shape in shapes]
        self._buffer = torch.empty(sum(sizes), dtype=torch.float32, device=device)
        parts = [part.view(shape) for part, shape in zip(self._buffer.split(sizes), shapes, strict=True)]
        pooled = len(rows) * len(self._widths)
        self._pooled, self._token_rows = parts[:pooled], parts[pooled:]
        self._host = torch.empty(
            (len(self._slots), self._buffer.numel()), dtype=torch.float32, pin_memory=device.type == "cuda"
        )
        self._counts = [[0] * pooled for _ in self._slots]
        self._ran_in: list[set[int]] = [set() for _ in self._slots]
        self._steps.restart()

    def finish_batch(self) -> Captured:
        """The features of the batch that has just been generated.

        Raises:
            RecordingError: if a block did not run exactly once at each captured step, or other steps ran.
        """
        assert self._passes is not None
        if self._host.is_pinned():
            torch.cuda.current_stream(self._buffer.device).synchronize()
        self._steps.check()
        self._check_counts()
        parts = [*self._pooled, *self._token_rows]
        hosts = self._host.split([part.numel() for part in parts], dim=1)
        arrays = [host.view(-1, *part.shape) for host, part in zip(hosts, parts, strict=True)]
        layers = self._by_branch(arrays[: len(self._pooled)], len(self._widths))
        tokens = self._by_branch(arrays[len(self._pooled) :], len(self._widths) - 1)
        sample = self._drawn.sample(tokens) if self._drawn else None
        return Captured(layers[0], layers[1:], sample, tuple(min(ran) for ran in self._ran_in))

    def _by_branch(self, arrays: Sequence[torch.Tensor], layers: int) -> list[npt.NDArray[np.float32]]:
        """From forwards × layers of (step, rows, …) each layer as (images, branch, step, …)."""
        assert self._passes is not None
        found = []
        for layer in range(layers) if arrays else ():
            of_branch = {
                branch: arrays[forward * layers + layer][:, rows]
                for forward in range(len(self._passes.rows))
                for branch, rows in self._passes.rows_of(forward, self._images).items()
            }
            stacked = torch.stack([of_branch[branch] for branch in self._passes.branches])
            found.append(np.ascontiguousarray(stacked.transpose(0, 2).transpose(1, 2).numpy()))
        return found

    def _check_counts(self) -> None:
        assert self._passes is not None
        for step, slot in self._slots.items():
            for place, count in enumerate(self._counts[slot]):
                if count == 1:
                    continue
                forward, layer = divmod(place, len(self._widths))
                name = self._blocks[layer - 1].name if layer else "the input of the first block"
                which = f" in forward {forward + 1}" if len(self._passes.rows) > 1 else ""
                raise RecordingError(
                    f"{name} ran {count} times{which} at step {step} instead of once: "
                    "guidance that ends early, a cache, a compiled model or an unusual scheduler hides it "
                    "from "
                    "the hooks"
                )
            if len(self._ran_in[slot]) > 1:
                raise RecordingError(f"at step {step} both {' and '.join(self._denoisers)} ran")

    def _begin(self, number: int, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        self._forward += 1
        if self._known_forward:
            assert self._slot is not None
            self._ran_in[self._slot].add(number)

    @property
    def _known_forward(self) -> bool:
        """Whether this is a forward of a captured step that has branches; later ones are of neither."""
        return self._slot is not None and self._passes is not None and self._forward < len(self._passes.rows)

    def _pool_input(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._known_forward:
            first = self._blocks[0]
            tokens = at(named_arguments(module, args, kwargs), first.input)
            self._pool(0, self._image_tokens(first, tokens))

    def _pool_output(self, layer: int, module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._known_forward:
            block = self._blocks[layer - 1]
            self._pool(layer, self._image_tokens(block, at(output, block.output)))

    def _image_tokens(self, block: BlockLayout, tokens: torch.Tensor) -> torch.Tensor:
        if block.place is Place.RAGGED:
            rows = zip(tokens, self._starts, strict=True)
            return torch.stack([row[start : start + block.tokens] for row, start in rows])
        found: torch.Tensor = block.image_tokens(tokens)
        return found

    def _find_rows(
        self, block: BlockLayout, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Where in each row the image tokens are: those that the block before gave, by value."""
        if not self._known_forward:
            return
        for _, tokens in token_tensors(named_arguments(module, args, kwargs)):
            if tokens.shape[2] == self._image.shape[2] and len(tokens) == len(self._image):
                starts = [*_starts(tokens, self._image)]
                if None not in starts:
                    self._starts = [start for start in starts if start is not None]
                    return
        raise RecordingError(f"the image tokens cannot be found among those that {block.name} takes")

    def _pool(self, layer: int, tokens: torch.Tensor) -> None:
        place = self._forward * len(self._widths) + layer
        rows, block = self._pooled[place], self._blocks[max(0, layer - 1)]
        if len(tokens) != len(rows):
            raise RecordingError(
                f"at step {self._steps.step} {block.name} has {len(tokens)} rows instead of {len(rows)}: "
                "guidance "
                "is off there (it may end early), or another pass runs"
            )
        if tokens.shape[1] != block.tokens:
            raise RecordingError(
                f"{block.name} has {tokens.shape[1]} image tokens, not the {block.tokens} found"
            )
        # float32 whatever the model's precision: bf16 means err by 4e-3 and fp16 sums overflow.
        torch.mean(tokens.detach(), 1, dtype=torch.float32, out=rows)
        assert self._slot is not None
        self._counts[self._slot][place] += 1
        if self._T and layer:
            self._keep_tokens(layer - 1, tokens)
        if self._on_tokens is not None and layer:
            self._on_tokens(layer - 1, self._slot, self._forward, tokens)

    def _keep_tokens(self, block: int, tokens: torch.Tensor) -> None:
        assert self._passes is not None
        if self._drawn is None:
            self._drawn = DrawnPositions(self._token_seeds, self._T, tokens)
        if tokens.shape[1] != self._drawn.available:
            raise RecordingError(
                f"{self._blocks[block].name} has {tokens.shape[1]} image tokens, an earlier one "
                f"{self._drawn.available}: tokens cannot be followed through the layers"
            )
        each = len(tokens) // self._images
        index = self._drawn.index_of(each, self._passes.interleaved).expand(-1, -1, tokens.shape[2])
        kept = self._token_rows[self._forward * (len(self._widths) - 1) + block]
        kept.copy_(tokens.gather(1, index))

    def _restart(self) -> None:
        self._forward, self._slot = -1, self._slots.get(0)

    def _advance(self) -> None:
        if self._slot is not None:
            self._host[self._slot].copy_(self._buffer, non_blocking=True)
        self._forward, self._slot = -1, self._slots.get(self._steps.step)
        self._on_step(self._steps.step)


def _starts(tokens: torch.Tensor, image: torch.Tensor) -> Iterable[int | None]:
    """The first token of each row's image tokens among all of the row; None where they are not there."""
    for row, part in zip(tokens, image, strict=True):
        places = (row == part[0]).all(-1).nonzero().flatten().tolist()
        yield next((at for at in places if torch.equal(row[at : at + len(part)], part)), None)
