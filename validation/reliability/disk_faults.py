"""What disks do: fill up, and refuse to be written."""

from subspacelens_tui.sessions import Phase, open_session
from validation.reliability.harness import (
    Row,
    damage,
    folder_of_sessions,
    left_over,
    may_mount,
    one_line,
    planned,
    program,
    quick,
    remount,
    resume,
    same_features,
    small_disk,
    start_recorder,
)

_FIRST_KILOBYTES = 500
_MORE_KILOBYTES = 70


def full(times: int) -> Row | None:
    """A disk that fills up at another moment each time; None where nothing may be mounted."""
    if not may_mount():
        return None
    row = Row("a full disk (tmpfs of 500 kB and more), then enlarged", times)
    with folder_of_sessions() as elsewhere:
        whole = planned(elsewhere, 2)
        assert start_recorder(whole).wait() == 0
        for n in range(times):
            with small_disk(f"{_FIRST_KILOBYTES + n * _MORE_KILOBYTES}k") as disk:
                done = program("record", "--headless", *quick(disk, "run"))
                row.count("exit status 1 and one line", one_line(done) and "No space left" in done.stderr)
                path = disk / "run"
                state = open_session(path).state
                # The reason itself may not have fitted on the disk.
                row.count("the session opens as failed", state.phase is Phase.FAILED)
                row.count("everything written is intact", damage(path) == 0)
                remount(disk, "-o", "remount,size=20m")
                row.count("with more space a resume completes it", resume(path) and not left_over(path))
                row.count("features identical to an undisturbed recording's", same_features(path, whole))
    return row


def read_only(times: int) -> Row | None:
    """A folder that cannot be written; None where nothing may be mounted."""
    if not may_mount():
        return None
    row = Row("a read-only file system: `record`, `record --resume`, then `list`, `analyze`, `show`", times)
    for _ in range(times):
        with small_disk("20m") as disk:
            where = ("--sessions", str(disk))
            assert program("record", "--headless", *quick(disk, "done", seeds=1)).returncode == 0
            planned(disk, 1, "left")
            remount(disk, "-o", "remount,ro")
            row.count(
                "`record` fails with one line", one_line(program("record", "--headless", *quick(disk, "new")))
            )
            refused = program("record", "--headless", *where, "--resume", "left")
            row.count("so does `record --resume`", one_line(refused))
            readers = (["list"], ["analyze", "done"], ["show", "done"])
            shown = [program(*command, *where).returncode == 0 for command in readers]
            row.count("sessions on it can be read", all(shown))
    return row
