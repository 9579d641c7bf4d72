"""Say what this machine can run."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from subspacelens_tui.cli.command import Command, given
from subspacelens_tui.options.common import JSON
from subspacelens_tui.options.recording import DEVICES, MODEL, PIPELINE, SOURCE

if TYPE_CHECKING:
    from subspacelens_tui.planning import Estimate, Request


def run(arguments: argparse.Namespace) -> int:
    """Device, memory, versions, models in the cache; and what recording a model will take."""
    from subspacelens_tui.recording.libraries import load_libraries
    from subspacelens_tui.sessions.detached_processes import leave_deleted_folder

    leave_deleted_folder()
    load_libraries("torch")
    from subspacelens_tui.recording.doctor_findings import examine, recording_json, try_recording
    from subspacelens_tui.sessions.sanitise import plain

    found = examine()
    request = None if arguments.model is None else _request(arguments)
    recording = None if request is None else _model_estimate(arguments, request)
    tried = None if request is None else try_recording(request)
    status = int(tried is not None and tried.recordable is False)
    if arguments.json:
        told = found.to_json()
        if recording is not None:
            told["recording"] = {"model": arguments.model, **recording_json(recording)}
        if tried is not None:
            told["recording"] |= tried.to_json()
        print(json.dumps(told, indent=1))
        return status
    for line in found.lines:
        print(plain(line))
    for line in () if recording is None else recording.lines:
        print(f"{'recording':18} {plain(line)}")
    for line in () if tried is None else tried.lines:
        print(f"{'recording':18} {plain(line)}")
    return status


def _request(arguments: argparse.Namespace) -> Request:
    from subspacelens_tui.planning import Request

    # To say what it takes; loading it to try it is another matter.
    return Request(**given(arguments, Request) | {"allow_pickle": True})


def _model_estimate(arguments: argparse.Namespace, request: Request) -> Estimate:
    from subspacelens_tui.planning import estimate
    from subspacelens_tui.sessions.catalog import sessions_folder

    return estimate(request, sessions_folder(arguments.sessions))


COMMAND = Command(
    "doctor",
    "report what this machine can run",
    run,
    (
        replace(JSON, help="as JSON, sizes in bytes"),
        replace(MODEL, help="also report what recording this model will take", default=None),
        *SOURCE,
        *PIPELINE,
        *DEVICES,
    ),
    order=100,
)
