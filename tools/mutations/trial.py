"""Runs tests in a copy of the repository, each time in a process of its own.

The process that they are forked from has imported what is not ours, which takes most of a short run.
"""

import ctypes
import importlib
import os
import resource
import sys
import threading
import traceback
import types
from collections.abc import Callable, Generator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pytest

_PR_SET_CHILD_SUBREAPER = 36
# More seconds of the processor than a change may take; and of the clock, for what waits uses no processor.
_PROCESSOR, _CLOCK = 90, 400.0
_OURS = {"subspacelens_tui", "tests", "tools", "__main__"}
# Its plugins were imported before it, which it warns of.
_QUIET = ["-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


class _Broken(RuntimeError):
    """The run itself failed, not a test."""


class LinesOfTests:
    """A plugin of pytest: for each test that passed, its seconds and the lines of a folder that it ran."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}{os.sep}"
        self._lines: set[tuple[str, int]] = set()
        self._failed = False
        self.found: dict[str, tuple[float, set[tuple[str, int]]]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch a test with its fixtures, in all threads."""
        self._lines, self._failed = set(), False
        started = _processor_seconds()
        threading.settrace(self._entered)
        sys.settrace(self._entered)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            if not self._failed:
                self.found[item.nodeid] = (_processor_seconds() - started, self._lines)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What did not pass, or was skipped, can kill nothing."""
        self._failed |= report.outcome != "passed"

    def _entered(self, frame: types.FrameType, event: str, arg: object) -> Any:
        return self._stepped if frame.f_code.co_filename.startswith(self._folder) else None

    def _stepped(self, frame: types.FrameType, event: str, arg: object) -> Any:
        if event == "line":
            self._lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._stepped


class FirstFailure:
    """A plugin of pytest: the test that failed, if one did."""

    def __init__(self) -> None:
        self.test: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first."""
        if report.failed and self.test is None:
            self.test = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported has failed too."""
        if report.failed and self.test is None:
            self.test = report.nodeid


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def adopt_orphans() -> None:
    """Recorders that a test left behind become children of this process, which can end them (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def run_tests(
    copy: Path, tests: Sequence[str], plugin: Any, result: Callable[[Any], Any], limited: bool
) -> Any:
    """Run these tests in the copy; what `result` makes of the plugin, or None of a run that hung or died.

    A limited run ends at the first failure or after some time, and leaves no bytecode of changed code.
    """
    ours, theirs = Pipe(duplex=False)
    if os.fork() == 0:
        ours.close()
        try:
            _run_here(copy, tests, plugin, limited)
            theirs.send(result(plugin))
        except Exception:
            theirs.send(_Broken(traceback.format_exc()))
        finally:
            os._exit(0)
    theirs.close()
    try:
        return _answer(ours, limited)
    finally:
        _end_children()


def _run_here(copy: Path, tests: Sequence[str], plugin: Any, limited: bool) -> None:
    os.setsid()
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    if limited:
        resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR, _PROCESSOR))
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
    sys.path.insert(0, str(copy))
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    pytest.main([*tests, *_QUIET, *(["-x"] if limited else [])], [plugin])


def _answer(ours: Connection, limited: bool) -> Any:
    try:
        answer = ours.recv() if ours.poll(_CLOCK if limited else None) else None
    except EOFError:
        return None
    if isinstance(answer, _Broken):
        raise answer
    return answer


def _end_children() -> None:
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    while True:  # those that were adopted are waited for too
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def import_others(names: Sequence[str]) -> None:
    """Import here, in this order, what a run has imported and is not ours."""
    for name in names:
        if name.split(".")[0] not in _OURS:
            try:
                importlib.import_module(name)
            except Exception:
                continue
