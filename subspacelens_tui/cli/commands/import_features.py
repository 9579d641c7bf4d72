"""Make a session of activations in a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from subspacelens_tui.cli.command import Command
from subspacelens_tui.options.option import Option, path
from subspacelens_tui.options.recording import NAME
from subspacelens_tui.standard_streams import print_path


def run(arguments: argparse.Namespace) -> int:
    """Print the path of the session."""
    from subspacelens_tui.sessions.feature_import import read_arrays
    from subspacelens_tui.sessions.from_features import write_session

    table = None if arguments.table is None else Path(arguments.table)
    arrays = read_arrays(Path(arguments.file), table, arguments.guidance)
    print_path(write_session(arrays, arguments.name, arguments.sessions))
    return 0


COMMAND = Command(
    "import",
    "make a session from activations in an .npz or .safetensors file",
    run,
    (
        Option("file", "FILE", "arrays of (images, width), one for each layer, and `labels`", path),
        Option(
            "--table",
            "FILE",
            "CSV with a row for each image: prompt, seed, and a column for each label scheme",
            path,
            more="it takes precedence over the labels, prompts and seeds in the file itself",
        ),
        Option(
            "--guidance",
            "G",
            "guidance scale that the images were generated at (default: %(default)g)",
            float,
            default=1.0,
        ),
        NAME,
    ),
    order=55,
)
