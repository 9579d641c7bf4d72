"""Record the bundled model."""

from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.commands.record import run
from subspacelens_tui.options.common import APPEARANCE
from subspacelens_tui.options.recording import DEVICES, PIPELINE, RECORDING

COMMAND = Command(
    "demo",
    "record the bundled model and watch it live",
    run,
    (*APPEARANCE, *RECORDING, *PIPELINE, *DEVICES),
    order=10,
    always={"allow_pickle": False, "resume": None},
)
