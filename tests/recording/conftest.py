"""Recordings of the bundled model, few steps each, and the pipeline itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from subspacelens_tui import demo
from subspacelens_tui.models import Architecture
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.sessions.writer import create_session

QUICK = Request(seeds=1, steps=3)


@pytest.fixture(scope="session")
def loaded() -> tuple[Any, Architecture]:
    """The demo pipeline in float32 on the CPU."""
    torch.set_num_threads(1)
    return load_pipeline(str(demo.MODEL_PATH), torch.device("cpu"), torch.float32)


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., Path]:
    """Plan a quick recording of the demo model; keywords as of `Request`."""

    def make(name: str = "run", **changes: Any) -> Path:
        folder = tmp_path / "sessions" / name
        create_session(folder, plan(replace(QUICK, **changes)))
        return folder

    return make
