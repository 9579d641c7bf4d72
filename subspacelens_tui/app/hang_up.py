"""Leaving when the terminal goes or a signal ends the app, with what is left of the terminal in order."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

_LOOK_SECONDS = 2.0
_GRACE_SECONDS = 2.0
_HANG_UP_STATUS = 128 + signal.SIGHUP
# Python makes SIGINT an exception, and Textual takes SIGTSTP; SIGKILL cannot be caught.
_ENDING = (
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGABRT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGTERM,
    signal.SIGXCPU,
    signal.SIGVTALRM,
    signal.SIGPROF,
)
# What Textual's driver switches on, switched off; first the end of a sequence that is only half written.
_IN_ORDER = (
    b"\x1b\\\x1b[?2026l\x1b[?2048l\x1b[?2004l\x1b[?1004l\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1000l"
    b"\x1b[<u\x1b[0m\x1b[?1049l\x1b[?25h\x1b[?7h"
)


@contextlib.contextmanager
def terminal_put_in_order() -> Iterator[None]:
    """Leave the terminal usable if a signal ends the process in here, which it does as by default.

    A shell would be left without a cursor, in which every move of the mouse types something.
    """
    assert sys.__stdin__ is not None
    assert sys.__stderr__ is not None
    typed, drawn = sys.__stdin__.fileno(), sys.__stderr__.fileno()
    attributes = termios.tcgetattr(typed)

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(typed, termios.TCSANOW, attributes)
            _send_last(drawn, _IN_ORDER)
        os.kill(os.getpid(), number)

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _send_last(terminal: int, data: bytes) -> None:
    """Write after all that is drawn, and give up on a terminal that takes nothing more."""
    kept = os.dup(terminal)
    # What Textual's thread still has to write goes nowhere.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, terminal)
    os.set_blocking(kept, False)
    try:
        until = time.monotonic() + _GRACE_SECONDS
        while data and (left := until - time.monotonic()) > 0:
            if select.select([], [kept], [], left)[1]:
                data = data[os.write(kept, data) :]
    finally:
        os.set_blocking(kept, True)  # the shell has the same


def leave_on_hang_up(leave: Callable[[], None]) -> None:
    """Call `leave` on the running loop when a signal asks for it or the terminal is gone.

    A terminal that is gone takes no more output, and Textual then waits for it for ever while its input
    thread spins; so a thread looks at the terminal and in the end ends the process.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, leave)
        except (NotImplementedError, RuntimeError, ValueError):  # not on the main thread, as in tests
            break
    if sys.__stdin__ is not None and sys.__stdin__.isatty():
        watch = threading.Thread(
            target=_watch, args=(sys.__stdin__.fileno(), loop, leave), name="hang-up", daemon=True
        )
        watch.start()


def _watch(terminal: int, loop: asyncio.AbstractEventLoop, leave: Callable[[], None]) -> None:
    pause = threading.Event()
    while not loop.is_closed() and _there(terminal):
        pause.wait(_LOOK_SECONDS)
    if loop.is_closed():
        return
    try:
        loop.call_soon_threadsafe(leave)
    except RuntimeError:  # it closed just now
        return
    pause.wait(_GRACE_SECONDS)
    # The loop is stuck in a write that nobody will ever read. There is no terminal left to put in order.
    os._exit(_HANG_UP_STATUS)


def _there(terminal: int) -> bool:
    try:
        termios.tcgetattr(terminal)
    except termios.error:
        return False
    return True
