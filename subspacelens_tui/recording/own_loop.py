"""Recording a pipeline that the user has configured, in the user's own loop.

    with subspacelens_tui.capture(pipe, prompts, seeds=20, guidance=4.5, name="mine") as recording:
        for batch in recording.batches():
            batch.keep(pipe(prompt=batch.prompts, generator=batch.generators,
                            num_inference_steps=batch.steps, guidance_scale=batch.guidance))

The session is like any other: `subspacelens-tui replay mine` in another terminal shows it while it grows, and
may pause or stop it. Unlike the recorder this takes no signals and ends no process.
"""

import contextlib
import time
import warnings
import weakref
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from subspacelens_tui.models.call import PipelineCall, pictures_of
from subspacelens_tui.models.discover import discover
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.planning.steering_sessions import described
from subspacelens_tui.recording.call_check import AskedCall, AskedImages, checked_calls
from subspacelens_tui.recording.capture import Capture
from subspacelens_tui.recording.captured_session import write_captured
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.finite_checks import OutputWatch, not_finite
from subspacelens_tui.recording.own_loop_plan import (
    Prompts,
    completed,
    look_alike_labels,
    plan_of_loop,
    prompts_given,
    trial_prompts,
    unread_of,
)
from subspacelens_tui.recording.pipelines_in_use import claimed
from subspacelens_tui.recording.steering import Steering
from subspacelens_tui.recording.timesteps import checked_timesteps, with_timesteps
from subspacelens_tui.recording.work_partition import batches_of
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.catalog import sessions_folder
from subspacelens_tui.sessions.control import Requests
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.heartbeats import beating, say_started
from subspacelens_tui.sessions.prompt_problems import unread_lines
from subspacelens_tui.sessions.steering_file import write_steering
from subspacelens_tui.sessions.writer import create_new_session, refuse_taken, write_image
from subspacelens_tui.steering import Intervention
from subspacelens_tui.steering.intervention_arrays import to_arrays

_POLL_SECONDS = 0.2
_BATCH_SIZE = 4
_GUIDANCE = 4.5


@dataclass(frozen=True)
class Batch:
    """Images to generate together.

    Attributes:
        images: their indices in the session.
        prompts: a text for each image.
        seeds: of the noise of each image.
        guidance: the classifier-free guidance scale of all of them.
        steps: denoising steps to ask for.
    """

    images: list[int]
    prompts: list[str]
    seeds: list[int]
    guidance: float
    steps: int
    _of: "OwnLoop"

    @property
    def generators(self) -> list[torch.Generator]:
        """New generators on the CPU, one for each image: the noise depends on nothing else."""
        return [torch.Generator("cpu").manual_seed(seed) for seed in self.seeds]

    def keep(self, output: Any) -> None:
        """Write the pictures and the features of what the pipeline has just generated.

        Args:
            output: what the pipeline returned, or a list of pictures.

        Raises:
            RecordingError: if the pipeline did not run once for exactly these images, or something is not
                finite.
        """
        self._of._keep(self, output)


