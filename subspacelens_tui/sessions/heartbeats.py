"""What a recorder tells of itself in the event log, so that viewers know whether it is at work."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import psutil

from subspacelens_tui.sessions.events import HEARTBEAT_SECONDS, EventWriter
from subspacelens_tui.sessions.processes import process_space


def say_started(events: EventWriter, world: int) -> None:
    """Say which process records, and how many recorders were started together."""
    me = psutil.Process()
    events.write(
        "started",
        host=socket.gethostname(),
        process_space=process_space(),
        pid=me.pid,
        process_started=me.create_time(),
        since_boot=round(me.create_time() - psutil.boot_time(), 2),
        world=world,
    )


@contextlib.contextmanager
def beating(beat: Callable[[], None]) -> Iterator[None]:
    """Call `beat` every two seconds, in a thread of its own, until the block ends."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            # A full disk must not end the thread: the main one reports it when it cannot write.
            with contextlib.suppress(OSError):
                beat()

    heart = threading.Thread(target=go_on, name="heartbeat", daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()
