"""Finding the layout of any diffusers pipeline: nothing here knows a model.

Everything is measured in some ten trial runs that stop at the first scheduler step. Blocks are entries of
module lists that give back what they take, by shape. Image tokens are those that change with the seed in the
first block; later lists find what the block before them gave, bit for bit. A row of a forward pass is
unconditional if it does not follow the prompt, and conditional if it follows it and is what a run without
guidance gives; anything else is neither. These are also the self-test of a recording: every row of a batch
must be one that was seen of a single image, and what the last block gives must be what comes next.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from subspacelens_tui.models.batch_rows import difference, order_of, tolerance
from subspacelens_tui.models.call import PipelineCall, Unguided
from subspacelens_tui.models.discovery_refusals import (
    not_finite,
    nothing_to_hook,
    refuse_caches,
    refuse_dropout,
    refuse_one_graph,
    refuse_two_at_once,
)
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.layout import BlockLayout, Layout, Pass, Passes, Place
from subspacelens_tui.models.locate_tokens import LocatedBlock, locate, place_of, received_by
from subspacelens_tui.models.problems import first_line
from subspacelens_tui.models.trial import Trial, modules_of, run_trial

# Rows that are to be told apart must differ by so many times what they are allowed to.
_APART = 3.0
# Below this nothing differs: float32 rounds sums over texts of two lengths by so much.
_NO_DIFFERENCE = 1e-6


class NotFiniteError(ModelError):
    """The image tokens are not finite, so that nothing can be told by them; `where` says from where on."""

    def __init__(self, where: str) -> None:
        super().__init__(f"not finite: {where} at step 0, in a trial run")
        self.where = where


@dataclass(frozen=True)
class SelfTest:
    """How well a layout was confirmed, as relative differences of token means over all blocks.

    Attributes:
        tolerance: up to which rows are the same.
        cond: of the conditional branch and the run without guidance, the largest over guidance scales; None
            where every scale has one branch.
        batch: of rows of a batch of two images with one prompt, and each image by itself.
        mixed: the same for two prompts; None where images cannot be generated together.
        received_by: the module that was seen to receive what the last block gives.
        trials: how many trial runs there were.
        seconds: how long they took.
    """

    tolerance: float
    cond: float | None
    batch: float | None
    mixed: float | None
    received_by: str
    trials: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """For the event log."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Found:
    """What `discover` gives.

    Attributes:
        layout: of the pipeline.
        timesteps: what its scheduler sets for the steps asked for, as it has them.
        self_test: how well that was confirmed.
    """

    layout: Layout
    timesteps: Any
    self_test: SelfTest


def discover(
    call: PipelineCall, prompts: tuple[str, str], steps: int, guidance: Sequence[float] = (4.5,)
) -> Found:
    """Find the layout of a pipeline and confirm it, in some ten runs that stop at the first scheduler step.

    Args:
        call: the pipeline and the arguments of its call.
        prompts: two that the model can tell apart, the second of more tokens if possible.
        steps: denoising steps to ask for.
        guidance: scales to find the passes of.

    Raises:
        ModelError: if it cannot be recorded; one line that says what was seen.
    """
    return _Discovery(call, prompts, steps).found(guidance)


