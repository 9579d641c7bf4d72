"""The trainer process: `python -m subspacelens_tui.training JOB_FOLDER`."""

import sys
from pathlib import Path

from subspacelens_tui.sessions.detached_processes import leave_deleted_folder
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.standard_streams import prepare
from subspacelens_tui.training.trainer import Trainer, TrainingError


def main(folder: str) -> int:
    """Train what is missing; the event log and the exit status say how it went."""
    prepare()
    leave_deleted_folder()
    try:
        return Trainer(Path(folder)).run()
    except TrainingError as error:
        print(plain(error), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
