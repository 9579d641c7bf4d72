"""The recorder process: `python -m subspacelens_tui.recording SESSION_FOLDER`."""

import sys
from pathlib import Path

from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder


def main(folder: Path) -> int:
    """Record the session in `folder`; its event log and exit status say how it went."""
    try:
        return Recorder(folder).run()
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
