"""One loaded pipeline with its hooks, turning batches of planned images into files of the session."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch

from subspacelens_tui.models.call import pictures_of
from subspacelens_tui.models.discover import Found, NotFiniteError, discover
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.loading import choose_device, choose_dtype, load_pipeline
from subspacelens_tui.models.placement import place
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.models.trial import modules_of
from subspacelens_tui.recording.capture import Capture, Captured
from subspacelens_tui.recording.captured_session import with_layout, write_captured
from subspacelens_tui.recording.compiling import compile_blocks
from subspacelens_tui.recording.conditioning import Conditioning, encode_prompts
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.finite_checks import OutputWatch, advice, broken_weight, not_finite
from subspacelens_tui.recording.loaded_pipeline import Loaded
from subspacelens_tui.recording.made_otherwise import made_otherwise
from subspacelens_tui.recording.memory import give_back, out_of_memory
from subspacelens_tui.recording.planned_call import call_of
from subspacelens_tui.recording.prompt_checks import read_prompts, refuse_equal_embeddings
from subspacelens_tui.recording.steering import Steering, read_intervention
from subspacelens_tui.recording.threads import leave_a_core_free
from subspacelens_tui.recording.timesteps import checked_timesteps, timesteps_of, with_timesteps
from subspacelens_tui.recording.token_sums import TokenSums
from subspacelens_tui.recording.work_partition import batches_of
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.prompt_problems import named_prompt, unread_lines
from subspacelens_tui.sessions.writer import complete_manifest, write_image

# What older sessions were recorded with that do not say it; newer ones have it in their plan.
_BATCH_SIZE = {"cuda": 8}
_BATCH_SIZE_ELSEWHERE = 5


@dataclass(frozen=True)
class Recorded:
    """What was recorded of a batch.

    Attributes:
        images: indices of the images.
        not_finite: those of which some features are not finite.
        without_picture: those whose picture is not finite, and was not kept.
        notes: what the user should know of it, a line each.
    """

    images: list[int]
    not_finite: list[int] = field(default_factory=list)
    without_picture: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Generation:
    """Context manager around a hooked pipeline.

    Attributes:
        batch_size: images of a batch, as planned.
        at_once: how many of them are generated together: half as many whenever memory does not suffice, and
            one where images cannot be generated together.
        self_test: how well the layout of the pipeline was confirmed.
        notes: what the user should know of the prompts, a line each.

    Args:
        folder: the session.
        manifest: what to record.
        on_step: called with the number of the step that comes next, after every denoising step.
        device: where it runs; default: as the manifest says.
        allow_pickle: as of `ModelSource`.
        allow_nonfinite: go on where features or pictures are not finite.
        loaded: of another session: if it serves this one, nothing is loaded again.

    Raises:
        ModelError: if the model cannot be loaded.
        RecordingError: if it cannot be recorded as it is, it cannot tell two prompts from each other, or the
            device has no memory for it.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        on_step: Callable[[int], None],
        device: str | None = None,
        allow_pickle: bool = False,
        allow_nonfinite: bool = False,
        loaded: Loaded | None = None,
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        asked = manifest.model
        unplanned = _BATCH_SIZE.get(choose_device(device or asked.device).type, _BATCH_SIZE_ELSEWHERE)
        self.batch_size = self.at_once = manifest.batch_size or unplanned
        self._allow_nonfinite = allow_nonfinite
        self._on_step = on_step
        if loaded is not None and not loaded.serves(manifest):
            loaded = None
        self.loaded = loaded or self._load(device, allow_pickle)
        self._take(self.loaded)
        text, found = self.loaded.text, self.loaded.found
        self._layout, self.self_test = found.layout.keeping(manifest.layers), found.self_test
        # Where whole batches of text were encoded, others can be generated image by image only.
        self._encoded_batches = (
            None if text.together else {tuple(batch) for batch in self._prompts_of_batches()}
        )
        if self._layout.one_image is not None:
            self.at_once = 1
            self.notes.append(f"images are generated one at a time: {self._layout.one_image}")
        scheduler = type(self._pipeline.scheduler).__name__
        self._timesteps = checked_timesteps(found.timesteps, scheduler, manifest.inference_steps)
        self._manifest = manifest = with_timesteps(manifest, self._timesteps, scheduler)
        summed = manifest.summed_layers(len(self._layout.recorded))
        self._sums = None if summed is None else TokenSums(folder, manifest, summed, self._layout.passes)
        self._capture = Capture(
            self._pipeline,
            self._layout,
            manifest.capture_steps,
            self._stepped,
            manifest.tokens,
            self._timesteps,
            None if self._sums is None else self._sums.take,
        )
        self._watch = OutputWatch(self._pipeline)
        self._steering = self._steered()
        if asked.compiled and loaded is None:
            for name in self._layout.denoisers:
                compile_blocks(self._layout.modules(getattr(self._pipeline, name)))

    def _load(self, device: str | None, allow_pickle: bool) -> Loaded:
        asked = self._manifest.model
        self._device = choose_device(device or asked.device)
        leave_a_core_free()
        self._dtype = choose_dtype(asked.dtype, self._device)
        source = ModelSource.of(asked, allow_pickle)
        loaded = load_pipeline(source, self._dtype, random_init=asked.random_init)
        self._call = call_of(loaded, self._manifest)
        self._pipeline = self._call.pipeline
        text = self._encoded([prompt.text for prompt in self._manifest.prompts])
        self._move_to_device()
        found = self._discovered(text.trial)
        known = (
            self._manifest,
            self._call,
            source,
            self._device,
            self._dtype,
            text,
            found,
            self._unread,
            tuple(self.notes),
        )
        return Loaded(*known)

    def _take(self, loaded: Loaded) -> None:
        self._call, self._pipeline, self._source = loaded.call, loaded.call.pipeline, loaded.source
        self._device, self._dtype = loaded.device, loaded.dtype
        self._unread, self.notes = loaded.unread, [*loaded.notes]

    def _steered(self) -> Steering | None:
        """What steers the pipeline, for a session that is to be."""
        if self._manifest.steering is None:
            return None
        steering = Steering(self._pipeline, self._layout, read_intervention(self._folder, self._manifest))
        if steering.twins and not self.loaded.text.together:
            raise RecordingError(
                "tokens of another prompt cannot be had: text is encoded for whole batches only"
            )
        return steering

    def __enter__(self) -> Self:
        if self._steering is not None:
            self._steering.__enter__()
        self._capture.__enter__()
        self._watch.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.__exit__(kind, error, trace)
        self._capture.__exit__(kind, error, trace)
        if self._steering is not None:
            self._steering.__exit__(kind, error, trace)
        if self._sums is not None:
            self._sums.write()
        self._pipeline.maybe_free_model_hooks()

    def describe(self, versions: Mapping[str, str]) -> None:
        """Write into `session.json` what is known now that the model is loaded."""
        asked = self._manifest.model
        model = asked.model_copy(
            update={
                "commit": self._source.commit,
                "pipeline": type(self._pipeline).__name__,
                "dtype": str(self._dtype).removeprefix("torch."),
                # Not the number of a rank's own GPU: the machine that resumes may have others.
                "device": asked.device or self._device.type,
                "device_name": self._device_name(),
            }
        )
        self._manifest = with_layout(self._manifest, self._call, self._layout, model, versions, self._unread)
        there = complete_manifest(self._folder, self._manifest)
        with_timesteps(there, self._timesteps, type(self._pipeline.scheduler).__name__)

    def record(self, batch: Sequence[int]) -> Recorded:
        """Generate the images with these indices and write their pictures, then their features.

        A batch is cut where memory does not suffice for all of it.

        Returns:
            What was recorded: the first images of the batch.

        Raises:
            RecordingError: if there is no memory for one image, or what comes out is not finite and that is
                not allowed.
        """
        while True:
            part = self._part_of(batch)
            try:
                return self._record(part)
            except Exception as error:
                if not out_of_memory(error):
                    raise
            if len(part) == 1:
                raise RecordingError(self._no_memory_for("one image at a time"))
            while self.at_once >= len(part):
                # From the planned size, so that all ranks cut batches in the same places.
                self.at_once //= 2
            give_back(self._device)

    def _part_of(self, batch: Sequence[int]) -> list[int]:
        """As many images of a batch as can be generated together."""
        part = list(batch[: self.at_once])
        prompts = tuple(self._manifest.images[i].prompt for i in part)
        known = self._encoded_batches is None or prompts in self._encoded_batches
        return part if known else part[:1]

    def _prompts_of_batches(self) -> list[list[int]]:
        images = self._manifest.images
        return [[images[i].prompt for i in batch] for batch in batches_of(images, self.batch_size)]

    def _record(self, batch: list[int]) -> Recorded:
        images = [self._manifest.images[i] for i in batch]
        guidance, seeds = images[0].guidance, [image.seed for image in images]
        drawn = self._with_partners([image.prompt for image in images], seeds)
        # CPU generators give the same noise whatever device the model runs on.
        generators = [torch.Generator("cpu").manual_seed(seed) for _, seed in drawn]
        token_seeds = [(seed, prompt) for prompt, seed in drawn]
        self._capture.start_batch(len(drawn), guidance, self._device, token_seeds)
        if self._steering is not None:
            self._steering.start_batch(seeds, guidance)
        if self._sums is not None:
            self._sums.start_batch(batch, guidance)
        self._watch.start()
        with np.errstate(invalid="ignore"):  # of pictures that are not finite, which we see ourselves
            texts = [self._manifest.prompts[prompt].text for prompt, _ in drawn]
            output = self._call(texts, generators, self._manifest.inference_steps, guidance)
            pictures = pictures_of(output)
        captured = self._capture.finish_batch().first(len(batch))
        recorded = self._checked(batch, captured)
        recorded.notes.extend(made_otherwise(type(self._pipeline).__name__, output, self._manifest))
        for index, picture in zip(batch, pictures[: len(batch)], strict=True):
            # One that is not finite would be black, as if the model had drawn that.
            if picture is not None and index not in recorded.without_picture:
                write_image(self._folder, index, picture)
        # Last, because an image counts as recorded once its features are there.
        self._write(batch, captured, len(drawn))
        if self._sums is not None:
            self._sums.keep()
        return recorded

    def _with_partners(self, prompts: Sequence[int], seeds: Sequence[int]) -> list[tuple[int, int]]:
        """Prompt and seed of each image; then of its partner, where another prompt's tokens are needed."""
        own = list(zip(prompts, seeds, strict=True))
        if self._steering is None or not self._steering.twins:
            return own
        assert self._manifest.steering is not None
        partners = self._manifest.steering.partners
        return [*own, *((partners[prompt], seed) for prompt, seed in own)]

    def _write(self, batch: list[int], captured: Captured, rows: int) -> None:
        latents = self._watch.latents if self._manifest.latents else None
        if latents is not None and len(latents) == rows:
            latents = latents[: len(batch)]
        steered = None if self._steering is None else self._steering.finish_batch()
        write_captured(self._folder, batch, captured, self._layout, latents, steered)

    def _checked(self, batch: list[int], captured: Captured) -> Recorded:
        """What is recorded of a batch, with what of it is not finite.

        Raises:
            RecordingError: if something is not, and that is not allowed.
        """
        names = [block.name for block in self._layout.recorded]
        found = not_finite(captured, self._watch, self._manifest.capture_steps, names)
        if found is None:
            return Recorded(batch)
        if not self._allow_nonfinite:
            denoiser = self._layout.denoisers[0]
            component = self._pipeline.vae if found.of_vae else getattr(self._pipeline, denoiser)
            name = "VAE" if found.of_vae else denoiser
            why = advice(name, broken_weight(component), self._dtype)
            raise RecordingError(self._refusal(found.words, why))
        return Recorded(
            batch,
            not_finite=[image for image, bad in zip(batch, found.features, strict=True) if bad],
            without_picture=[image for image, bad in zip(batch, found.pictures, strict=True) if bad],
            notes=[f"not finite: {found.where}"],
        )

    def _encoded(self, texts: Sequence[str]) -> Conditioning:
        """The prompts as the model is given them."""
        batches = self._prompts_of_batches()
        found = encode_prompts(self._call, texts, self._manifest.guidance, batches, self._device)
        self._unread = read_prompts(found.readers, self._manifest)
        self.notes = list(unread_lines(self._manifest.model_copy(update={"unread_text": self._unread})))
        if bad := found.not_finite:
            named = [named_prompt(self._manifest, i) if i < len(texts) else "the empty prompt" for i in bad]
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            what = f"not finite: the embedding of {named[0]}{more}"
            if not self._allow_nonfinite:
                why = advice("text encoder", found.broken_weight, self._dtype)
                raise RecordingError(self._refusal(what, why))
            self.notes.append(what)
        else:
            refuse_equal_embeddings(self._manifest, found.digests)
        return found

    def _discovered(self, trial: tuple[str, str]) -> Found:
        """The layout of the pipeline, confirmed by trial runs."""
        asked = self._manifest.inference_steps
        try:
            return discover(self._call, trial, asked, self._manifest.guidance)
        except NotFiniteError as error:
            for name, component in modules_of(self._pipeline):
                if (broken := broken_weight(component)) is not None:
                    raise RecordingError(
                        self._refusal(str(error), advice(name, broken, self._dtype))
                    ) from None
            raise RecordingError(self._refusal(str(error), advice("model", None, self._dtype))) from None
        except ModelError:
            # Where it was the number of steps, its scheduler says so better.
            timesteps_of(self._pipeline.scheduler, asked, self._device)
            raise
        except Exception as error:
            if not out_of_memory(error):
                raise
            raise RecordingError(self._no_memory_for("one image at a time")) from error

    def _refusal(self, what: str, why: str) -> str:
        return (
            f"{what}; {why}. To go on without such images: "
            f"`record --resume {self._folder.name} --allow-nonfinite`"
        )

    def _stepped(self, step: int) -> None:
        self._watch.step = step
        self._on_step(step)

    def device_report(self) -> dict[str, Any] | None:
        """Name, memory and use of the accelerator, for the heartbeat; None without one."""
        if self._device.type != "cuda":
            return None
        free, total = torch.cuda.mem_get_info(self._device)
        report: dict[str, Any] = {"name": self._device_name(), "used": total - free, "total": total}
        with contextlib.suppress(Exception):  # utilisation needs NVML bindings, which are optional
            report["utilisation"] = torch.cuda.utilization(self._device)
        return report

    def _device_name(self) -> str:
        return torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else str(self._device)

    def _move_to_device(self) -> None:
        try:
            place(self._pipeline, self._device, self._manifest.model.offload)
        except Exception as error:
            if not out_of_memory(error):
                raise
            raise RecordingError(self._no_memory_for("the model")) from error

    def _no_memory_for(self, what: str) -> str:
        whose = "nvidia-smi" if self._device.type == "cuda" else "top"
        return (
            f"{self._device} has no memory for {what}: free some (`{whose}` says who has it), then "
            f"`subspacelens-tui record --resume {self._folder.name}`"
        )
