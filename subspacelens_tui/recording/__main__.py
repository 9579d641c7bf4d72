"""The recorder process: `python -m subspacelens_tui.recording SESSION_FOLDER [--allow-…]`."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.recording.spawn import ALLOW_NONFINITE, ALLOW_PICKLE
from subspacelens_tui.sessions.random_control import next_control
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.standard_streams import prepare


def main(arguments: Sequence[str]) -> int:
    """Record a session, then its control if it has one; event log and exit status say how it went."""
    prepare()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # recorder.log, which is UTF-8 in any locale
            stream.reconfigure(encoding="utf-8")
    folder, *options = arguments
    try:
        status = _record(Path(folder), options)
        control = next_control(Path(folder)) if status == 0 else None
        return status if control is None else _record(control, options)
    except RecordingError as error:
        print(plain(error), file=sys.stderr)
        return 1


def _record(folder: Path, options: Sequence[str]) -> int:
    return Recorder(
        folder,
        allow_pickle=ALLOW_PICKLE in options,
        allow_nonfinite=ALLOW_NONFINITE in options,
    ).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
