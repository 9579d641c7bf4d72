"""What is wrong with models and memory: one line each, and a session that still opens."""

import contextlib
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from subspacelens_tui.demo import MODEL_PATH
from subspacelens_tui.sessions import Phase, open_session
from validation.reliability.harness import (
    Row,
    damage,
    folder_of_sessions,
    one_line,
    planned,
    program,
    quick,
)

_WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
_NOBODY_LISTENS = "http://127.0.0.1:1"

# A transformer that has no memory for more than two images at a time, with and without text.
_LITTLE_MEMORY = """
import sys
from pathlib import Path
import torch
from diffusers import PixArtTransformer2DModel
from subspacelens_tui.recording.recorder import Recorder

forward = PixArtTransformer2DModel.forward

def limited(self, hidden_states, *args, **kwargs):
    if hidden_states.shape[0] > 4:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return forward(self, hidden_states, *args, **kwargs)

PixArtTransformer2DModel.forward = limited
sys.exit(Recorder(Path(sys.argv[1])).run())
"""


def out_of_memory(times: int) -> Row:
    """A GPU's out-of-memory error raised by the transformer at more than two images at a time."""
    row = Row(
        "out of memory raised by the transformer for more than two images at a time (simulated, CPU)", times
    )
    for _ in range(times):
        with folder_of_sessions() as folder:
            path = planned(folder, 1)
            done = subprocess.run([sys.executable, "-c", _LITTLE_MEMORY, str(path)], capture_output=True)
            session = open_session(path)
            row.count("it finishes", done.returncode == 0 and session.state.phase is Phase.FINISHED)
            whole = len(session.images()) == 25 and damage(path) == 0
            row.count("no image is lost, all files intact", whole)
    return row


def damaged(times: int) -> Row:
    """A model's folder whose transformer weights are cut off."""
    row = Row("the model's weights truncated", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            model = folder / "model"
            shutil.copytree(MODEL_PATH, model)
            with (model / _WEIGHTS).open("r+b") as weights:
                weights.truncate((MODEL_PATH / _WEIGHTS).stat().st_size // 2)
            _refused(row, folder, str(model))
    return row


def unreachable(times: int) -> Row:
    """A model that is not here, and no hub."""
    row = Row("a model on the hub while the hub cannot be reached", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            _refused(row, folder, "somebody/pixart", HF_HOME=str(folder / "hf"), HF_ENDPOINT=_NOBODY_LISTENS)
    return row


def incomplete(times: int) -> Row:
    """A model that is in the hub's cache without its weights, and no hub."""
    row = Row("a model in the hub's cache without its transformer's weights, and the hub unreachable", times)
    for _ in range(times):
        with folder_of_sessions() as folder:
            cached = folder / "hf" / "hub" / "models--somebody--pixart"
            commit = "0" * 40
            shutil.copytree(
                MODEL_PATH, cached / "snapshots" / commit, ignore=shutil.ignore_patterns(Path(_WEIGHTS).name)
            )
            (cached / "refs").mkdir()
            (cached / "refs" / "main").write_text(commit)
            _refused(row, folder, "somebody/pixart", HF_HOME=str(folder / "hf"), HF_ENDPOINT=_NOBODY_LISTENS)
    return row


def mistyped(times: int) -> Row:
    """An id that the hub does not know."""
    return _answered("an id unknown to the hub (a local stand-in)", 404, "RepoNotFound", times)


def gated(times: int) -> Row:
    """A gated model."""
    return _answered("a gated model (on a local stand-in for the hub)", 403, "GatedRepo", times)


def _answered(what: str, status: int, code: str, times: int) -> Row:
    row = Row(what, times)
    for _ in range(times):
        with folder_of_sessions() as folder, _hub(status, code) as endpoint:
            _refused(row, folder, "somebody/pixart", HF_HOME=str(folder / "hf"), HF_ENDPOINT=endpoint)
    return row


def _refused(row: Row, folder: Path, model: str, **environment: str) -> None:
    options = [*quick(folder, "run"), "--prompts", "demo"]
    done = program("record", "--headless", "--model", model, *options, **environment)
    row.count("exit status 1 and one line", one_line(done))
    row.count("the line gives the next command to type", done.stderr.count("`") >= 2)
    state = open_session(folder / "run").state
    row.count(
        "the session opens as failed, with the reason", state.phase is Phase.FAILED and state.detail != ""
    )


@contextlib.contextmanager
def _hub(status: int, code: str) -> Iterator[str]:
    """A server that answers everything as the hub does with this error."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "no")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
