"""The panes printed once."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.app.print_session import show
from subspacelens_tui.app.widgets.run_bar import RunBar
from subspacelens_tui.cli import main
from subspacelens_tui.sessions import SessionError
from tests.conftest import PlantedSessionFactory as Planted


def test_all_panes_are_printed_to_a_pipe(planted: Planted, capsys: pytest.CaptureFixture[str]) -> None:
    session = planted().start().record()
    assert show(session.path, Settings(labels="fine", eps=0.2), layer=3) == 0
    printed = capsys.readouterr().out
    for words in ("finished 36/36", "▶  3", "Overlap · fine · cond", "[0.2]", "transformer_blocks.3", "×200"):
        assert words in printed, words
    assert "\x1b" not in printed
    assert len(printed.splitlines()) == 40


def test_what_cannot_be_shown_is_said(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="is no session"):
        show(tmp_path / "nowhere")


def test_it_prints_as_a_process(planted: Planted) -> None:
    session = planted().start().record()
    code = "import sys; from pathlib import Path; from subspacelens_tui.app.print_session import show; "
    command = [sys.executable, "-c", code + "sys.exit(show(Path(sys.argv[1])))", str(session.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Effective rank" in done.stdout


@pytest.mark.parametrize("mebibytes", [300, 400, 511])
def test_too_little_address_space_is_one_line(planted: Planted, mebibytes: int) -> None:
    session = planted().start().record()
    done = subprocess.run(
        [sys.executable, "-m", "subspacelens_tui", "show", str(session.path)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20)),
        timeout=300,
    )
    line = f"subspacelens-tui: the address space is limited to {mebibytes} MiB, and at least 512 MiB are"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("where", ["the metrics", "a pane", "the folder"])
def test_memory_that_runs_out_is_one_line_and_an_end(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    def run_out(*arguments: object) -> None:
        raise MemoryError("Unable to allocate 9 GiB")

    session = planted().start().record()
    target = {"the metrics": Analyzer, "a pane": RunBar, "the folder": Analyzer}[where]
    method = {"the metrics": "result", "a pane": "paint", "the folder": "refresh"}[where]
    monkeypatch.setattr(target, method, run_out)
    assert main(["show", str(session.path)]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("memory ran out: Unable to allocate 9 GiB") == 1
    assert "Traceback" not in printed.err + printed.out
