"""Say what this machine can run."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from subspacelens_tui.cli.command import Command, given
from subspacelens_tui.options.common import JSON
from subspacelens_tui.options.recording import DEVICES, MODEL, SOURCE

if TYPE_CHECKING:
    from subspacelens_tui.planning import Estimate


def run(arguments: argparse.Namespace) -> int:
    """Device, memory, versions, models in the cache; and what recording a model will take."""
    from subspacelens_tui.recording.libraries import load_libraries
    from subspacelens_tui.recording.spawn import leave_deleted_folder

    leave_deleted_folder()
    load_libraries("torch")
    from subspacelens_tui.recording.doctor import examine, recording_json
    from subspacelens_tui.sessions.sanitise import plain

    found = examine()
    recording = None if arguments.model is None else _model_estimate(arguments)
    if arguments.json:
        told = found.to_json()
        if recording is not None:
            told["recording"] = {"model": arguments.model, **recording_json(recording)}
        print(json.dumps(told, indent=1))
        return 0
    for line in found.lines:
        print(plain(line))
    for line in () if recording is None else recording.lines:
        print(f"{'recording':18} {plain(line)}")
    return 0


def _model_estimate(arguments: argparse.Namespace) -> Estimate:
    from subspacelens_tui.planning import Request, estimate
    from subspacelens_tui.sessions.catalog import sessions_folder

    asked = given(arguments, Request) | {"allow_pickle": True}  # nothing is loaded
    return estimate(Request(**asked), sessions_folder(arguments.sessions))


COMMAND = Command(
    "doctor",
    "say what this machine can run",
    run,
    (
        replace(JSON, help="as JSON, sizes in bytes"),
        replace(MODEL, help="also say what recording this model will take", default=None),
        *SOURCE,
        *DEVICES,
    ),
    order=100,
)
