"""The panes printed once."""

import subprocess
import sys
from pathlib import Path

import pytest

from subspacelens_tui.analysis import Settings
from subspacelens_tui.app.print_session import show
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
