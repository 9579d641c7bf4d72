"""Recordings of the bundled model, few steps each, and the pipeline itself."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from PIL import Image

from subspacelens_tui import demo
from subspacelens_tui.models.call import PipelineCall, pictures_of
from subspacelens_tui.models.discover import discover
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.writer import create_session
from tests.warm_start import WarmPopen

QUICK = Request(seeds=1, steps=3)
PATIENCE = 600
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


@dataclass(frozen=True)
class Loaded:
    """A pipeline with the layout that was found of it."""

    call: PipelineCall
    layout: Layout

    @property
    def pipeline(self) -> Any:
        return self.call.pipeline

    @property
    def blocks(self) -> list[torch.nn.Module]:
        return self.layout.modules(self.pipeline.transformer)

    def generate(
        self, prompts: Sequence[str], seeds: Sequence[int], guidance: float, steps: int = 3
    ) -> list[Image.Image]:
        """The pictures of these prompts, each with its seed."""
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        return pictures_of(self.call(prompts, generators, steps, guidance))

    def with_other(self, kind: type | None = None, **components: Any) -> "Loaded":
        """The same with other components, of which it has the same layout."""
        made = (kind or type(self.pipeline))(**{**self.pipeline.components, **components})
        made.set_progress_bar_config(disable=True)
        return Loaded(PipelineCall(made), self.layout)


def found(pipeline: Any, guidance: Sequence[float] = (3.0, 1.0)) -> Loaded:
    """A pipeline of the demo's words, with its layout."""
    call = PipelineCall(pipeline)
    return Loaded(call, discover(call, ("a lion", "a car, a lion"), 3, guidance).layout)


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    """The demo pipeline in float32 on the CPU."""
    torch.set_num_threads(1)
    return found(load_pipeline(ModelSource(str(demo.MODEL_PATH)), torch.float32))


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Plan a quick recording of the demo model; keywords as of `Request`."""

    def make(name: str = "run", **changes: Any) -> Path:
        folder = tmp_path / "sessions" / name
        create_session(folder, plan(replace(QUICK, **changes)))
        return folder

    return make
