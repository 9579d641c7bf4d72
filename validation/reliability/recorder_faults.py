"""What is done to a recorder: kills, signals, a second one of the same name, clocks that are set."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from subspacelens_tui.sessions import Phase, Session, open_session
from validation.reliability.harness import (
    PROGRAM,
    Row,
    damage,
    folder_of_sessions,
    grows_to,
    left_over,
    planned,
    quick,
    resume,
    same_features,
    session_there,
    start_python,
    start_recorder,
    wait_until,
)

_LOADING_SECONDS = 8.0


# A recorder that cuts a file short and kills itself just before that file would take its place. To look for a
# half-written file from outside is no use: it is there for a millisecond, and a fast recording ends unseen.
DIES_WRITING = """
import os, signal, sys
from pathlib import Path
from subspacelens_tui.recording.recorder import Recorder

replace, written, last, share = Path.replace, 0, int(sys.argv[2]), float(sys.argv[3])

def replace_or_die(self, target):
    global written
    written += 1
    if written == last:
        os.truncate(self, int(share * self.stat().st_size))
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)

Path.replace = replace_or_die
sys.exit(Recorder(Path(sys.argv[1])).run())
"""
# The request file, session.json, and two batches of features and five pictures.
_FILES_OF_TWO_BATCHES = 14


def killed(times: int) -> Row:
    """SIGKILL: in turn while a file is half written, at any moment, and soon after a batch."""
    row = Row(
        "recorder killed with -9: in turn while one of the first 14 files that it writes is half written, at "
        "a random moment in its first 8 s, and within 1 s of finishing a batch",
        times,
        never={"finished images lost": 0, "damaged files": 0},
        notes={
            "killed after recording images since it was started": 0,
            "half-written files left by kills": 0,
        },
    )
    rng = random.Random(0)
    with folder_of_sessions() as folder:
        # More images than recorders that are killed in their first seconds can make.
        path, whole = planned(folder, times + 5), planned(folder, times + 5, "undisturbed")
        finished: set[int] = set()
        for n in range(times):
            _kill_once(path, n % 3, rng)
            session = open_session(path)
            now = set(session.images())
            row.never["finished images lost"] += len(finished - now)
            row.never["damaged files"] += damage(path, sorted(now - finished))
            row.count(
                "the session opens and says that the recorder ended (or, if killed before its first event, that "
                "none has started)",
                session.state.phase is (Phase.FAILED if session.log else Phase.WAITING),
            )
            row.notes["killed after recording images since it was started"] += now > finished
            row.notes["half-written files left by kills"] += left_over(path)
            finished = now
        row.never["resumes that did not complete the session"] = int(not resume(path))
        assert start_recorder(whole).wait() == 0
        row.never["features that differ from an undisturbed recording's"] = int(
            not same_features(path, whole)
        )
        row.never["half-written files at the end"] = left_over(path)
    return row


def _kill_once(path: Path, way: int, rng: random.Random) -> None:
    if way == 0:
        last, share = rng.randint(1, _FILES_OF_TWO_BATCHES), rng.random()
        assert start_python(DIES_WRITING, str(path), str(last), str(share)).wait() == -signal.SIGKILL
        return
    process = start_recorder(path)
    session = open_session(path)
    if way == 1:
        time.sleep(rng.uniform(0, _LOADING_SECONDS))
    else:
        assert grows_to(session, session.state.recorded + 1)
        time.sleep(rng.uniform(0, 1))
    process.kill()
    process.wait()


def signalled(number: signal.Signals, times: int) -> Row:
    """SIGTERM or SIGINT at random moments after the recorder has said that it started."""
    row = Row(f"{number.name} to the recorder, 0 to 8 s after it said that it started", times)
    rng = random.Random(number)
    with folder_of_sessions() as folder:
        path = planned(folder, max(2, 4 * times))
        for _ in range(times):
            process = start_recorder(path)
            session = open_session(path)
            assert wait_until(lambda s=session: s.refresh() or s.state.phase is Phase.LOADING)
            time.sleep(rng.uniform(0, _LOADING_SECONDS))
            process.send_signal(number)
            row.count("exit status 130", process.wait() == 130)
            state = open_session(path).state
            row.count("the session says why", state.detail == f"signal {number.name}")
        row.never = {
            "damaged files": damage(path),
            "resumes that did not complete the session": int(not resume(path)),
        }
    return row


def hung_up(times: int) -> Row:
    """SIGHUP while it loads and while it records."""
    row = Row("SIGHUP to the recorder, while it loads and while it records", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            path = planned(folder, 1)
            process = start_recorder(path)
            session = open_session(path)
            assert wait_until(lambda s=session: s.refresh() or s.state.phase is Phase.LOADING)
            process.send_signal(signal.SIGHUP)
            grows_to(session, 1)
            process.send_signal(signal.SIGHUP)
            row.count("it runs to completion", process.wait() == 0 and len(open_session(path).images()) == 25)
    return row


def same_name(times: int, together: int = 3) -> Row:
    """Several recordings given one name at the same moment."""
    row = Row(f"{together} `record --name` commands with one name, started at the same moment", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            command = [*PROGRAM, "record", "--headless", *quick(folder, "same", seeds=1)]
            row_of = [_piped(command) for _ in range(together)]
            told = [process.communicate()[1] for process in row_of]
            status = sorted(process.returncode for process in row_of)
            row.count("one records, the others are refused", status == [0] + [1] * (together - 1))
            refused = [text for text, process in zip(told, row_of, strict=True) if process.returncode]
            row.count(
                "each refusal is one line",
                all(t.count("\n") == 1 and "choose another --name" in t for t in refused),
            )
            row.count("the session is intact", damage(folder / "same") == 0)
    return row


def resumed_twice(times: int, together: int = 2) -> Row:
    """Several recorders going on with one session at the same moment."""
    row = Row(f"{together} `record --resume` commands for one session, started at the same moment", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            path = planned(folder, 2)
            command = [*PROGRAM, "record", "--headless", "--sessions", str(folder), "--resume", "run"]
            processes = [_piped(command) for _ in range(together)]
            told = [process.communicate()[1] for process in processes]
            status = sorted(process.returncode for process in processes)
            row.count("one records, the others are refused", status == [0] + [1] * (together - 1))
            refused = [text for text, process in zip(told, processes, strict=True) if process.returncode]
            row.count("each refusal is one line", all(text.count("\n") == 1 for text in refused))
            row.count("the session is intact", damage(path) == 0 and len(open_session(path).images()) == 50)
    return row


def clock_set(times: int) -> Row | None:
    """The recorder's clock jumps by a day, forwards and back; None without libfaketime."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None or shutil.which("faketime") is None:
        return None
    row = Row("the recorder's clock set a day ahead, then a day back, while it records (libfaketime)", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            path, clock = planned(folder, 8), folder / "clock"
            clock.write_text("+0")
            process = start_recorder(
                path, LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1"
            )
            session, phases = open_session(path), set[Phase]()
            for offset, images in (("+1d", 5), ("-1d", 60), ("+0", 120), ("+0", 200)):
                wait_until(lambda s=session, p=phases, n=images: _watch(s, p) >= n)
                clock.write_text(offset)
                # Whoever opens the session now sees the same.
                phases.add(open_session(path).state.phase)
            process.wait()
            odd = phases - {Phase.WAITING, Phase.LOADING, Phase.RECORDING, Phase.FINISHED}
            row.count("never shown as failed or stale", not odd)
            row.count(
                "it finishes, all files intact", damage(path) == 0 and len(open_session(path).images()) == 200
            )
            times_of = [event["time"] for event in session.log]
            row.count("times in the log run backwards", times_of != sorted(times_of))
    return row


def _watch(session: Session, phases: set[Phase]) -> int:
    session.refresh()
    phases.add(session.state.phase)
    return session.state.recorded


def _piped(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def rank_killed(times: int) -> Row:
    """One of two ranks killed at a random moment."""
    row = Row(
        "one of two workers (started as by `srun`) killed with -9, 0 to 8 s after both had started", times
    )
    rng = random.Random(1)
    for n in range(times):
        with folder_of_sessions() as folder:
            ranks = [_rank(folder, index) for index in (0, 1)]
            session = session_there(folder / "ranks")
            assert wait_until(lambda s=session: s.refresh() or len(s.state.ranks) == 2)
            time.sleep(rng.uniform(0, _LOADING_SECONDS))
            ranks[n % 2].kill()
            row.count("the other records everything", ranks[1 - n % 2].wait() == 0)
            path = folder / "ranks"
            row.count(
                "all images present and intact", len(open_session(path).images()) == 100 and not damage(path)
            )
    return row


def _rank(folder: Path, index: int) -> "subprocess.Popen[bytes]":
    slurm = {"SLURM_PROCID": str(index), "SLURM_STEP_NUM_TASKS": "2", "SLURM_LOCALID": str(index)}
    return subprocess.Popen(
        [*PROGRAM, "record", *quick(folder, "ranks", seeds=4)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **slurm},
    )
