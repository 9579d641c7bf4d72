"""BLAS has one thread while anything is analysed: NumPy's, and SciPy's, which is loaded later."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from subspacelens_tui.analysis.blas import one_blas_thread
from tests.conftest import PlantedSessionFactory as Planted

# Notes the threads of all BLAS libraries wherever the analysis may be cancelled and after each factor and
# eigenvalue problem of SciPy's; then says whether there was one, and the numbers of threads seen.
WATCHED = """
import functools, sys
from threadpoolctl import threadpool_info

seen, used = set(), set()

def noted(function):
    @functools.wraps(function)
    def noting(*args, **keywords):
        result = function(*args, **keywords)
        used.add(function.__name__)
        seen.update(info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas")
        return result
    return noting

from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.geometry import determinants, top_eigenpairs
Watch.check = noted(Watch.check)
determinants._pivots = noted(determinants._pivots)
top_eigenpairs._by_tridiagonal_form = noted(top_eigenpairs._by_tridiagonal_form)

path, folder = sys.argv[1:]
"""
SAID = "\nprint('seen', bool(used & {'_by_tridiagonal_form', '_pivots'}), *sorted(seen))"


def command(*arguments: str) -> str:
    words = ", ".join(word if word in ("path", "folder") else repr(word) for word in arguments)
    return f"from subspacelens_tui.cli import main\nassert main([{words}]) == 0"


API = """
import subspacelens_tui
from subspacelens_tui.analysis import Analyzer, Settings
analyzer = Analyzer(subspacelens_tui.open_session(path))
analyzer.result(Settings(quick=True))
assert "scipy" not in sys.modules
import scipy.linalg
analyzer.result(Settings(permutations=5, overlap_permutations=5, errors="image"))
"""


@pytest.mark.parametrize(
    "use",
    [
        command("analyze", "path", "--permutations", "5", "--json"),
        command("analyze", "path", "--permutations", "0", "--errors", "seed"),
        command("compare", "path", "path", "--permutations", "5"),
        command("export", "path", "--to", "folder", "--permutations", "5", "--format", "csv"),
        command("show", "path"),
        API,
        API.replace("import scipy.linalg", ""),
    ],
    ids=["analyze", "analyze-errors", "compare", "export", "app", "api", "api-without-scipy"],
)
def test_every_library_has_one_thread(planted: Planted, use: str) -> None:
    session = planted(layers=2, width=32, seeds=20).start().record()
    done = subprocess.run(
        [sys.executable, "-c", WATCHED + use + SAID, str(session.path), str(session.path.parent / "out")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "seen True 1"


@pytest.fixture
def threads_of_blas() -> Iterator[Callable[[], set[int]]]:
    """The numbers of threads of all BLAS libraries; before, these are two."""
    import scipy.linalg  # noqa: F401

    with threadpool_limits(2, "blas"):
        yield lambda: {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def test_what_was_before_is_restored(threads_of_blas: Callable[[], set[int]]) -> None:
    assert threads_of_blas() == {2}
    with one_blas_thread():
        with one_blas_thread():
            assert threads_of_blas() == {1}
        assert threads_of_blas() == {1}
    assert threads_of_blas() == {2}


def test_the_first_to_finish_does_not_free_the_pool_under_the_other(
    threads_of_blas: Callable[[], set[int]],
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_blas_thread():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait()
    with one_blas_thread():
        leave.set()
        thread.join()
        assert threads_of_blas() == {1}
    assert threads_of_blas() == {2}
