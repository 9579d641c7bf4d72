"""The recorder: loads the pipeline, generates what is missing from a session, writes it batch by batch."""

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.recording.distributed import Rank, device_of
from subspacelens_tui.recording.errors import RecordingError, StopRequested
from subspacelens_tui.recording.libraries import load_libraries, need_webp
from subspacelens_tui.recording.spawn import log_file
from subspacelens_tui.recording.versions import RECORDED_WITH, versions_of
from subspacelens_tui.recording.work_partition import batches_of, missing, next_batch
from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.control import Requests, ask
from subspacelens_tui.sessions.detached_processes import leave_deleted_folder, sole_process, take_signals
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.features import FOLDER as FEATURES
from subspacelens_tui.sessions.files import append_plain, refuse_links
from subspacelens_tui.sessions.format import IMAGES
from subspacelens_tui.sessions.heartbeats import beating, say_started
from subspacelens_tui.sessions.moments_file import summed_images
from subspacelens_tui.sessions.state import STALE_SECONDS, RankState
from subspacelens_tui.sessions.writer import discard_unfinished_files, make_folders

if TYPE_CHECKING:
    from subspacelens_tui.recording.generation import Generation
    from subspacelens_tui.recording.loaded_pipeline import Loaded

_POLL_SECONDS = 0.2