class _Discovery:
    """Trial runs of one pipeline, and what follows from them."""

    def __init__(self, call: PipelineCall, prompts: tuple[str, str], steps: int) -> None:
        self._call, self._steps = call, steps
        self._A, self._B = prompts
        self._name = type(call.pipeline).__name__
        self._trials: dict[Any, Trial] = {}
        self._masks: dict[str, list[torch.Tensor]] = {}
        self._cond: list[float] = []
        self._batch: list[float] = []
        self._mixed: list[float] = []
        self._one_image: str | None = None

    def found(self, guidance: Sequence[float]) -> Found:
        """The layout for some guidance scales."""
        began = time.monotonic()
        refuse_caches(self._call.pipeline)
        trial = self._run([self._A], [0], guidance[0])
        refuse_two_at_once(self._call.pipeline, trial)
        refuse_one_graph(self._call.pipeline, trial.denoiser)
        refuse_dropout(self._call.pipeline, trial.denoiser)
        blocks = self._located(trial, self._run([self._A], [1], guidance[0]))[-1]
        self._tolerance = tolerance(blocks[-1].tokens.dtype)
        received = self._next_module(guidance[0], blocks[-1].run.name)
        passes = self._passes_of(guidance)
        if (place := place_of(self._masks[blocks[0].run.name])[0]) is Place.RAGGED:
            raise ModelError(
                f"{self._name} cannot be recorded: the image tokens of its first block, "
                f"{blocks[0].run.name}, are in "
                f"another place in each row ({place}), with no block before it to find them by"
            )
        layout = Layout(
            denoisers=_denoisers(self._call.pipeline, trial.denoiser, blocks),
            blocks=_with_levels([self._block(block) for block in blocks]),
            passes=passes,
            one_image=self._one_image,
        )
        test = SelfTest(
            tolerance=self._tolerance,
            cond=max(self._cond, default=None),
            batch=max(self._batch, default=None),
            mixed=max(self._mixed, default=None),
            received_by=received,
            trials=len(self._trials),
            seconds=time.monotonic() - began,
        )
        return Found(layout, trial.timesteps, test)

    def _run(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        guidance: float,
        unguided: Unguided | None = None,
        follow: str | None = None,
    ) -> Trial:
        """A trial run; of those that are asked for again, the first."""
        key = (*prompts, *seeds, guidance, None if unguided is None else tuple(unguided.items()))
        if key not in self._trials or follow is not None:
            generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
            self._trials[key] = run_trial(
                self._call.pipeline,
                lambda: self._call(prompts, generators, self._steps, guidance, unguided),
                follow,
            )
        return self._trials[key]

    def _located(self, trial: Trial, other: Trial) -> list[list[LocatedBlock]]:
        """The blocks with image tokens of each forward; `other` is the same with other noise.

        Raises:
            ModelError: if there are none, or forwards differ in them.
        """
        found = [locate(*pair) for pair in zip(trial.forwards, other.forwards, strict=False)]
        for forward, blocks in zip(trial.forwards, found, strict=False):
            if (where := not_finite(forward)) is not None and len({run.list for run in forward.blocks}) > 1:
                raise NotFiniteError(where)  # later lists cannot be followed
            if not blocks:
                if where is not None:
                    raise NotFiniteError(where)
                raise ModelError(nothing_to_hook(self._call.pipeline, forward))
        names = {tuple(block.run.name for block in blocks) for blocks in found}
        if len(names) != 1 or len(trial.forwards) != len(other.forwards):
            raise ModelError(
                f"{self._name} cannot be recorded: its {len(trial.forwards)} forwards of one step do not "
                "run the "
                f"same blocks ({', '.join(str(len(blocks)) for blocks in found)})"
            )
        for block in itertools.chain(*found):
            self._masks.setdefault(block.run.name, []).extend(block.mask)
        return found

    def _means(self, trial: Trial, other: Trial) -> list[torch.Tensor]:
        """Of each forward (rows, blocks, channels) the means over the image tokens."""
        return [
            torch.stack([torch.stack([row.mean(0) for row in block.image()]) for block in blocks], 1)
            for blocks in self._located(trial, other)
        ]

    def _next_module(self, guidance: float, last: str) -> str:
        """The module that receives what the last block gives."""
        trial = self._run([self._B], [0], guidance, follow=last)
        block = self._located(trial, self._run([self._B], [1], guidance))[-1][-1]
        name = received_by(trial.forwards[-1], block, trial.others)
        if name is None:
            after = ", ".join(dict.fromkeys(name for name, _ in trial.forwards[-1].after)) or "none ran"
            raise ModelError(
                f"{self._name} cannot be recorded: no module after {last} receives what it gives "
                f"({after}), so "
                "it is not what the model goes on with"
            )
        return name

    def _block(self, block: LocatedBlock) -> BlockLayout:
        place, start = place_of(self._masks[block.run.name])
        return BlockLayout(
            name=block.run.name,
            width=block.tokens.shape[-1],
            tokens=int(block.mask[-1].sum()),
            place=place,
            start=start,
            input=block.input,
            output=block.output,
            parts=block.tokens.parts,
            tokens_first=block.tokens.tokens_first,
        )

    def _passes_of(self, guidance: Sequence[float]) -> dict[float, Passes]:
        """The passes at each scale; scales with as many rows in as many forwards have the same."""
        of_kind: dict[tuple[int, ...], Passes] = {}
        passes = {}
        for scale in guidance:
            kind = self._run([self._A], [0], scale).rows
            if kind not in of_kind:
                of_kind[kind] = self._passes(scale)
            passes[scale] = of_kind[kind]
        return passes

    def _passes(self, guidance: float) -> Passes:
        """What the rows of each forward are at one guidance scale."""
        trials = {
            (prompt, seed): self._run([text], [seed], guidance)
            for prompt, text in enumerate((self._A, self._B))
            for seed in (0, 1)
        }
        seen = {
            (prompt, seed): self._means(trial, trials[prompt, 1 - seed])
            for (prompt, seed), trial in trials.items()
        }
        count = sum(map(len, seen[0, 0]))
        free = None if count == 1 else self._without_guidance(guidance)
        rows = self._name_rows(seen[0, 0], seen[1, 0], free, guidance)
        return Passes(rows, interleaved=self._check_batches(seen, guidance))

    def _without_guidance(self, guidance: float) -> torch.Tensor:
        """The token means (blocks, channels) of a run with the conditional branch only."""
        counts = []
        for unguided in self._call.ways_without_guidance():
            trial = self._run([self._A], [0], guidance, unguided)
            counts.append(str(sum(trial.rows)))
            if trial.rows == (1,):
                (forward,) = self._means(trial, self._run([self._A], [1], guidance, unguided))
                return forward[0]
        raise ModelError(
            f"the branches of {self._name} cannot be told: no guidance scale leaves one row of one forward "
            f"(rows seen: {', '.join(counts) or 'its call takes no guidance scale'})"
        )

    def _name_rows(
        self,
        one: Sequence[torch.Tensor],
        other: Sequence[torch.Tensor],
        free: torch.Tensor | None,
        guidance: float,
    ) -> tuple[tuple[Pass, ...], ...]:
        """The rows of each forward; `other` are those for another prompt, `free` is without guidance."""
        follows = [[*map(difference, a, b)] for a, b in zip(one, other, strict=True)]
        astray = [[0.0 if free is None else difference(row, free) for row in rows] for rows in one]
        most, furthest = max(map(max, follows)), max(map(max, astray))
        if not all(row.isfinite().any() for rows in one for row in rows):
            raise NotFiniteError(not_finite(self._run([self._A], [0], guidance).forwards[0]) or "all blocks")
        if most <= _NO_DIFFERENCE:
            raise ModelError(
                f"the image tokens of {self._name} do not follow the prompt in its first step: with these "
                "weights "
                f"no text reaches them, or the model reads {self._A!r} and {self._B!r} as the same"
            )

        def kind(follow: float, error: float) -> Pass:
            if self._same(follow, most):
                return "uncond"
            return "cond" if free is None or self._same(error, furthest) else "other"

        named = tuple(tuple(map(kind, *of_forward)) for of_forward in zip(follows, astray, strict=True))
        rows = [
            (name, follow, error)
            for names, *numbers in zip(named, follows, astray, strict=True)
            for name, follow, error in zip(names, *numbers, strict=True)
        ]
        kinds = [name for name, *_ in rows]
        if kinds.count("cond") != 1 or kinds.count("uncond") > 1:
            if kinds.count("cond") == 1:
                raise ModelError(
                    f"the unconditional branch of {self._name} at guidance {guidance:g} cannot be told: "
                    f"{kinds.count('uncond')} of its {len(rows)} rows do not follow the prompt"
                )
            words = ", ".join(f"{follow:.1e} and {error:.1e}" for _, follow, error in rows)
            raise ModelError(
                f"the branches of {self._name} at guidance {guidance:g} cannot be told: its {len(rows)} "
                "rows differ "
                f"from another prompt's and from the run without guidance by {words}"
            )
        self._cond += [error for name, _, error in rows if name == "cond" and free is not None]
        return named

    def _same(self, error: float, largest: float) -> bool:
        return error == 0 or (error <= self._tolerance and error * _APART <= largest)

    def _check_batches(self, seen: dict[tuple[int, int], list[torch.Tensor]], guidance: float) -> bool:
        """See that every row of two images generated together is a row of one of them by itself.

        Returns:
            Whether a batch has the rows of an image side by side; else those of a branch.
        """
        orders = set()
        for prompts, errors in (((0, 0), self._batch), ((0, 1), self._mixed)):
            texts = [(self._A, self._B)[prompt] for prompt in prompts]
            try:
                trials = [self._run(texts, seeds, guidance) for seeds in ([0, 1], [2, 3])]
                found = self._means(*trials)
            except (ModelError, torch.OutOfMemoryError) as error:  # one image had memory enough
                self._one_image = self._one_image or first_line(error)
                return False
            known = [seen[prompt, seed] for seed, prompt in enumerate(prompts)]
            order, worst = order_of(found, known)
            errors.append(worst)
            if order is None or worst > self._tolerance:
                which = "with prompts of other lengths " if prompts == (0, 1) else ""
                self._one_image = f"rows of a batch {which}differ from those of single images by {worst:.1e}"
                return False
            orders.add(order)
        return orders == {"interleaved"}


def _denoisers(pipeline: Any, first: str, blocks: Sequence[LocatedBlock]) -> tuple[str, ...]:
    """The denoiser that was seen and others of its class, to which some pipelines switch on the way."""
    model = getattr(pipeline, first)
    others = [
        name for name, other in modules_of(pipeline) if type(other) is type(model) and other is not model
    ]
    for name in others:
        there = dict(getattr(pipeline, name).named_modules())
        if lacking := [block.run.name for block in blocks if block.run.name not in there]:
            raise ModelError(
                f"the {name} has no {lacking[0]}, which the {first} has: they cannot be one recording"
            )
        refuse_one_graph(pipeline, name)
        refuse_dropout(pipeline, name)
    return first, *others


def _with_levels(blocks: Sequence[BlockLayout]) -> tuple[BlockLayout, ...]:
    """The blocks with their levels, where they differ in how many image tokens they have."""
    sizes = sorted({block.tokens for block in blocks}, reverse=True)
    if len(sizes) == 1:
        return tuple(blocks)
    return tuple(replace(block, level=sizes.index(block.tokens)) for block in blocks)
