"""Recordings of the bundled model, few steps each, and the pipeline itself."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from subspacelens_tui import demo
from subspacelens_tui.models import Architecture
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.writer import create_session
from tests.warm_start import WarmPopen

QUICK = Request(seeds=1, steps=3)
PATIENCE = 240
Planned = Callable[..., Path]


def wait_for(session: Session, reached: Callable[[Session], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached(session):
        assert time.monotonic() < deadline, session.state
        time.sleep(0.05)
        session.refresh()


def prompt_file(folder: Path, *subjects: str) -> str:
    """A prompt set of these subjects."""
    path = folder / "prompts.toml"
    lines = [f'[[prompts]]\ntext = "a {name}"\nlabels = {{ fine = "{name}" }}\n' for name in subjects]
    path.write_text('name = "few"\nschemes = ["fine"]\n' + "".join(lines))
    return str(path)


def with_scheduler(folder: Path, kind: str, **changes: Any) -> Path:
    """The bundled model with another scheduler, in a folder of its own."""
    folder.mkdir()
    for part in demo.MODEL_PATH.iterdir():
        if part.name not in ("scheduler", "model_index.json"):
            (folder / part.name).symlink_to(part)
    index = json.loads((demo.MODEL_PATH / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", kind]
    (folder / "model_index.json").write_text(json.dumps(index))
    scheduler(kind, **changes).save_pretrained(folder / "scheduler")
    return folder


def scheduler(kind: str, **changes: Any) -> Any:
    """A scheduler for the bundled model, which predicts images: some cannot, and need a `prediction_type`."""
    config = json.loads((demo.MODEL_PATH / "scheduler" / "scheduler_config.json").read_text())
    return getattr(diffusers, kind).from_config({**config, **changes})


@pytest.fixture(scope="session")
def warm_source() -> Iterator[None]:
    """The process that others are forked from ends with the tests."""
    yield
    WarmPopen.close_source()


@pytest.fixture(scope="module", autouse=True)
def warm_start(warm_source: None) -> Iterator[None]:
    """Processes of the program need not import torch first, but for those of `cold_start`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", WarmPopen)
        yield


@pytest.fixture
def cold_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes start from nothing, as for users: for tests of what happens then."""
    monkeypatch.setattr(subprocess, "Popen", WarmPopen.__base__)


@pytest.fixture
def own_signals() -> Iterator[None]:
    """A recorder in this process takes its signals; give them back."""
    taken = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGHUP)
    kept = {number: signal.getsignal(number) for number in taken}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def loaded() -> tuple[Any, Architecture]:
    """The demo pipeline in float32 on the CPU."""
    torch.set_num_threads(1)
    return load_pipeline(ModelSource(str(demo.MODEL_PATH)), torch.float32)


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Plan a quick recording of the demo model; keywords as of `Request`."""

    def make(name: str = "run", **changes: Any) -> Path:
        folder = tmp_path / "sessions" / name
        create_session(folder, plan(replace(QUICK, **changes)))
        return folder

    return make