class Recorder:
    """Records one session in this process, alone or as one rank of several.

    Args:
        folder: the session, as `sessions.writer.create_session` made it.
        rank: which of the recorders that were started together this one is.
        on_progress: called with the session after every batch.
        on_note: called with each line that the user should see besides.
        allow_pickle: as of `models.source.ModelSource`.
        allow_nonfinite: keep images whose features or pictures are not finite, marked, instead of stopping.
        loaded: as of `Generation`.

    Attributes:
        loaded: what it has loaded, for another session; None before.
    """

    def __init__(
        self,
        folder: Path,
        rank: Rank | None = None,
        on_progress: Callable[[Session], None] = lambda session: None,
        on_note: Callable[[str], None] = lambda line: None,
        allow_pickle: bool = False,
        allow_nonfinite: bool = False,
        loaded: "Loaded | None" = None,
    ) -> None:
        self.loaded = loaded
        self._folder = folder
        self._rank = rank or Rank()
        self._on_progress, self._on_note = on_progress, on_note
        self._allow_pickle, self._allow_nonfinite = allow_pickle, allow_nonfinite
        self._session = open_session(folder)
        self._met: set[int] = set()
        self._done: set[int] = set()
        self._noted: set[str] = set()
        self._batch: list[int] | None = None
        self._step: int | None = None
        self._paused_seconds = 0.0
        self._signal: int | None = None
        self._began = False
        self._loading = True
        self._device_report: Callable[[], dict[str, Any] | None] = lambda: None

    def run(self) -> int:
        """Record until everything planned is there, or someone asks to stop.

        Returns:
            The exit status: 0 finished or stopped by a viewer, 130 interrupted by a signal.

        Raises:
            RecordingError: if it fails (the reason is in the event log as well), or another recorder is
                writing the session.
        """
        if self._session.manifest.moments is not None and not self._rank.alone:
            raise RecordingError("--moments sums in one process: record without a launcher")
        try:
            refuse_links(self._folder, FEATURES, IMAGES)
            make_folders(self._folder)
            with _sole_recorder(self._folder, self._rank):
                return self._run()
        except (OSError, SessionError) as error:
            raise RecordingError(_reason(error)) from error

    def outlast_the_others(self) -> None:
        """After a failure: wait until no other rank is at work.

        Launchers end all ranks as soon as one of them ends with a failure (torchrun, accelerate, mpirun).
        """
        if not self._began:  # it was refused: whoever is at work is not of this launch
            return
        patience = time.monotonic() + STALE_SECONDS  # for those that have not said yet that they started
        while self._signal is None:
            others = self._others_at_work()
            all_came = len(self._met) == self._rank.world - 1
            if not others and (all_came or time.monotonic() > patience):
                return
            time.sleep(_POLL_SECONDS)
            self._session.refresh()

    def _others_at_work(self) -> list[RankState]:
        ranks = self._session.state.ranks
        others = [rank for rank in ranks if rank.phase.running and rank.rank != self._rank.index]
        self._met.update(rank.rank for rank in others)
        return others

    def _run(self) -> int:
        self._take_signals()
        self._session.refresh()
        self._refuse_other_launches()
        self._requests = self._take_requests()
        if self._rank.alone:
            discard_unfinished_files(self._folder)
        self._events = EventWriter(self._folder, self._rank.index)
        self._began = True
        with contextlib.closing(self._events):
            say_started(self._events, self._rank.world)
            with beating(self._beat):
                return self._record_and_report()

    def _refuse_other_launches(self) -> None:
        """The lock keeps out a second recorder of this rank; this, ranks of a launch of another size."""
        for other in self._session.state.ranks:
            if other.phase.running and other.world != self._rank.world:
                raise RecordingError(
                    f"another recorder is writing {self._folder} (rank {other.rank} of {other.world} on "
                    f"{other.host}): replay it, or wait until it ends"
                )

    def _take_requests(self) -> Requests:
        # What was asked of an earlier recorder is over. The first rank says so; another may come before it.
        if self._rank.index == 0:
            ask(self._folder, "run")
            return Requests(self._folder, heed_present=True)
        first_runs = any(rank.rank == 0 and rank.phase.running for rank in self._session.state.ranks)
        return Requests(self._folder, heed_present=first_runs)

    def _record_and_report(self) -> int:
        try:
            self._record()
        except StopRequested as stop:
            self._events.write("stopped", reason=str(stop))
            return 130 if self._signal is not None else 0
        except Exception as error:
            reason = _reason(error)
            if isinstance(error, ModelError) and error.mendable:
                reason += f"; then `subspacelens-tui record --resume {self._folder.name}`"
            if not isinstance(error, RecordingError | ModelError | SessionError | OSError):
                reason = f"{reason} ({log_file(self._folder, self._rank.index).name} has the traceback)"
                self._keep_traceback(error)
            with contextlib.suppress(OSError):  # on a full disk the reason reaches stderr at least
                self._events.write("failed", reason=reason)
            raise RecordingError(reason) from error
        self._events.write("finished")
        return 0

    def _keep_traceback(self, error: Exception) -> None:
        with (
            contextlib.suppress(OSError, SessionError),
            append_plain(self._folder, log_file(self._folder, self._rank.index).name) as log,
        ):
            log.write("".join(traceback.format_exception(error)).encode("utf-8", "replace"))

    def _record(self) -> None:
        self._events.write("loading", what="torch and diffusers")
        leave_deleted_folder()
        need_webp()
        # Here, not above: importing them takes seconds, in which the screen already shows that we started.
        load_libraries("torch", "diffusers", "transformers")
        from subspacelens_tui.recording.generation import Generation

        manifest = self._session.manifest
        self._events.write("loading", what=manifest.model.id)
        device = device_of(manifest.model.device, self._rank)
        allowed = {"allow_pickle": self._allow_pickle, "allow_nonfinite": self._allow_nonfinite}
        with Generation(
            self._folder, manifest, self._on_step, device=device, loaded=self.loaded, **allowed
        ) as generation:
            self.loaded = generation.loaded
            self._device_report = generation.device_report
            generation.describe(versions=versions_of(RECORDED_WITH))
            self._session.refresh()
            manifest = self._session.manifest
            self._events.write("self_test", **generation.self_test.to_json())
            self._events.write("recording", steps=manifest.steps, scheduler=manifest.scheduler)
            for line in generation.notes if self._rank.index == 0 else ():
                self._note(line)
            self._loading = False
            generation.at_once = min([generation.at_once, *self._cut_before()])
            for batch in self._batches(generation.batch_size):
                self._record_batch(generation, batch)

    def _cut_before(self) -> list[int]:
        """To how many images at once batches were cut when this session was recorded so far, if they were.

        Cut in the same places, a batch gives the same features bit for bit.
        """
        events = [event for event in self._session.log if event["event"] == "memory"]
        return [n for event in events if isinstance(n := event.get("at_once"), int) and n >= 1]

    def _record_batch(self, generation: "Generation", batch: list[int]) -> None:
        """Record a batch, or the first part of it if memory does not suffice for all."""
        at_once = generation.at_once
        began, self._paused_seconds = time.monotonic(), 0.0
        self._announce(batch)
        recorded = generation.record(batch)
        for line in recorded.notes:
            self._note(line)
        self._batch = self._step = None
        if generation.at_once < at_once:
            self._events.write("memory", reason=f"too little for {at_once}", at_once=generation.at_once)
        seconds = time.monotonic() - began - self._paused_seconds
        marks = {"not_finite": recorded.not_finite, "without_picture": recorded.without_picture}
        marked = {key: images for key, images in marks.items() if images}
        self._events.write("batch", images=recorded.images, seconds=round(seconds, 3), **marked)
        self._done.update(recorded.images)

    def _note(self, line: str) -> None:
        """Say something, but not the same of every batch."""
        if line not in self._noted:
            self._noted.add(line)
            self._events.write("note", reason=line)
            self._on_note(line)

    def _batches(self, batch_size: int) -> Iterator[list[int]]:
        """The batches to generate, each chosen when the one before is on disk, until nothing is missing."""
        batches = batches_of(self._session.manifest.images, batch_size)
        summed = None if self._session.manifest.moments is None else summed_images(self._folder)
        while True:
            self._obey()
            self._session.refresh()
            there = set[int]().union(*(file.images for file in self._session.files))
            # Our own besides, because a damaged file is not looked at again once it has been replaced.
            recorded = self._done | (there if summed is None else there & summed)
            if not missing(batches, recorded):
                if not self._rank.alone:  # the last batch may have been another's
                    self._on_progress(self._session)
                return
            batch = next_batch(batches, recorded, self._busy(), self._rank)
            if batch is None:
                time.sleep(_POLL_SECONDS)
                continue
            yield batch
            self._session.refresh()
            self._on_progress(self._session)

    def _busy(self) -> set[int]:
        """Images that other ranks are generating."""
        return {image for rank in self._others_at_work() for image in rank.images}

    def _announce(self, batch: list[int]) -> None:
        self._batch, self._step = batch, 0
        if not self._rank.alone:
            self._heartbeat()

    def _on_step(self, step: int) -> None:
        self._step = step
        self._obey()

    def _obey(self) -> None:
        """Do what a viewer or a signal asked: wait while paused, raise to stop."""
        began: float | None = None
        while True:
            if (reason := self._asked_to_stop()) is not None:
                raise StopRequested(reason)
            if self._requests.now() == "run":
                break
            if began is None:
                began = time.monotonic()
                self._events.write("paused")
            time.sleep(_POLL_SECONDS)
        if began is not None:
            self._paused_seconds += time.monotonic() - began
            self._events.write("resumed")

    def _asked_to_stop(self) -> str | None:
        """Why to stop, if a signal or a viewer asked to."""
        if self._signal is not None:
            return f"signal {signal.Signals(self._signal).name}"
        return "asked to stop" if self._requests.now() == "stop" else None

    def _beat(self) -> None:
        self._heartbeat()
        self._leave_while_loading()

    def _heartbeat(self) -> None:
        self._events.write("heartbeat", step=self._step, images=self._batch, device=self._device_report())

    def _leave_while_loading(self) -> None:
        """End at once while the model is loading: that may take minutes, and there is nothing to lose yet."""
        if self._loading and (reason := self._asked_to_stop()) is not None:
            self._events.write("stopped", reason=reason)
            os._exit(130 if self._signal is not None else 0)

    def _take_signals(self) -> None:
        def remember(number: int) -> None:
            self._signal = number

        take_signals(remember)


@contextlib.contextmanager
def _sole_recorder(folder: Path, rank: Rank) -> Iterator[None]:
    """Hold the rank's lock of the session, which the system releases however this process ends."""
    name = "recorder.lock" if rank.index == 0 else f"recorder.{rank.index}.lock"
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(sole_process(folder, name))
        except BlockingIOError:
            which = "another recorder" if rank.alone else f"another recorder of rank {rank.index}"
            raise RecordingError(f"{which} is writing {folder}: replay it, or wait until it ends") from None
        yield


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"{os.strerror(error.errno)}: {error.filename or 'while writing the session'}"
    lines: Sequence[str] = str(error).strip().splitlines()
    if isinstance(error, RecordingError | ModelError | SessionError):
        return lines[0]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
