"""The trainer: trains what a job lacks, one autoencoder after the other, and keeps checkpoints."""

import contextlib
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from subspacelens_tui.sessions import SessionError, open_session
from subspacelens_tui.sessions.atomic_files import discard_unfinished, whole_file
from subspacelens_tui.sessions.control import Requests, ask
from subspacelens_tui.sessions.detached_processes import sole_process, take_signals
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.files import append_plain
from subspacelens_tui.sessions.heartbeats import beating, say_started
from subspacelens_tui.sparse import SparseError
from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.layouts import write_autoencoder
from subspacelens_tui.sparse.planted_checks import planted_tokens
from subspacelens_tui.sparse.positions import less_position_means, position_cells
from subspacelens_tui.sparse.scaling import Scaling
from subspacelens_tui.sparse.training_job import (
    CHECKPOINT,
    TRAININGS,
    Target,
    is_trained,
    read_job,
    targets_of,
)
from subspacelens_tui.training.spawn import LOG
from subspacelens_tui.training.topk import Training

_CHECKPOINT_SECONDS = 20.0
_LOOK_SECONDS = 0.2


class TrainingError(Exception):
    """A training cannot start or go on; the message is one line for the user."""


class _StopRequested(Exception):
    """A viewer or a signal asked to stop."""


class Trainer:
    """Trains the autoencoders of one job in this process.

    Args:
        folder: of the job.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._session_path = folder, folder.parent.parent
        self._signal: int | None = None
        self._done = self._total = self._made = 0
        self._began = time.monotonic()
        self._looked = self._saved = 0.0

    def run(self) -> int:
        """Train until nothing is missing, or someone asks to stop.

        Returns:
            The exit status: 0 finished or stopped by a viewer, 130 interrupted by a signal.

        Raises:
            TrainingError: it fails (the reason is in the event log as well), or another trainer is at work.
        """
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(sole_process(self._folder, "trainer.lock"))
            except BlockingIOError:
                raise TrainingError(f"another trainer is at work in {self._folder}") from None
            except (OSError, SessionError) as error:
                raise TrainingError(str(error)) from None
            self._take_signals()
            ask(self._folder, "run")
            discard_unfinished(self._folder)
            self._requests = Requests(self._folder, heed_present=True)
            self._events = held.enter_context(contextlib.closing(EventWriter(self._folder)))
            say_started(self._events, world=1)
            held.enter_context(beating(self._beat))
            return self._train_and_report()

    def _train_and_report(self) -> int:
        try:
            self._train()
        except _StopRequested as stop:
            self._events.write("stopped", reason=str(stop))
            return 130 if self._signal is not None else 0
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if not isinstance(error, SessionError | SparseError):
                reason = f"{type(error).__name__}: {reason} ({LOG} has the traceback)"
                with append_plain(self._folder, LOG) as log:
                    log.write("".join(traceback.format_exception(error)).encode("utf-8", "replace"))
            with contextlib.suppress(OSError):
                self._events.write("failed", reason=reason)
            raise TrainingError(reason) from error
        self._beat()
        self._events.write("finished")
        return 0

    def _train(self) -> None:
        self._job = read_job(self._folder)
        self._session = open_session(self._session_path)
        self._device = device_for(self._job.device)
        torch.set_num_threads(self._job.threads)
        # So that a training that is resumed gives the same bits, on a GPU as well.
        torch.use_deterministic_algorithms(True)
        targets = targets_of(self._job)
        missing = [target for target in targets if not is_trained(self._folder, target)]
        self._total = sum(target.recipe.steps for target in targets)
        self._done = self._total - sum(target.recipe.steps for target in missing)
        self._began = time.monotonic()
        self._events.write("recording")
        for target in missing:
            self._one(target)
            (self._folder / CHECKPOINT).unlink(missing_ok=True)

    def _one(self, target: Target) -> None:
        tokens = self._tokens(target)
        scaling = Scaling.of(tokens)
        x = torch.from_numpy(scaling.scaled(tokens).reshape(-1, tokens.shape[2]).astype(np.float32))
        seed = 2 * self._job.seed + TRAININGS.index(target.training)
        training = Training(x, target.recipe, seed, self._device)
        self._resume(training, target)
        while training.step < target.recipe.steps:
            training.advance()
            self._done, self._made = self._done + 1, self._made + 1
            self._obey(training, target)
        self._write(training, target, scaling)

    def _tokens(self, target: Target) -> FloatArray:
        """The training tokens (N, T, d)."""
        job, images = self._job, self._session.images(self._job.guidance)
        rows = [images.index(image) for image in job.images if image in set(images)]
        if len(rows) < len(job.images):
            raise SessionError(f"{self._session.name} lacks images that were to be trained on: train anew")
        every = self._session.raw_tokens(target.layer, job.branch, job.step, job.guidance)  # type: ignore[arg-type]
        tokens: npt.NDArray[np.floating] = every[rows]
        if not np.isfinite(tokens).all():
            raise SparseError(f"layer {target.layer} has tokens that are not finite: leave their images out")
        if job.without_position:
            tokens = self._less_position_means(tokens, rows)
        if target.check is not None:
            return planted_tokens(target.check, tokens, len(rows), job.seed)
        return tokens.astype(np.float64)

    def _less_position_means(self, tokens: npt.NDArray[np.floating], rows: list[int]) -> FloatArray:
        positions, counts = self._session.token_positions(self._job.guidance)
        cells = position_cells(positions[rows], counts[rows])
        if isinstance(cells, str):
            raise SparseError(cells)
        return less_position_means(tokens, cells, np.arange(len(rows)))

    def _write(self, training: Training, target: Target, scaling: Scaling) -> None:
        state = {name: tensor.cpu().numpy().astype(np.float64) for name, tensor in training.state.items()}
        of_scaled = Autoencoder(
            encoder=state["encoder"],
            encoder_bias=state["encoder_bias"],
            shift=state["decoder_bias"],
            decoder=state["decoder"],
            decoder_bias=state["decoder_bias"],
            k=target.recipe.k,
        )
        found = of_scaled.on_scaled(-scaling.mean * scaling.scale, 1 / scaling.scale)
        block = target.check or self._session.manifest.blocks[target.layer].name
        write_autoencoder(
            self._folder.joinpath(*target.inside),
            found,
            target.recipe,
            float(state["threshold"]) / scaling.scale if target.recipe.batch_topk else None,
            {
                "session": self._session.name,
                "block": block,
                "images": list(self._job.images),
                "without_position": self._job.without_position,
            },
        )

    def _resume(self, training: Training, target: Target) -> None:
        """Go on from the checkpoint, if it is of this autoencoder."""
        try:
            with safe_open(self._folder / CHECKPOINT, "pt") as file:
                about = file.metadata() or {}
                if about.get("of") != _name(target):
                    return
                for name in training.state:
                    training.state[name].copy_(file.get_tensor(name))
                training.step = int(about["step"])
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError):
            return
        self._done += training.step

    def _keep(self, training: Training, target: Target) -> None:
        about = {"of": _name(target), "step": str(training.step)}
        with whole_file(self._folder / CHECKPOINT) as temporary:
            save_file(
                {name: tensor.contiguous() for name, tensor in training.state.items()}, temporary, about
            )
        self._saved = time.monotonic()

    def _obey(self, training: Training, target: Target) -> None:
        """Keep a checkpoint now and then; stop or wait if that was asked."""
        now = time.monotonic()
        if now - self._saved > _CHECKPOINT_SECONDS:
            self._keep(training, target)
        if now - self._looked < _LOOK_SECONDS and self._signal is None:
            return
        self._looked = now
        with self._pausing() as paused:
            while (asked := self._requests.now()) == "pause" and self._signal is None:
                paused()
                time.sleep(_LOOK_SECONDS)
        if asked == "stop" or self._signal is not None:
            self._keep(training, target)
            raise _StopRequested(
                "asked to stop" if self._signal is None else f"signal {signal.Signals(self._signal).name}"
            )

    @contextlib.contextmanager
    def _pausing(self) -> Iterator[Callable[[], None]]:
        began: list[float] = []

        def say() -> None:
            if not began:
                began.append(time.monotonic())
                self._events.write("paused")

        yield say
        if began:
            self._began += time.monotonic() - began[0]
            self._events.write("resumed")

    def _beat(self) -> None:
        eta = None
        if self._made:
            eta = (self._total - self._done) * (time.monotonic() - self._began) / self._made
        self._events.write("heartbeat", step=self._done, steps=self._total, eta=eta and round(eta, 1))

    def _take_signals(self) -> None:
        def remember(number: int) -> None:
            self._signal = number

        take_signals(remember)


def device_for(asked: str) -> str:
    """Where to train: a GPU if there is one and nothing else was asked.

    Raises:
        SparseError: there is no such device.
    """
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=asked)
    except (RuntimeError, AssertionError) as error:
        raise SparseError(f"there is no device {asked!r}: {str(error).splitlines()[0]}") from None
    return asked


def _name(target: Target) -> str:
    return "/".join(target.inside) + " " + target.recipe.model_dump_json()