class OwnLoop:
    """A recording in the user's own loop; made by `capture`.

    Attributes:
        path: the session's folder.
        layout: how the pipeline is recorded.
        manifest: the content of `session.json`.
    """

    def __init__(
        self,
        call: PipelineCall,
        layout: Layout,
        path: Path,
        manifest: Manifest,
        steering: Steering | None = None,
    ) -> None:
        self._call, self.layout, self._steering = call, layout, steering
        self.path, self.manifest = path, manifest
        self._requests = Requests(path, heed_present=True)
        self._events = EventWriter(path)
        self._open: Batch | None = None
        self._step: int | None = None
        self._stopped = False
        self._began = 0.0
        self._kept: set[int] = set()
        self._over = False
        self._iterating: weakref.ref[Generator[Batch]] | None = None

    def batches(self) -> Iterator[Batch]:
        """The batches to generate, one after the other; it ends early if a viewer asks to stop.

        Raises:
            RecordingError: if a batch was not kept, or the `with` block is over.
        """
        if self._over:
            raise RecordingError("this recording is over: go through batches() inside the `with` block")
        self._leave_batch()
        iterating = self._batches()
        self._iterating = weakref.ref(iterating)
        return iterating

    def _leave_batch(self) -> None:
        """Take the hooks of a batch off that somebody still holds."""
        if self._iterating is not None and (iterating := self._iterating()) is not None:
            iterating.close()

    def _batches(self) -> Generator[Batch]:
        size = 1 if self.layout.one_image is not None else self.manifest.batch_size or _BATCH_SIZE
        for indices in batches_of(self.manifest.images, size):
            if self._asked_to_stop():
                return
            images = [self.manifest.images[index] for index in indices]
            batch = Batch(
                images=indices,
                prompts=[self.manifest.prompts[image.prompt].text for image in images],
                seeds=[image.seed for image in images],
                guidance=images[0].guidance,
                steps=self.manifest.inference_steps,
                _of=self,
            )
            with self._hooked(batch):
                yield batch
                if self._open is not None:
                    raise RecordingError("a batch was not kept: call batch.keep(pipe(…)) in the loop")

    @contextlib.contextmanager
    def _hooked(self, batch: Batch) -> Iterator[None]:
        pipeline, of = self._call.pipeline, self.manifest
        if (scheduler := type(pipeline.scheduler).__name__) != of.scheduler:
            raise RecordingError(
                f"the pipeline's scheduler is a {scheduler}, and was a {of.scheduler} when the recording "
                "began: change it before"
            )
        self._capture = Capture(
            pipeline, self.layout, of.capture_steps, self._stepped, of.tokens, of.timesteps
        )
        steered = self._steering or contextlib.nullcontext()
        asked = AskedCall("the batch", batch.guidance, images=AskedImages(batch.prompts, batch.seeds))
        watch = OutputWatch(pipeline)
        with steered, self._capture, watch as self._watch, checked_calls(self._call, asked):
            # Where the model runs; with offloading its weights may be somewhere else just now.
            device = torch.device(getattr(pipeline, "_execution_device", pipeline.device))
            seeds = [(seed, of.images[i].prompt) for i, seed in zip(batch.images, batch.seeds, strict=True)]
            self._capture.start_batch(len(batch.images), batch.guidance, device, seeds)
            if self._steering is not None:
                self._steering.start_batch(batch.seeds, batch.guidance)
            self._open, self._step, self._began = batch, 0, time.monotonic()
            try:
                yield
            finally:
                self._open = self._step = None

    def _keep(self, batch: Batch, output: Any) -> None:
        if output is None:
            raise RecordingError("there is nothing to keep: give batch.keep what the pipeline returned")
        if self._open is not batch:
            raise RecordingError("this batch is over: keep a batch once, before the next one begins")
        pictures = pictures_of([output] if isinstance(output, list) else output)
        if len(pictures) != len(batch.images):
            raise RecordingError(
                f"the pipeline gave {len(pictures)} pictures for {len(batch.images)} prompts: "
                "one each is kept"
            )
        if isinstance(output, list) and None in pictures:
            raise RecordingError(
                f"{type(output[pictures.index(None)]).__name__} is no picture: keep what the pipeline returned, "
                "or a list of PIL images, arrays or tensors"
            )
        captured = self._capture.finish_batch()
        names = [block.name for block in self.layout.recorded]
        if (found := not_finite(captured, self._watch, self.manifest.capture_steps, names)) is not None:
            raise RecordingError(f"{found.words}: try bfloat16 or float32")
        for index, picture in zip(batch.images, pictures, strict=True):
            if picture is not None:
                write_image(self.path, index, picture)
        latents = self._watch.latents if self.manifest.latents else None
        steered = None if self._steering is None else self._steering.finish_batch()
        write_captured(self.path, batch.images, captured, self.layout, latents, steered)
        self._events.write("batch", images=batch.images, seconds=round(time.monotonic() - self._began, 3))
        self._kept.update(batch.images)
        self._open = None

    def _stepped(self, step: int) -> None:
        self._watch.step = self._step = step
        self._wait_while_paused()

    def _asked_to_stop(self) -> bool:
        self._wait_while_paused()
        self._stopped = self._stopped or self._requests.now() == "stop"
        return self._stopped

    def _wait_while_paused(self) -> None:
        if self._requests.now() != "pause":
            return
        self._events.write("paused")
        while self._requests.now() == "pause":
            time.sleep(_POLL_SECONDS)
        self._events.write("resumed")

    @contextlib.contextmanager
    def _reported(self, self_test: Mapping[str, Any]) -> Iterator[None]:
        """Tell viewers how it stands, from the start to the end."""
        say_started(self._events, world=1)
        self._events.write("self_test", **self_test)
        self._events.write("recording", steps=self.manifest.steps, scheduler=self.manifest.scheduler)
        for line in unread_lines(self.manifest):
            self._events.write("note", reason=line)
        if self.layout.one_image is not None:
            reason = f"images are generated one at a time: {self.layout.one_image}"
            self._events.write("note", reason=reason)
        try:
            with beating(self._beat):
                yield
            self._say_how_it_ended()
        except BaseException as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            with contextlib.suppress(OSError):
                self._events.write("failed", reason=reason)
            raise
        finally:
            self._events.close()

    @contextlib.contextmanager
    def _until_over(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._over = True
            self._leave_batch()

    def _say_how_it_ended(self) -> None:
        left = len(self.manifest.images) - len(self._kept)
        if self._stopped:
            self._events.write("stopped", reason="asked to stop")
        elif left:
            self._events.write("stopped", reason=f"the loop ended with {left} images missing")
        else:
            self._events.write("finished")

    def _beat(self) -> None:
        images = None if self._open is None else self._open.images
        self._events.write("heartbeat", step=self._step, images=images, device=None)


@contextlib.contextmanager
def capture(
    pipeline: Any,
    prompts: Prompts,
    *,
    seeds: int | Sequence[int] = 20,
    steps: int = 20,
    guidance: float | Sequence[float] = _GUIDANCE,
    captured: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    batch_size: int = _BATCH_SIZE,
    tokens: int | None = None,
    call: Mapping[str, Any] | None = None,
    steer: Intervention | None = None,
    name: str | None = None,
    sessions: str | Path | None = None,
) -> Iterator[OwnLoop]:
    """Record what a pipeline does inside the `with` block.

    How the pipeline is to be recorded is found in some ten runs that stop at the first scheduler step. It is
    left as it is: adapters, schedulers, quantisation and offloading stay the user's.

    Args:
        pipeline: a diffusers pipeline, on its device.
        prompts: what to generate, see `Prompts`.
        seeds: how many for each prompt, from 0, or which.
        steps: denoising steps to ask for.
        guidance: one classifier-free guidance scale, or several, each generated for all prompts and
            seeds.
        captured: denoising steps at which features are kept; default: first, quarters and last.
        layers: which blocks to record, by number in run order from 0; default: all.
        batch_size: images of a batch.
        tokens: single tokens of each image and block to keep beside the token means; default: none.
        call: arguments that every call of the pipeline has besides, such as `height` or `negative_prompt`.
        steer: what is done to the images meanwhile, as of `fit_intervention`; the session says so.
        name: of the session; default: model and time.
        sessions: the folder of sessions; default: as of the command line.

    Raises:
        ModelError: if the pipeline cannot be recorded, in one line that says what was seen.
        RecordingError: if what is asked for cannot be, or the model cannot tell two prompts from each other.
        SessionError: if the session cannot be written.

    Warns:
        UserWarning: for prompts that are cut or have unknown words, and labels that look alike, a line each.
    """
    if not hasattr(pipeline, "components"):
        raise RecordingError(f"a {type(pipeline).__name__} is no diffusers pipeline")
    with claimed(pipeline, "recorded"):
        asked = PipelineCall(pipeline, call)
        of_prompts = prompts_given(prompts)
        if name is not None:
            refuse_taken(sessions_folder(sessions), name)
        manifest = plan_of_loop(
            pipeline,
            of_prompts,
            seeds,
            steps,
            guidance,
            call,
            captured=captured,
            layers=layers,
            batch_size=batch_size,
            tokens=tokens,
        )
        trial = trial_prompts(of_prompts, asked.of_classes)
        unread = unread_of(asked, trial[0], manifest)
        found = discover(asked, trial, steps, manifest.guidance)
        scheduler = type(pipeline.scheduler).__name__
        timesteps = checked_timesteps(found.timesteps, scheduler, steps)
        layout = found.layout.keeping(manifest.layers)
        manifest = completed(with_timesteps(manifest, timesteps, scheduler), asked, layout, unread)
        for line in (*look_alike_labels(prompts), *unread_lines(manifest)):
            warnings.warn(line, stacklevel=3)  # of who called us, past contextlib
        recording = _begun(asked, layout, manifest, steer, name, sessions)
        with recording._reported(found.self_test.to_json()), recording._until_over():
            yield recording


def _begun(
    call: PipelineCall,
    layout: Layout,
    manifest: Manifest,
    steer: Intervention | None,
    name: str | None,
    sessions: str | Path | None,
) -> OwnLoop:
    """With a new session, of steered images if an intervention is given that does something."""
    if steer is None or steer.strength == 0:
        return OwnLoop(call, layout, create_new_session(sessions_folder(sessions), name, manifest), manifest)
    steering = Steering(call.pipeline, layout, steer)
    steering.refuse_twins()
    manifest = manifest.model_copy(update={"steering": described(steer), "latents": True})

    def fill(making: Path) -> None:
        write_steering(making, to_arrays(steer.changes))

    path = create_new_session(sessions_folder(sessions), name, manifest, fill)
    return OwnLoop(call, layout, path, manifest, steering)


def record(pipeline: Any, prompts: Prompts, **options: Any) -> Session:
    """Record a pipeline as `capture` does, with the loop done here, and open the session.

    Args:
        pipeline, prompts, options: as of `capture`; the pipeline is called with prompts, generators, steps,
            guidance and `call`.

    Raises:
        ModelError, RecordingError, SessionError: as `capture`.
    """
    with capture(pipeline, prompts, **options) as recording:
        for batch in recording.batches():
            batch.keep(recording._call(batch.prompts, batch.generators, batch.steps, batch.guidance))
    return Session(recording.path)
