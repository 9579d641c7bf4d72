"""Record a bundled model."""

from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.commands.record import run
from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.options.common import APPEARANCE
from subspacelens_tui.options.option import Option
from subspacelens_tui.options.recording import DEVICES, PIPELINE, RECORDING

MODEL = Option(
    "--model",
    "NAME",
    "demo, a PixArt, or demo-mmdit, an SD3 (default: %(default)s)",
    default="demo",
    choices=tuple(BUNDLED),
)
COMMAND = Command(
    "demo",
    "record a bundled model and watch it live",
    run,
    (*APPEARANCE, *RECORDING, *PIPELINE, MODEL, *DEVICES),
    order=10,
    always={"allow_pickle": False, "resume": None},
)
