"""What is done to the app and its terminal while it shows a recording: the recording must go on."""

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from subspacelens_tui.sessions import Phase, open_session
from validation.reliability.harness import (
    PROGRAM,
    Row,
    Screen,
    damage,
    folder_of_sessions,
    grows_to,
    quick,
    recorder_of,
    session_there,
    wait_until,
)


def signalled(number: signal.Signals, times: int) -> Row:
    """A signal to the app that shows a recording, with a second viewer beside it."""
    row = Row(f"{number.name} to the app during a recording, with a second viewer open", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            screen = Screen([*PROGRAM, "record", *quick(folder, "seen", seeds=4)])
            session = session_there(folder / "seen")
            viewer = Screen([*PROGRAM, "replay", str(folder / "seen")])
            assert grows_to(session, 5)
            os.kill(screen.process.pid, number)
            row.count("the app exits", wait_until(lambda s=screen: s.process.poll() is not None))
            row.count("the other viewer stays open", viewer.process.poll() is None)
            _recording_goes_on(row, folder / "seen")
            viewer.process.kill()
            viewer.process.wait()
            for terminal in (screen, viewer):
                terminal.close()
    return row


def terminal_closed(times: int) -> Row:
    """The terminal goes while the app shows a recording."""
    row = Row("the app's terminal closed during a recording", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            screen = Screen([*PROGRAM, "record", *quick(folder, "seen", seeds=4)])
            assert grows_to(session_there(folder / "seen"), 5)
            screen.close()
            row.count("the app exits", wait_until(lambda s=screen: s.process.poll() is not None))
            _recording_goes_on(row, folder / "seen")
    return row


def connection_dropped(times: int) -> Row | None:
    """An SSH connection to this machine dies while the app shows a recording; None without an SSH server."""
    if shutil.which("sshd") is None or shutil.which("ssh") is None or os.geteuid() != 0:
        return None
    row = Row("the ssh client of `ssh host subspacelens-tui record` killed with -9 during a recording", times)
    for _ in range(times):
        with folder_of_sessions() as folder, _ssh_server(folder) as login:
            command = [*PROGRAM, "record", *quick(folder, "seen", seeds=4)]
            here = f"cd {shlex.quote(str(Path.cwd()))} && PYTHONPATH=. TERM=xterm-256color exec"
            screen = Screen([*login, f"{here} {shlex.join(command)}"])
            session = session_there(folder / "seen")
            assert grows_to(session, 5)
            recorder = recorder_of(session)
            row.count("the recorder runs in its own process session", os.getsid(recorder.pid) == recorder.pid)
            screen.process.kill()
            screen.process.wait()
            _recording_goes_on(row, folder / "seen")
            screen.close()
    return row


def _recording_goes_on(row: Row, path: Path) -> None:
    session = open_session(path)
    row.count("the recording runs to completion", grows_to(session, 100))
    done = wait_until(lambda: session.refresh() or session.state.ranks[0].phase is Phase.FINISHED)
    row.count("all files are intact", done and damage(path) == 0)


@contextlib.contextmanager
def _ssh_server(folder: Path) -> Iterator[list[str]]:
    """An SSH server for this user on a free port; gives the command that logs in."""
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    options = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "prohibit-password",
    }
    configuration = folder / "sshd_config"
    configuration.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
    server = subprocess.Popen(
        [str(shutil.which("sshd")), "-D", "-e", "-f", configuration], stderr=subprocess.DEVNULL
    )
    try:
        assert wait_until(lambda: _answers(int(port)), 20)
        trust = [
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
        ]
        yield ["ssh", "-tt", "-p", port, "-i", str(folder / "user"), *trust, "127.0.0.1"]
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
