"""The recorder: loads the pipeline, generates what is missing from a session, writes it batch by batch."""

import contextlib
import fcntl
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from subspacelens_tui import demo
from subspacelens_tui.models.architecture import ModelError
from subspacelens_tui.recording.errors import RecordingError, StopRequested
from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.control import ask, requested
from subspacelens_tui.sessions.events import HEARTBEAT_SECONDS, EventWriter

LOCK = "recorder.lock"
_PAUSE_POLL_SECONDS = 0.2
_VERSIONS_OF = ("subspacelens-tui", "torch", "diffusers", "transformers", "numpy")


class Recorder:
    """Records one session in this process.

    Args:
        folder: the session, as `sessions.writer.create_session` made it.
        on_progress: called with the session after every batch.
    """

    def __init__(self, folder: Path, on_progress: Callable[[Session], None] = lambda session: None) -> None:
        self._folder = folder
        self._on_progress = on_progress
        self._session = open_session(folder)
        self._events = EventWriter(folder)
        self._step: int | None = None
        self._signal: int | None = None
        self._device_report: Callable[[], dict[str, Any] | None] = lambda: None

    def run(self) -> int:
        """Record until everything planned is there, or someone asks to stop.

        Returns:
            The exit status: 0 finished or stopped by a viewer, 1 failed (the reason is in the event
            log), 130 interrupted by a signal.

        Raises:
            RecordingError: if another recorder is writing the session.
        """
        with _sole_recorder(self._folder):
            return self._run()

    def _run(self) -> int:
        self._take_signals()
        me = psutil.Process()
        self._events.write("started", host=socket.gethostname(), pid=me.pid, process_started=me.create_time())
        ask(self._folder, "run")
        over = threading.Event()
        heart = threading.Thread(target=self._beat, args=(over,), name="heartbeat", daemon=True)
        heart.start()
        try:
            return self._record_and_report()
        finally:
            over.set()
            heart.join()
            self._events.close()

    def _record_and_report(self) -> int:
        try:
            self._record()
        except StopRequested as stop:
            self._events.write("stopped", reason=str(stop))
            return 130 if self._signal is not None else 0
        except Exception as error:
            with contextlib.suppress(OSError):  # on a full disk the reason reaches stderr at least
                self._events.write("failed", reason=_reason(error))
            if not isinstance(error, RecordingError | ModelError | SessionError | OSError):
                raise
            raise RecordingError(_reason(error)) from error
        self._events.write("finished")
        return 0

    def _record(self) -> None:
        self._events.write("loading", what="torch and diffusers")
        # Here, not above: importing them takes seconds, in which the screen already shows that we started.
        from subspacelens_tui.recording.generation import Generation

        manifest = self._session.manifest
        self._events.write("loading", what=manifest.model.id)
        model = str(demo.MODEL_PATH) if manifest.model.id == "demo" else manifest.model.id
        with Generation(self._folder, manifest, model, self._on_step) as generation:
            self._device_report = generation.device_report
            generation.describe(versions={name: metadata.version(name) for name in _VERSIONS_OF})
            self._session.refresh()
            self._events.write("recording")
            for batch in missing_batches(self._session, generation.batch_size):
                self._obey()
                began = time.monotonic()
                generation.record(batch)
                self._events.write("batch", images=batch, seconds=round(time.monotonic() - began, 3))
                self._session.refresh()
                self._on_progress(self._session)

    def _on_step(self, step: int) -> None:
        self._step = step
        self._obey()

    def _obey(self) -> None:
        """Do what a viewer or a signal asked: wait while paused, raise to stop."""
        paused = False
        while True:
            if self._signal is not None:
                raise StopRequested(f"signal {signal.Signals(self._signal).name}")
            request = requested(self._folder)
            if request == "stop":
                raise StopRequested("asked to stop")
            if request == "run":
                break
            if not paused:
                self._events.write("paused")
                paused = True
            time.sleep(_PAUSE_POLL_SECONDS)
        if paused:
            self._events.write("resumed")

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            try:
                self._events.write("heartbeat", step=self._step, device=self._device_report())
            except OSError:
                # A full disk must not end the thread: the main one reports it when it cannot write.
                continue

    def _take_signals(self) -> None:
        def remember(number: int, frame: FrameType | None) -> None:
            self._signal = number

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, remember)
        # A lost connection must not end a recording.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextlib.contextmanager
def _sole_recorder(folder: Path) -> Iterator[None]:
    """Hold the session's lock, which the system releases however this process ends."""
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecordingError(
                f"another recorder is writing {folder}: replay it, or wait until it ends"
            ) from None
        yield


def missing_batches(session: Session, batch_size: int) -> list[list[int]]:
    """The batches of the plan that are not on disk.

    The plan is cut into batches before what is there is left out, so that a resumed recording runs the
    same batches as an undisturbed one.
    """
    images = session.manifest.images
    recorded = {file.images[row] for file in session.files for row in file.rows}
    batches: list[list[int]] = []
    for index, image in enumerate(images):
        fits = batches and len(batches[-1]) < batch_size
        if fits and images[batches[-1][-1]].guidance == image.guidance:
            batches[-1].append(index)
        else:
            batches.append([index])
    return [left for batch in batches if (left := [i for i in batch if i not in recorded])]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"{os.strerror(error.errno)}: {error.filename or 'while writing the session'}"
    lines: Sequence[str] = str(error).strip().splitlines()
    if isinstance(error, RecordingError | ModelError | SessionError):
        return lines[0]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'} (recorder.log has the traceback)"
