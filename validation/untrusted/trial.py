"""One session through everything that reads it: the Python reader and the commands; `screens` has the app."""

import contextlib
import io
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from subspacelens_tui.cli import main
from subspacelens_tui.sessions import NotFiniteWarning, SessionError, open_session
from subspacelens_tui.sessions.pictures import read_picture
from validation.untrusted.texts import raw_characters

# Of so many seeds that follow each other one gets what takes longest.
SELDOM = 25
# A share of a processor below which something waits rather than works.
_WAITING = 0.1


@dataclass
class Trial:
    """What happened to one session.

    Attributes:
        seed, mutations: how it was made.
        small: whether all its metrics take no more than a moment.
        faults: what should not have happened, in a line each.
        seconds: by what was done, see `timed`.
        megabytes: the most memory meanwhile.
        opened: whether the session could be opened at all.
    """

    seed: int
    mutations: list[str]
    small: bool = True
    faults: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: float = 0.0
    opened: bool = False

    @property
    def thorough(self) -> bool:
        """Whether it gets what takes longest."""
        return self.seed % SELDOM == 0

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long it takes, what it raises, and the most memory.

        The time is that of the processor, since others may use the machine, or by the clock where it waited.
        """
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak
        clock, processor = time.perf_counter(), time.process_time()
        try:
            yield
        except Exception as error:
            self.faults.append(f"{what}: {type(error).__name__}: {error}"[:500])
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        took = round(processor if processor > _WAITING * clock else clock, 3)
        self.seconds[what] = max(took, self.seconds.get(what, 0.0))
        peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
        self.megabytes = max(self.megabytes, int(peak) // 1024)

    def check_shown(self, what: str, shown: str) -> None:
        """Note what a terminal should not have been sent."""
        if raw := raw_characters(shown):
            self.faults.append(f"{what}: shows {sorted(map(ascii, raw))}")

    def command(self, what: str, words: Sequence[str]) -> None:
        """Run a command of the program in this process."""
        out, err = io.StringIO(), io.StringIO()
        with self.timed(what), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(list(words))
            if status not in (0, 1, 2):
                self.faults.append(f"{what}: exit status {status}")
            if status and len(err.getvalue().splitlines()) != 1:
                self.faults.append(f"{what}: failed in {len(err.getvalue().splitlines())} lines")
        self.check_shown(what, out.getvalue() + err.getvalue())


def read_all(trial: Trial, session: Path) -> None:
    """Read and analyse a session, in every way and by every command if it is a thorough trial.

    One that is not small is spared what honestly takes many seconds: tables and export.
    """
    _read(trial, session)
    commands = _commands(session)
    in_turn = _IN_TURN[trial.seed % len(_IN_TURN)]
    for what in commands if trial.thorough else ("analyze", in_turn):
        if trial.small or what not in _OF_SMALL_ONES:
            trial.command(what, commands[what])


def _read(trial: Trial, path: Path) -> None:
    with trial.timed("the Python reader"), warnings.catch_warnings(), contextlib.suppress(SessionError):
        warnings.simplefilter("ignore", NotFiniteWarning)  # what it should say of such features
        session = open_session(path)
        trial.opened = True
        session.refresh()
        for call in (session.features, session.tokens):
            with contextlib.suppress(SessionError):
                call(0)
        for image in range(min(3, len(session.manifest.images))):
            with contextlib.suppress(SessionError):
                read_picture(session, image, 64)


_IN_TURN = ("analyze --json", "analyze --thorough", "analyze --every-image", "analyze --tokens")
_OF_SMALL_ONES = ("analyze --thorough", "analyze --tables", "export")


def _commands(session: Path) -> dict[str, list[str]]:
    path, few = str(session), ("--permutations", "4")
    return {
        "analyze": ["analyze", path, *few],
        "analyze --json": ["analyze", path, *few, "--json"],
        "analyze --thorough": ["analyze", path, "--thorough"],
        "analyze --every-image": ["analyze", path, "--every-image"],
        "analyze --tokens": ["analyze", path, "--tokens", *few],
        "analyze --sweep": ["analyze", path, "--sweep", "delta_R"],
        "analyze --tables": ["analyze", path, "--tables", *few],
        "compare": ["compare", path, f"{path}@features=centred"],
        "export": ["export", path, *few, "--to", str(session.parent / "exported")],
        "show": ["show", path],
    }
