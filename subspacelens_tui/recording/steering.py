"""Hooks that change what blocks put out, before anything else sees it.

    with subspacelens_tui.steer(pipe, intervention):
        pipe(prompt, …)

They run before the hooks of a capture, in whichever order the two were registered: what is captured is what
the next block receives.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.discover import discover
from subspacelens_tui.models.fingerprint import weight_norms
from subspacelens_tui.models.layout import BlockLayout, Layout, Passes, Place, at
from subspacelens_tui.models.trial import named_arguments
from subspacelens_tui.planning.steering_statistics import fingerprint
from subspacelens_tui.recording.call_check import AskedCall, checked_calls
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.pipelines_in_use import claimed
from subspacelens_tui.recording.prompt_checks import ANY_TWO
from subspacelens_tui.recording.scheduler import StepCounter
from subspacelens_tui.sessions.format import Branch, Manifest
from subspacelens_tui.sessions.steering_file import STEERING_FILE, open_steering
from subspacelens_tui.steering import Change, Fingerprint, Intervention, SteeringError
from subspacelens_tui.steering.edit import Source
from subspacelens_tui.steering.intervention_arrays import from_arrays

# Keeps the noise of a control apart from that of an image of the same seed.
_STREAM = 0x6E6F697365
_TINY = 1e-12


class Steering:
    """Context manager that steers a pipeline.

    Where an intervention needs the tokens of another prompt, a batch is twice as large: the images, then for
    each a partner of that prompt, whose blocks are given the same latents.

    Args:
        pipeline: what to hook.
        layout: of the pipeline, as `models.discover` found it.
        intervention: what to do.

    Attributes:
        twins: whether batches need partners.

    Raises:
        RecordingError: if the intervention cannot be made in this pipeline.
    """

    def __init__(self, pipeline: Any, layout: Layout, intervention: Intervention) -> None:
        self._layout, self._intervention = layout, intervention
        self._denoisers = [getattr(pipeline, name) for name in layout.denoisers]
        self._steps = StepCounter(pipeline.scheduler, (), self._restart, self._advance)
        self.twins = "partner" in intervention.sources
        self._check(fingerprint_of(layout, self._denoisers[0]))
        self._undo = contextlib.ExitStack()
        self._kept: dict[tuple[int, int], Change] = {}
        self.start_batch((), max(layout.passes))

    def __enter__(self) -> Self:
        if self._intervention.strength == 0:  # the model is left exactly as it is
            return self
        for denoiser in self._denoisers:
            self._undo.callback(denoiser.register_forward_pre_hook(self._begin).remove)
            blocks = self._layout.modules(denoiser)
            if self.twins:
                hook = blocks[0].register_forward_pre_hook(self._share_latents, with_kwargs=True)
                self._undo.callback(hook.remove)
            for layer in self._intervention.layers:
                change = functools.partial(self._change, layer)
                self._undo.callback(blocks[layer].register_forward_hook(change, prepend=True).remove)
        self._undo.callback(self._steps.hook())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def refuse_twins(self) -> None:
        """For loops that generate what they are given and no partners.

        Raises:
            RecordingError: if it needs some.
        """
        if self.twins:
            raise RecordingError(
                "it needs another prompt's tokens on the same latents: `subspacelens-tui steer` has them"
            )

    def start_batch(self, seeds: Sequence[int], guidance: float) -> None:
        """Begin a batch.

        Args:
            seeds: of its images, partners apart; none where they are not known: noise is then the same in
                each run.
            guidance: its scale, one of the layout's.

        Raises:
            RecordingError: if this scale lacks a pass that is needed.
        """
        self._seeds, self._passes = seeds, self._layout.passes[guidance]
        self._uncond: dict[int, torch.Tensor] = {}
        self._products: dict[tuple[int, int], torch.Tensor] = {}
        self._check_passes(self._passes, guidance)
        self._steps.restart()

    def finish_batch(self) -> npt.NDArray[np.float32]:
        """What was done to each image (n, layers, steps, 3) at the steps of the intervention.

        ‖sΔ‖/‖x‖ over all tokens of an image, the angle between x and what took its place, in radians, and the
        ratio of their norms.
        """
        first, last = self._intervention.steps
        steps = range(first, min(last + 1, self._steps.step))
        layers, images = self._intervention.layers, len(next(iter(self._products.values()), self._seeds))
        if not steps:
            return np.zeros((images, len(layers), 0, 3), np.float32)
        nothing = torch.tensor([1.0, 0.0, 0.0]).expand(images, 3)
        rows = [
            torch.stack([self._products.get((layer, step), nothing).cpu() for step in steps], dim=1)
            for layer in layers
        ]
        return _measures(torch.stack(rows, dim=1).numpy())

    def _check(self, model: Fingerprint) -> None:
        of = self._intervention
        if (different := model.differs_from(of.model)) is not None:
            raise RecordingError(f"the intervention was fitted to another model: this one has {different}")
        for layer in of.layers:
            if self._layout.blocks[layer].place is Place.RAGGED:
                raise RecordingError(
                    f"layer {layer} cannot be steered: its image tokens are in another place in each row"
                )
        if self.twins and self._layout.blocks[0].parts > 1:
            raise RecordingError(
                "tokens of another prompt cannot be had: those of an image are spread over several rows"
            )
        if self.twins and self._layout.one_image is not None:
            raise RecordingError(
                "tokens of another prompt cannot be had: images are generated one at a time, "
                f"{self._layout.one_image}"
            )

    def _check_passes(self, passes: Passes, guidance: float) -> None:
        needs_both = "uncond" in self._intervention.sources or self._intervention.half != "cond"
        if not needs_both:
            return
        if "uncond" not in passes.branches:
            raise RecordingError(f"there is no unconditional pass at guidance {guidance:g}, which this needs")
        of_forward = {row: forward for forward, rows in enumerate(passes.rows) for row in rows}
        if of_forward["uncond"] > of_forward["cond"]:
            raise RecordingError(
                "the conditional pass runs before the unconditional one, which this needs first"
            )
        if self._intervention.half != "cond" and of_forward["uncond"] != of_forward["cond"]:
            raise RecordingError(
                "only the conditional half can be changed where the two run one after the other"
            )

    def _begin(self, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        self._forward += 1

    @property
    def _acts(self) -> bool:
        return self._intervention.acts_at(self._steps.step) and self._forward < len(self._passes.rows)

    def _rows(self, tokens: torch.Tensor) -> dict[Branch, torch.Tensor]:
        """The rows of each branch, as views."""
        each = len(self._passes.rows[self._forward])
        places = self._passes.rows_of(self._forward, len(tokens) // each)
        return {branch: tokens[rows] for branch, rows in places.items()}

    def _share_latents(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Give each partner the latents of its image, as they reach the first block."""
        if self._forward >= len(self._passes.rows):
            return
        tokens = at(named_arguments(module, args, kwargs), self._layout.blocks[0].input)
        for rows in self._rows(self._layout.blocks[0].image_tokens(tokens)).values():
            images = len(rows) // 2
            rows[images:] = rows[:images]

    def _change(self, layer: int, module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if not self._acts:
            return None
        block = self._layout.blocks[layer]
        every = at(output, block.output).clone(memory_format=torch.contiguous_format)
        rows = self._rows(_checked(block, every))
        if "uncond" in rows:
            self._uncond[layer] = rows["uncond"]
        if "cond" not in rows:
            return None
        images = len(rows["cond"]) // (2 if self.twins else 1)
        cond = rows["cond"][:images].float()
        sources: dict[Source, torch.Tensor] = {"cond": cond, "partner": rows["cond"][images:].float()}
        if layer in self._uncond:
            sources["uncond"] = self._uncond[layer][:images].float()
        if "noise" in self._intervention.sources:
            sources["noise"] = self._noise(layer, cond)
        change = self._of(layer, cond.device)(sources)
        if self._intervention.strength != 1:
            change = self._intervention.strength * change
        self._products[layer, self._steps.step] = _products(cond, change)
        if self._intervention.half != "uncond":
            rows["cond"][:images] = cond + change
        if self._intervention.half != "cond":
            rows["uncond"][:images] = rows["uncond"][:images].float() + change
        return _replaced(output, block.output, every)

    def _of(self, layer: int, device: torch.device) -> Change:
        step = self._intervention.fitted_step(layer, self._steps.step)
        if (layer, step) not in self._kept:
            self._kept[layer, step] = self._intervention.changes[layer][step].map(
                lambda array: torch.as_tensor(np.asarray(array), dtype=torch.float32, device=device)
            )
        return self._kept[layer, step]

    def _noise(self, layer: int, like: torch.Tensor) -> torch.Tensor:
        seeds = self._seeds or range(len(like))
        drawn = [np.random.default_rng([_STREAM, seed, self._steps.step, layer]) for seed in seeds]
        noise = np.stack([rng.standard_normal(like.shape[1:], np.float32) for rng in drawn])
        return torch.from_numpy(noise).to(like.device)

    def _restart(self) -> None:
        self._forward = -1
        self._uncond = {}

    _advance = _restart


@contextlib.contextmanager
def steer(
    pipeline: Any,
    intervention: Intervention,
    *,
    guidance: float = 4.5,
    steps: int = 20,
    call: Mapping[str, Any] | None = None,
    prompts: tuple[str, str] = ANY_TWO,
) -> Iterator[Steering]:
    """Steer every call of a pipeline inside the `with` block.

    How the pipeline runs is found in some ten runs that stop at the first scheduler step.

    Args:
        pipeline: a diffusers pipeline, on its device.
        intervention: as of `fit_intervention`.
        guidance: the classifier-free guidance scale of the calls.
        steps: the denoising steps that they ask for.
        call: arguments that they have besides, such as `height` or `negative_prompt`.
        prompts: two texts that differ, to find out with; of pipelines that take classes, two of these.

    Raises:
        ModelError: if the pipeline cannot be hooked, in one line that says what was seen.
        RecordingError: if the intervention is of another model or cannot be made in this one.
    """
    if not hasattr(pipeline, "components"):
        raise RecordingError(f"a {type(pipeline).__name__} is no diffusers pipeline")
    with claimed(pipeline, "steered"):
        asked = PipelineCall(pipeline, call)
        layout = discover(asked, prompts, steps, [guidance]).layout
        steering = Steering(pipeline, layout, intervention)
        steering.refuse_twins()
        steering.start_batch((), guidance)
        with steering, checked_calls(asked, AskedCall("`steer`", guidance, steps)):
            yield steering


def read_intervention(folder: Path, manifest: Manifest) -> Intervention:
    """The intervention of a session that is steered, or is to be.

    Raises:
        RecordingError: if its arrays are not what `session.json` says.
    """
    of = manifest.steering
    assert of is not None
    try:
        with open_steering(folder) as (names, read):
            changes = from_arrays(names, read)
        found = Intervention(changes, fingerprint(of.blocks), of.strength, of.steps, of.half)
    except SteeringError as error:
        raise RecordingError(f"{folder / STEERING_FILE} is damaged: {error}") from None
    if list(found.layers) != of.layers:
        raise RecordingError(
            f"{folder / STEERING_FILE} is damaged: it has other layers than session.json says"
        )
    return found


def fingerprint_of(layout: Layout, denoiser: Any) -> Fingerprint:
    """By what a loaded model is known again."""
    blocks = tuple((block.name, block.width, block.tokens) for block in layout.blocks)
    return Fingerprint(blocks, tuple(weight_norms(layout.modules(denoiser)) or ()))


def _checked(block: BlockLayout, tokens: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = block.image_tokens(tokens)
    if found.shape[1] != block.tokens:
        raise RecordingError(
            f"{block.name} has {found.shape[1]} image tokens, not the {block.tokens} of the statistics"
        )
    return found


def _products(before: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """‖x‖², ‖Δ‖² and x·Δ (n, 3) of all tokens of each image (n, T, d) and what is added to them."""
    # A change may be the same for all images, or for all tokens of one.
    x, d = before.flatten(1), change.expand_as(before).flatten(1)
    dot = torch.linalg.vecdot
    return torch.stack([dot(x, x), dot(d, d), dot(x, d)], dim=1)


def _measures(products: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """‖Δ‖/‖x‖, the angle between x and x + Δ, and the ratio of their norms (…, 3), from `_products`."""
    of_x, of_d, both = np.moveaxis(products.astype(np.float64), -1, 0)
    of_x = of_x + _TINY
    across = np.sqrt(np.maximum(of_x * of_d - both**2, 0))
    after = np.sqrt(np.maximum(of_x + 2 * both + of_d, 0))
    found = [np.sqrt(of_d / of_x), np.arctan2(across, of_x + both), after / np.sqrt(of_x)]
    return np.stack(found, axis=-1).astype(np.float32)


def _replaced(holder: Any, path: tuple[int | str, ...], tensor: torch.Tensor) -> Any:
    """What a block returned, with other tokens."""
    if not path:
        return tensor
    first, rest = path[0], path[1:]
    inner = _replaced(holder[first], rest, tensor)
    if isinstance(holder, tuple):
        parts = [inner if place == first else part for place, part in enumerate(holder)]
        return type(holder)(*parts) if hasattr(holder, "_fields") else tuple(parts)
    made = holder.copy()
    made[first] = inner
    return made
