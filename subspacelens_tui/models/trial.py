"""A trial run of a pipeline up to its first scheduler step, and what could be seen of its blocks."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from subspacelens_tui.models.compiled import uncompiled
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.layout import Path, by_row
from subspacelens_tui.models.problems import first_line
from subspacelens_tui.models.scheduler_watch import kept, timestep_of, watch

# Channels that are kept of each token, bit for bit: enough to know it again.
_CHANNELS = 16
# Modules after the last block that are looked at: norms and projections come first.
_FOLLOWED = 8
# Half sizes of the latents that a UNet may work at.
_LEVELS = 7


class _Stop(BaseException):
    """Ends a trial; no pipeline catches it."""


class Tokens:
    """A token tensor that was seen, (rows, tokens, width).

    Attributes:
        shape: its shape.
        dtype: its precision.
        some: (rows, tokens, 16) of its channels, on the host in float32, which keeps them apart.
        parts, tokens_first: how the tensor that was seen had its rows, as of `BlockLayout`.
    """

    def __init__(self, tensor: torch.Tensor, parts: int = 1, tokens_first: bool = False) -> None:
        tensor = by_row(tensor, parts, tokens_first)
        self.parts, self.tokens_first = parts, tokens_first
        self.shape = tuple(tensor.shape)
        self.dtype = tensor.dtype
        channels = torch.linspace(0, self.shape[-1] - 1, _CHANNELS, device=tensor.device).long()
        self.some = tensor.detach()[..., channels].float().cpu()

    @property
    def bits(self) -> torch.Tensor:
        """The same as integers: what is not finite equals itself, too."""
        return self.some.view(torch.int32)


@dataclass(frozen=True)
class BlockRun:
    """One call of an entry of a module list that gives back what it takes, by shape."""

    name: str
    takes: Mapping[Path, Tokens]
    gives: Mapping[Path, Tokens]

    @property
    def list(self) -> str:
        """The name of its list."""
        return self.name.rpartition(".")[0]


@dataclass
class Forward:
    """One call of a component.

    Attributes:
        component: its name.
        latents: the shape of what it was given; () if that is no picture or video.
        blocks: what ran in it, in order.
        after: what the first modules after the followed block received.
        gives: the tokens that it returned, in a run that follows a block.
    """

    component: str
    latents: tuple[int, ...] = ()
    blocks: list[BlockRun] = field(default_factory=list)
    after: list[tuple[str, Tokens]] = field(default_factory=list)
    gives: list[Tokens] = field(default_factory=list)

    @functools.cached_property
    def grids(self) -> set[int]:
        """How many tokens the latents may have, at full size and at each half of it, of one frame or all."""
        if not self.latents:
            return set()
        *before, height, width = self.latents
        frames = {1, *before[2:]}
        grid = {-(-height // 2**k) * -(-width // 2**k) for k in range(_LEVELS)}
        return {frame * tokens for frame in frames for tokens in grid}

    def tokens(self, tensor: torch.Tensor) -> Tokens:
        """What was seen of a tensor; its frames, or its places in each frame, may be rows of their own."""
        if not self.latents or len(tensor) == (rows := self.latents[0]):
            return Tokens(tensor)
        parts, odd = divmod(len(tensor), rows)
        if not odd and parts * tensor.shape[1] in self.grids:
            return Tokens(tensor, parts)
        return Tokens(tensor, tokens_first=tensor.shape[1] == rows)


@dataclass(frozen=True)
class Trial:
    """What was seen in one trial run.

    Attributes:
        forwards: of the denoiser, in order: of what ran last before the scheduler's step.
        timesteps: what the scheduler had set, from that of the first step on.
        others: of all else, such as a ControlNet.
    """

    forwards: tuple[Forward, ...]
    timesteps: Any
    others: tuple[Forward, ...] = ()

    @property
    def denoiser(self) -> str:
        """The name of the component."""
        return self.forwards[0].component

    @property
    def rows(self) -> tuple[int, ...]:
        """How many rows each of its forwards has, by the first block."""
        return tuple(
            next(iter(forward.blocks[0].gives.values())).shape[0] if forward.blocks else 0
            for forward in self.forwards
        )


def run_trial(pipeline: Any, call: Callable[[], object], follow: str | None = None) -> Trial:
    """Run a pipeline up to its first scheduler step.

    Args:
        pipeline: left as it was.
        call: calls it.
        follow: a block of the denoiser after which modules are looked at as well.

    Raises:
        ModelError: if nothing runs before the step, or the pipeline itself fails.
    """
    seen = _Seen(pipeline, follow)
    try:
        call()
    except _Stop:
        pass
    except (ModelError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # of any pipeline
        raise ModelError(f"{type(pipeline).__name__} fails in a trial run: {first_line(error)}") from error
    finally:
        seen.undo()
    return seen.trial()


class _Seen:
    """Hooks on all components that note what runs."""

    def __init__(self, pipeline: Any, follow: str | None) -> None:
        self._pipeline, self._follow = pipeline, follow
        self._forwards: list[Forward] = []
        self._now: list[Forward] = []
        self._following = False
        self._undo = contextlib.ExitStack()
        self._timesteps: Any = ()
        self._watch_scheduler()
        for name, component in modules_of(pipeline):
            self._watch(name, component)

    def trial(self) -> Trial:
        """What was seen."""
        if not self._forwards:
            name = type(self._pipeline).__name__
            raise ModelError(
                f"{name} cannot be recorded: nothing to hook runs before its first scheduler step"
            )
        last = self._forwards[-1].component
        of_denoiser, others = (
            tuple(f for f in self._forwards if (f.component == last) is wanted) for wanted in (True, False)
        )
        return Trial(of_denoiser, self._timesteps, others)

    def undo(self) -> None:
        """Leave the pipeline as it was."""
        self._undo.close()
        self._pipeline.maybe_free_model_hooks()

    def _watch_scheduler(self) -> None:
        scheduler = getattr(self._pipeline, "scheduler", None)
        if not (hasattr(scheduler, "step") and hasattr(scheduler, "set_timesteps")):
            name = type(self._pipeline).__name__
            raise ModelError(f"{name} cannot be recorded: it has no scheduler that makes steps")

        def stop(*args: Any, **kwargs: Any) -> None:
            now = self._pipeline.scheduler
            self._timesteps = _from(now.timesteps, timestep_of(now, args, kwargs))
            raise _Stop

        self._undo.callback(kept(scheduler))
        self._undo.callback(watch(scheduler, {"step": stop}))

    def _watch(self, name: str, component: torch.nn.Module) -> None:
        self._undo.callback(uncompiled(component))
        for path, module in component.named_modules():
            if isinstance(module, torch.nn.ModuleList):
                for index, entry in enumerate(module):
                    if entry is None or not any(True for _ in entry.children()):
                        continue  # a list may have gaps, and a single layer is no block
                    self._hook(entry.register_forward_hook, functools.partial(self._block, f"{path}.{index}"))
            elif self._follow is not None:
                self._hook(module.register_forward_pre_hook, functools.partial(self._later, path))
        self._hook(component.register_forward_pre_hook, functools.partial(self._begin, name))
        self._hook(component.register_forward_hook, self._end)
        self._keep_attention_processors(component)

    def _hook(self, register: Callable[..., Any], hook: Callable[..., None]) -> None:
        self._undo.callback(register(hook, with_kwargs=True).remove)

    def _keep_attention_processors(self, component: torch.nn.Module) -> None:
        """Perturbed-attention guidance puts its own there, which a run that is stopped would leave behind."""
        model: Any = component
        if not hasattr(model, "attn_processors") or not hasattr(model, "set_attn_processor"):
            return
        before = dict(model.attn_processors)

        def restore() -> None:
            if any(before.get(name) is not now for name, now in model.attn_processors.items()):
                model.set_attn_processor(dict(before))

        self._undo.callback(restore)

    def _begin(self, name: str, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        tensors = (x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor) and x.ndim >= 4)
        latents = next(tensors, None)
        self._now.append(Forward(name, () if latents is None else tuple(latents.shape)))
        self._following = False

    def _end(self, module: torch.nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self._now:
            ended = self._now.pop()
            if self._follow is not None:
                ended.gives = [Tokens(x) for _, x in token_tensors(output)]
            self._forwards.append(ended)

    def _block(self, name: str, module: torch.nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if not self._now:
            return
        seen = self._now[-1].tokens
        takes = {path: seen(x) for path, x in token_tensors(named_arguments(module, args, kwargs))}
        gives = {path: seen(x) for path, x in token_tensors(output)}
        if any(one.shape == other.shape for one in takes.values() for other in gives.values()):
            self._now[-1].blocks.append(BlockRun(name, takes, gives))
        self._following = name == self._follow

    def _later(self, name: str, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        if self._following and self._now and len(self._now[-1].after) < _FOLLOWED:
            for tensor in (*args, *kwargs.values()):
                if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and tensor.ndim >= 3:
                    # With height and width apart, channels come before them or last.
                    both = [tensor.flatten(2).transpose(1, 2), tensor.flatten(1, -2)]
                    for tokens in [tensor] if tensor.ndim == 3 else both:
                        self._now[-1].after.append((name, self._now[-1].tokens(tokens)))


def _from(timesteps: Any, first: Any) -> Any:
    """Timesteps from the first that runs: image-to-image pipelines pass over those before."""
    every, at = torch.as_tensor(timesteps), torch.as_tensor(first)
    if every.ndim != 1 or at.numel() != 1:
        return timesteps
    places = (every == at.to(every.device).flatten()).nonzero().flatten().tolist()
    return timesteps[places[0] :] if places else timesteps


def modules_of(pipeline: Any) -> Iterator[tuple[str, torch.nn.Module]]:
    """The components of a pipeline that are modules, by name."""
    for name, component in pipeline.components.items():
        if isinstance(component, torch.nn.Module):
            yield name, component


def named_arguments(module: torch.nn.Module, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of a call of a module by the names that its class gives them."""
    return dict(list(_signature(type(module).forward).bind(module, *args, **kwargs).arguments.items())[1:])


@functools.cache
def _signature(forward: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(forward)


def token_tensors(holder: Any, path: Path = ()) -> Iterator[tuple[Path, torch.Tensor]]:
    """The tensors (rows, tokens, width) in arguments or in what a module returns, each with its path."""
    if isinstance(holder, torch.Tensor):
        if holder.ndim == 3 and holder.is_floating_point():
            yield path, holder
    elif isinstance(holder, dict):
        for key, value in holder.items():
            yield from token_tensors(value, (*path, key))
    elif isinstance(holder, list | tuple):
        for index, value in enumerate(holder):
            yield from token_tensors(value, (*path, index))
