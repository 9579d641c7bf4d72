"""Processes of the program that need not import torch first: forked from one that has imported it.

A recorder spends most of a short recording on imports, several seconds of processor time in each of dozens of
tests. `WarmPopen` stands in for `subprocess.Popen`: the process is a real one, with its own pid, session,
signals, files and exit status, a child of whoever started it; only its interpreter has not started from
nothing. What depends on that start (the variables that Python and the libraries read when they are imported,
`preexec_fn`, other modules) gets a process as ever, and so does every system but Linux.
"""

import ctypes
import gc
import inspect
import json
import os
import runpy
import socket
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_PROGRAM = ("subspacelens_tui", "subspacelens_tui.recording")
_READ_AT_START = ("PYTHON", "HF_", "HUGGINGFACE", "TRANSFORMERS", "DIFFUSERS", "TOKENIZERS", "TORCH", "CUDA")
_READ_AT_START += ("OMP_", "MKL_", "OPENBLAS", "LD_", "LC_", "LANG", "HOME", "XDG_CACHE", "PATH", "TMPDIR")
_READ_AT_START += ("TEXTUAL", "COLORTERM", "NO_COLOR")
# Only what is first in `sys.path` depends on it: see `_become`.
_SAFE_PATH = "PYTHONSAFEPATH"


# `subprocess.Popen` may be `WarmPopen` by the time that something is started.
_Popen = subprocess.Popen


class _Source:
    """The process that the others are forked from; it ends when its socket is closed."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-m", __name__, str(theirs.fileno())]
        self._process = _Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()

    def start(self, request: Mapping[str, Any], files: Sequence[int]) -> int:
        """Fork a process; its pid."""
        # The process is forked twice, and we inherit it as its parent ends: so it is waited for as any other.
        _adopt_orphans(True)
        try:
            socket.send_fds(self._socket, [len(request["text"]).to_bytes(8)], list(files))
            self._socket.sendall(request["text"])
            answer = self._socket.recv(8)
        finally:
            _adopt_orphans(False)
        if len(answer) != 8:
            raise OSError("the process that others are forked from has ended")
        return int.from_bytes(answer)

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait()


def _adopt_orphans(adopt: bool) -> None:
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0) != 0:
        raise OSError("prctl failed")


class WarmPopen(_Popen):  # type: ignore[type-arg]
    """`subprocess.Popen` of processes that need not import torch first, where they may be of that kind."""

    _source: _Source | None = None

    @classmethod
    def close_source(cls) -> None:
        """End the process that the others were forked from."""
        if cls._source is not None:
            cls._source.close()
            cls._source = None

    def _execute_child(self, *given: Any) -> None:
        asked = inspect.signature(_Popen._execute_child).bind(self, *given).arguments  # type: ignore[attr-defined]
        environment = {**(os.environ if asked["env"] is None else asked["env"])}
        if not self._may_be_warm(asked, environment):
            super()._execute_child(*given)  # type: ignore[misc]
            return
        umask = os.umask(0)
        os.umask(umask)
        request = {
            "arguments": [os.fspath(argument) for argument in asked["args"]][1:],
            "folder": os.fspath(asked["cwd"] or os.getcwd()),  # noqa: PTH109, bytes are not expected
            "environment": environment,
            "umask": umask,
            "new_session": asked["start_new_session"],
        }
        ends = [asked[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        files = [own if end == -1 else end for own, end in enumerate(ends)]
        self.pid = _source().start({"text": json.dumps(request).encode()}, files)
        self._child_created = True
        names = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(asked[name] for name in names))  # type: ignore[attr-defined]

    @staticmethod
    def _may_be_warm(asked: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
        arguments = asked["args"]
        if sys.platform != "linux" or asked["shell"] or not isinstance(arguments, list | tuple):
            return False
        program = [os.fspath(argument) for argument in arguments[:3]]
        ours = program[:2] == [sys.executable, "-c"] or (
            program[:2] == [sys.executable, "-m"] and program[2] in _PROGRAM
        )
        others = ("preexec_fn", "executable", "pass_fds", "startupinfo")
        if not ours or any(asked[name] for name in others) or asked["umask"] != -1:
            return False
        before = _source().environment
        changed = {name for name in before | environment if before.get(name) != environment.get(name)}
        return not any(name.startswith(_READ_AT_START) for name in changed - {_SAFE_PATH})


def _source() -> _Source:
    if WarmPopen._source is None:
        WarmPopen._source = _Source()
    return WarmPopen._source


# In the process that the others are forked from


def _import_all() -> None:
    """What a recording of the bundled model imports, and the commands that print what was recorded."""
    import diffusers
    import PIL.Image
    import transformers

    import subspacelens_tui.analysis.output
    import subspacelens_tui.app.print_session
    import subspacelens_tui.cli
    import subspacelens_tui.models.loading
    import subspacelens_tui.recording.__main__
    import subspacelens_tui.recording.recorder  # noqa: F401
    from subspacelens_tui import demo

    PIL.Image.init()

    libraries = {"diffusers": diffusers, "transformers": transformers}
    index = json.loads((demo.MODEL_PATH / "model_index.json").read_text())
    for library, name in (part for part in index.values() if isinstance(part, list)):
        getattr(libraries[library], name)
    getattr(diffusers, index["_class_name"])


def _serve(connection: socket.socket) -> dict[str, Any] | None:
    """Fork a process for each request; what the forked one is to do, or None once nobody asks any more."""
    while True:
        head, files, _, _ = socket.recv_fds(connection, 8, 3)
        if len(head) != 8:
            return None
        length, text = int.from_bytes(head), b""
        while len(text) < length:
            text += connection.recv(length - len(text))
        read, write = os.pipe()
        if (parent := os.fork()) == 0:
            if (pid := os.fork()) != 0:
                os.write(write, pid.to_bytes(8))
                os._exit(0)
            os.close(read)
            os.close(write)
            connection.close()
            for own, file in enumerate(files):
                os.dup2(file, own)
                os.close(file)
            return dict(json.loads(text))
        os.waitpid(parent, 0)
        connection.sendall(os.read(read, 8))
        for file in (read, write, *files):
            os.close(file)


def _become(request: Mapping[str, Any]) -> None:
    """Run what was asked for as an interpreter of its own would."""
    if request["new_session"]:
        os.setsid()
    os.umask(request["umask"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    _open_standard_streams()
    if request["environment"].get(_SAFE_PATH):
        del sys.path[0]
    else:
        sys.path[0] = os.getcwd() if request["arguments"][0] == "-m" else ""  # noqa: PTH109
    how, what, *arguments = request["arguments"]
    sys.argv = ["-c" if how == "-c" else what, *arguments]
    sys.orig_argv = [sys.executable, how, what, *arguments]
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
        return
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(compile(what, "<string>", "exec"), main.__dict__)


def _open_standard_streams() -> None:
    """Anew, on other files than before, which may be terminals."""
    for name, file, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        errors = "backslashreplace" if name == "stderr" else getattr(sys, name).errors
        lines = name == "stderr" or os.isatty(file)
        encoding = getattr(sys, name).encoding
        stream = open(file, mode, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
        stream.reconfigure(line_buffering=lines)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    _import_all()
    gc.freeze()  # what is looked at is copied
    if (request := _serve(connection)) is not None:
        _become(request)


if __name__ == "__main__":
    _main()
