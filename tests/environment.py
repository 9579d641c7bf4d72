"""The environment variables of the tests, which do not depend on the user, the terminal or the launcher."""

import os

# What says where things are on this machine. All else (the terminal, its multiplexer and colours, SSH, the
# locale, launchers of several processes, tokens of hubs) would decide what is drawn or how a process starts.
_KEPT = {
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "PATH",
    "TMPDIR",
    "USER",
    "VIRTUAL_ENV",
}
_KEPT_PREFIXES = ("COVERAGE_", "PIP_", "PYTEST", "PYTHONPATH", "PYTHONHASHSEED")
# Of a terminal with 16 colours, and of what writes UTF-8.
_SET = {"TERM": "xterm", "LANG": "C.UTF-8"}


def make_plain() -> None:
    """Leave out of the environment what tells of who runs the tests."""
    for name in list(os.environ):
        if name not in _KEPT and not name.startswith(_KEPT_PREFIXES) and not name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(_SET)
