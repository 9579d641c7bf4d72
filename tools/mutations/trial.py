"""Runs tests in a copy of the repository, each time in a process of its own.

The process that they are forked from has imported all of them, which takes most of a short run.
"""

import contextlib
import ctypes
import gc
import os
import resource
import sys
import threading
import traceback
import types
from collections.abc import Callable, Generator, Sequence
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import psutil
import pytest

from tools.mutations.changes import Change

HUNG = "(hung)"
Lines = dict[str, tuple[float, set[tuple[str, int]]]]
"""Test → its seconds of the processor, and the file and number of each line that it runs."""

_PR_SET_CHILD_SUBREAPER = 36
# More seconds of the processor than a change may take; and of the clock, for what waits uses no processor.
_PROCESSOR, _CLOCK = 90, 400.0
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
        self.found: Lines = {}

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
        self._see(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported has failed too."""
        self._see(report)

    def _see(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and self.test is None:
            self.test = report.nodeid


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def adopt_orphans() -> None:
    """Recorders that a test left behind become children of this process, which can end them (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def import_tests(copy: Path, tests: Sequence[str]) -> None:
    """Import these tests of a copy, and what they import, into this process, which is then for it alone."""
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.path.insert(0, str(copy))
    pytest.main([*tests, "--collect-only", "-qq", *_QUIET])
    gc.collect()
    # Or each of the processes forked from this one would get all of it as its own when it looks for garbage.
    gc.freeze()


def lines_of(copy: Path, room: str, tests: Sequence[str]) -> Lines:
    """What each of these tests runs of a room."""
    found: Lines = _in_a_process(lambda: _lines_here(copy, room, tests), patience=None)
    return found


def _lines_here(copy: Path, room: str, tests: Sequence[str]) -> Lines:
    plugin = LinesOfTests(copy / "subspacelens_tui" / room)
    pytest.main([*tests, *_QUIET], [plugin])
    return plugin.found


def first_failure(copy: Path, change: Change, tests: Sequence[str]) -> str | None:
    """The first of these tests that fails with a change; `HUNG` if they do not end, None if none fails."""
    path = copy / change.file
    source = path.read_bytes()
    changed = change.made_to(source)
    path.write_bytes(changed)
    try:
        found: tuple[str | None] | None = _in_a_process(lambda: _try_here(path, changed, tests), _CLOCK)
    finally:
        path.write_bytes(source)
    return HUNG if found is None else found[0]


def _try_here(path: Path, changed: bytes, tests: Sequence[str]) -> tuple[str | None]:
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR, _PROCESSOR))
    # No bytecode of changed code; what is imported or started from now on finds the file changed.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    gc.unfreeze()
    _replace_functions(path, compile(changed, path, "exec"))
    gc.freeze()
    plugin = FirstFailure()
    pytest.main([*tests, "-x", *_QUIET], [plugin])
    return (plugin.test,)


def _replace_functions(path: Path, module: types.CodeType) -> None:
    """Give the functions of a file that is imported already the code of another version of it."""
    codes: dict[tuple[str, int], list[types.CodeType]] = {}
    left = [module]
    while left:
        code = left.pop()
        codes.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
        left += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
    for function in gc.get_objects():
        if isinstance(function, types.FunctionType) and function.__code__.co_filename == str(path):
            known = codes[function.__code__.co_qualname, function.__code__.co_firstlineno]
            if len(known) == 1:  # two lambdas in one line are not told apart
                function.__code__ = known[0]


def _in_a_process(work: Callable[[], Any], patience: float | None) -> Any:
    """What `work` returns, in a process forked from this one; None if that died, or took too long."""
    ours, theirs = Pipe(duplex=False)
    if os.fork() == 0:
        ours.close()
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        try:
            theirs.send(work())
        except Exception:
            theirs.send(_Broken(traceback.format_exc()))
        finally:
            os._exit(0)
    theirs.close()
    try:
        answer = ours.recv() if ours.poll(patience) else None
    except EOFError:
        return None
    finally:
        _end_children()
    if isinstance(answer, _Broken):
        raise answer
    return answer


def _end_children() -> None:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    with contextlib.suppress(ChildProcessError):
        while True:  # those that were adopted are waited for too
            os.waitpid(-1, 0)
