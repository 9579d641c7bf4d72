"""The analysis thread of a session screen: follows the session and computes the metrics of the selection.

One thread does all reading and computing, so that the event loop never waits for either; the order in
which it does so is a coroutine on the loop. Results of a selection that is no longer looked at are dropped,
and their computation is cancelled.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from subspacelens_tui.analysis import Analyzer, Cancelled
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.app.background_jobs import Job, Jobs
from subspacelens_tui.app.final_results import FinalResults
from subspacelens_tui.app.refinement_stages import FEW, FIRST, MANY, Stage, full, stages
from subspacelens_tui.app.selection import Selection, Which, first_selection, spectra_of
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.out_of_memory import memory_ran_out
from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.control import requested
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.labels import add_labels
from subspacelens_tui.sessions.random_control import ControlWatch
from subspacelens_tui.sparse.trainings import TrainingsWatch

_QUICK = 0.15
_WORTH_REFINING_LIVE = 0.5
_POLL_FINISHED = 2.0
# While a recording runs, analysing takes at most one second in ten: the recorder needs the core.
_REST = 9.0
# What is beside the metrics and nobody waits for, at most one in forty.
_JOBS_REST = 39.0


class Worker:
    """Reads one session and analyses it.

    Args:
        path: the session's folder.
        settings: of the first selection; only what it asks for is begun at once.
        labels_file: adds label schemes to it.
    """

    def __init__(self, path: Path, settings: Settings | None = None, labels_file: Path | None = None) -> None:
        self._path, self._labels_file = path, labels_file
        self._settings = settings or Settings()
        self._thread = ThreadPoolExecutor(1, "analysis")
        self._trainings, self._control = TrainingsWatch(path), ControlWatch()
        self._analyzer: Analyzer | None = None
        self._recording: Recording | None = None
        self._selection: Selection | None = None
        self._generation = 0
        self._analysed = -1
        self._permuted = 0
        self._grown = self._lost = False
        self._known: tuple[object, int] = (None, 0)
        self._final = FinalResults()
        self._cost = float("inf")
        self._rest_since = self._took = 0.0
        self._jobs = Jobs()
        self._jobs_rest_until = 0.0
        self._wake = asyncio.Event()
        self._rounds = 0
        self._idle = asyncio.Condition()
        self._closed = False
        # At once: the screen is laid out meanwhile.
        self._opened: Future[Recording] | None = self._thread.submit(self._refresh)
        self._warm = self._thread.submit(self._warm_up)

    def head_start(self, seconds: float) -> None:
        """Wait until what the first selection needs is computed, at most so long.

        A thread that reads gives the interpreter away at each of a thousand small steps, and gets it back from
        one that computes or imports after 5 ms.
        """
        wait([self._warm], seconds)

    def look(self, selection: Selection) -> None:
        """Change what is looked at."""
        self._selection = selection
        self._generation += 1
        self._wake.set()

    def want(self, job: Job) -> None:
        """Have something computed beside the metrics, once these are there."""
        if self._jobs.want(job):
            if job.urgent:
                self._jobs_rest_until = 0.0
            self._wake.set()

    def drop(self, name: str) -> None:
        """Wish for no job of this name any more."""
        self._jobs.drop(name)

    def nudge(self) -> None:
        """Look at the folder now rather than at the next poll."""
        self._wake.set()

    def close(self) -> None:
        """End the thread after what it is doing now, which is cancelled."""
        self._closed = True
        self._generation += 1
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def settled(self) -> None:
        """Wait until the folder was read anew and all that it and the selection ask for is computed."""
        async with self._idle:
            wanted = self._rounds + 2
            self._wake.set()
            while self._rounds < wanted or self._due() or self._jobs.next() is not None:
                self._took = self._jobs_rest_until = 0.0
                await self._idle.wait()
                self._wake.set()

    async def run(
        self,
        poll: float,
        on_recording: Callable[[Recording], None],
        on_analysis: Callable[[Analysis], None],
        on_trouble: Callable[[str | None], None],
    ) -> None:
        """Follow the session until closed.

        Args:
            poll: seconds between two looks at the folder while it grows.
            on_recording: called on the event loop when the state of the recording changed.
            on_analysis: called on the event loop with the metrics of the current selection.
            on_trouble: called with one line when the session cannot be read; with None once it can.
        """
        self._poll = poll
        self._on_recording, self._on_analysis, self._on_trouble = on_recording, on_analysis, on_trouble
        try:
            while not self._closed:
                await self._read()
                if self._due():
                    await self._analyse()
                    # What was read may have turned out not to be finite: the state of the session says so.
                    await self._read()
                elif self._has_rested and (job := self._jobs.next()) is not None:
                    await self._do(job)
                async with self._idle:
                    self._rounds += 1
                    self._idle.notify_all()
                await self._pause()
        finally:
            # It holds all features and Gram matrices; who looks at us may be kept for longer.
            self._analyzer = None

    @property
    def _recorder_runs(self) -> bool:
        return self._recording is not None and self._recording.state.phase.running

    @property
    def _has_rested(self) -> bool:
        return not self._recorder_runs or time.monotonic() >= self._jobs_rest_until

    async def _pause(self) -> None:
        running = self._recording is None or self._recorder_runs
        seconds = self._poll if running else max(self._poll, _POLL_FINISHED)
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _read(self) -> None:
        opened, self._opened = self._opened, None
        try:
            recording = await asyncio.wrap_future(opened or self._thread.submit(self._refresh))
        except (SessionError, OSError) as error:
            self._on_trouble(str(error))
            return
        self._on_trouble(None)
        if recording != self._recording or recording.manifest is not self._recording.manifest:
            self._recording = recording
            self._on_recording(recording)

    def _refresh(self) -> Recording:
        if self._analyzer is not None and not (self._path / MANIFEST).is_file():
            raise SessionError(f"{self._path} is no longer there; what was read of it is still shown")
        session = self._followed()
        known = self._recording
        if known is None or self._grown:
            recorded = {scale: len(session.images(scale)) for scale in session.manifest.guidance}
        else:
            recorded = dict(known.recorded)
        return Recording(
            name=session.name,
            manifest=session.manifest,
            blocks=len(session.manifest.blocks),
            state=session.state,
            asked=requested(self._path),
            problems=tuple(session.problems),
            log=tuple(session.log),
            recorded=recorded,
            trainings=self._trainings.now(),
            control=self._control.finished(session),
        )

    def _followed(self) -> Session:
        """The session as it is now; opened anew if another `session.json` was copied over the one it had."""
        known = self._analyzer.session if self._analyzer is not None else None
        if self._analyzer is None or (known is not None and known.manifest.blocks and known.replaced):
            session = open_session(self._path)
            if self._labels_file is not None:
                add_labels(session, self._labels_file)
            self._analyzer = Analyzer(session)
            self._grown = self._lost = True
            return self._analyzer.session
        before = self._analyzer.session.files
        if self._analyzer.refresh():
            self._grown = True
            after = {file.key for file in self._analyzer.session.files}
            self._lost = self._lost or any(file.key not in after for file in before)
        return self._analyzer.session

    def _warm_up(self) -> None:
        """Have what the first selection needs kept by the analyzer before anyone asks for it."""
        if self._analyzer is None:
            return
        selection, _ = first_selection(self._settings, self._analyzer.session.manifest)
        # What goes wrong here goes wrong again, and is reported, when the selection is asked for.
        with contextlib.suppress(Exception):
            for settings in selection.wanted(self._analyzer.session.manifest).values():
                self._analyzer.result(replace(settings, quick=True, errors=None), lambda: self._closed)

    def _due(self) -> bool:
        if self._selection is None or self._recording is None:
            return False
        if self._analysed != self._generation:
            return True
        if not self._recorder_runs and self._permuted < MANY:
            return True
        follows = self._selection.settings.images is None
        # What comes to a session that nobody records is copied in, and shown at once.
        rest = _REST * self._took if self._recorder_runs else 0.0
        return (self._lost or (self._grown and follows)) and time.monotonic() >= self._rest_since + rest

    async def _analyse(self) -> None:
        selection, generation, recording = self._selection, self._generation, self._recording
        assert selection is not None
        assert recording is not None
        if self._grown:
            self._grown = self._lost = False
            self._known = (None, 0)
            self._final.clear()
            self._jobs.forget_results()
        if (known := self._final.known(selection, recording.manifest)) is not None:
            self._on_analysis(known)
            if not known.refining:
                self._analysed, self._permuted = generation, MANY
                return
        began = time.monotonic()
        for stage in self._stages(selection, recording):
            stage_began = time.monotonic()
            analysis = await self._computed(selection, stage, generation)
            if analysis is None:
                return
            if stage.permutations >= FEW:
                self._cost = (time.monotonic() - stage_began) * FEW / stage.permutations
            self._on_analysis(analysis)
            self._permuted = stage.permutations
            if analysis.error is not None:
                # Asking again would fail again; the next selection or batch may not.
                self._permuted = MANY
                break
            if stage.last and stage.permutations >= MANY and analysis.error is None:
                self._final.keep(analysis, recording.manifest)
            if stage.overlap_permutations >= FIRST:
                self._known = (spectra_of(selection), stage.overlap_permutations)
        if generation == self._generation:
            self._analysed = generation
        now = time.monotonic()
        self._rest_since, self._took = now, now - began

    async def _do(self, job: Job) -> None:
        if self._jobs.hand_on(job):
            self._wake.set()
            return
        generation, began = self._generation, time.monotonic()
        assert self._analyzer is not None

        def cancelled() -> bool:
            wanted = self._jobs.wanted(job) and not self._jobs.must_yield(job)
            return generation != self._generation or not wanted

        loop, result, reason = asyncio.get_running_loop(), None, None
        try:
            result = await loop.run_in_executor(self._thread, job.work, self._analyzer, cancelled)
        except Cancelled:
            self._wake.set()
            return
        except (SettingsError, SessionError) as error:
            reason = str(error)
        except Exception as error:
            # As of the metrics: a fault of ours must not take the screen down.
            reason = _failure(error)
        if self._jobs.wanted(job):
            self._jobs.finish(job, result)
            job.done(result, reason)
        if self._recorder_runs:
            now = time.monotonic()
            self._jobs_rest_until = now + (_REST if job.urgent else _JOBS_REST) * (now - began)
        elif self._jobs.next() is not None:
            self._wake.set()

    def _stages(self, selection: Selection, recording: Recording) -> Iterator[Stage]:
        affordable = not recording.state.phase.running or self._cost * MANY / FEW <= _WORTH_REFINING_LIVE
        known = self._known[1] if self._known[0] == spectra_of(selection) else 0
        if self._final.has_all(selection, recording.manifest):
            # The null is there, and stays while the error bars are on their way.
            return iter([full(MANY, last=True)])
        return stages(self._cost > _QUICK, affordable, known, self._generation == self._analysed)

    async def _computed(self, selection: Selection, stage: Stage, generation: int) -> Analysis | None:
        """The analysis of a selection; None if it is no longer wanted."""
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._thread, self._results, selection, stage, generation)
        except Cancelled:
            return None
        except (SettingsError, SessionError) as error:
            return Analysis(selection, {}, stage.permutations, error=str(error))
        except Exception as error:
            # A fault of ours in one analysis must not take the screen down; another selection may well work.
            reason = _failure(error)
            return Analysis(selection, {}, stage.permutations, error=reason)
        if generation != self._generation:
            return None
        return Analysis(selection, results, stage.permutations, refining=not stage.last)

    def _results(self, selection: Selection, stage: Stage, generation: int) -> dict[Which, Result]:
        assert self._analyzer is not None

        def cancelled() -> bool:
            return generation != self._generation

        return {
            which: self._analyzer.result(
                replace(
                    settings,
                    permutations=stage.permutations,
                    overlap_permutations=stage.overlap_permutations,
                    quick=stage.quick,
                    # Eigenvectors take several times what eigenvalues do.
                    between_layers=stage.errors,
                    errors=settings.errors if stage.errors else None,
                ),
                cancelled,
            )
            for which, settings in selection.wanted(self._analyzer.session.manifest).items()
        }


def _failure(error: Exception) -> str:
    return memory_ran_out(error) or f"the analysis failed: {type(error).__name__}: {error}"
