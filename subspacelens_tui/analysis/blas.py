"""One BLAS thread while anything is analysed, in whichever library.

The wheels of NumPy and of SciPy each bring an OpenBLAS of their own. Beside a recording, the threads of
either wait for each other on busy cores: 0.3 s became 15 s.
"""

import importlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import OpenBLASController, ThreadpoolController, get_cached_controller


@contextmanager
def one_blas_thread(scipy: bool = True) -> Iterator[None]:
    """Limit every BLAS library of the process to one thread for as long as anyone is in here.

    Args:
        scipy: whether SciPy may be used inside. It is imported first: what is loaded later is not limited.
    """
    if scipy:
        importlib.import_module("scipy.linalg")
    _LIMITS.enter()
    try:
        yield
    finally:
        _LIMITS.leave()


class _Limits:
    """The limits of the process: set by everyone who enters, lifted by the last to leave.

    OpenBLAS has one pool for all threads of a process. If each restored what it had found, the first to
    finish would free the pool under the others, which are still computing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._known: ThreadpoolController | None = None
        self._lifted_last = ExitStack()

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            # Another one if modules were imported since, for they may have loaded libraries.
            libraries = get_cached_controller()
            # threadpoolctl ignores all threads but one, to keep them from undoing each other's limits.
            OpenBLASController.clear_controlling_thread(force=True)
            limited = libraries.select(user_api="blas").limit(limits=1, user_api="blas")
            if libraries is not self._known:
                self._known = libraries
                self._lifted_last.callback(limited.restore_original_limits)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._known = None
                OpenBLASController.clear_controlling_thread(force=True)
                self._lifted_last.close()
                OpenBLASController.clear_controlling_thread(force=True)


_LIMITS = _Limits()
