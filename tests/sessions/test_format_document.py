"""docs/session-format.md has every key, event and file that the code has."""

import re
from pathlib import Path
from typing import get_args

import pytest

from subspacelens_tui.recording.spawn import log_file
from subspacelens_tui.sessions.control import Request
from subspacelens_tui.sessions.events import EventName, event_file
from subspacelens_tui.sessions.features import LATENTS, STEERING, block_key, file_name, tokens_key
from subspacelens_tui.sessions.format import (
    BRANCHES,
    Block,
    ImageInfo,
    Manifest,
    ModelInfo,
    Prompt,
    Steering,
    UnreadText,
)
from subspacelens_tui.sessions.steering_file import STEERING_FILE
from subspacelens_tui.sessions.versions import FORMAT_VERSION
from subspacelens_tui.sessions.writer import image_path

DOCUMENT = (Path(__file__).parents[2] / "docs" / "session-format.md").read_text(encoding="utf-8")
HERE = Path()


def test_every_key_of_session_json_is_there() -> None:
    quoted = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", DOCUMENT))))
    keys = {
        key
        for part in (Manifest, ModelInfo, Prompt, ImageInfo, Block, Steering, UnreadText)
        for key in part.model_fields
    }
    assert keys - quoted == set()
    assert f"| `format_version` | {FORMAT_VERSION} |" in DOCUMENT


@pytest.mark.parametrize(
    "name",
    [
        *get_args(EventName),
        *get_args(Request),
        *BRANCHES,
        *(
            LATENTS,
            STEERING,
            block_key(0),
            tokens_key(1),
            file_name(range(125, 130)),
            image_path(HERE, 125).name,
        ),
    ],
)
def test_every_name_on_disk_is_there(name: str) -> None:
    assert re.search(rf"`(\w+`, `)*{re.escape(name)}`", DOCUMENT)


def test_the_files_are_listed() -> None:
    steering = HERE / STEERING_FILE
    for path in (event_file(HERE), event_file(HERE, 1), log_file(HERE), log_file(HERE, 1), steering):
        assert path.name in DOCUMENT
