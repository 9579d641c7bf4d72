"""Leaving when the terminal goes: a signal where there is one, a look at the terminal where there is none."""

import asyncio
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable

_LOOK_SECONDS = 2.0
_GRACE_SECONDS = 2.0
_HANG_UP_STATUS = 128 + signal.SIGHUP


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
