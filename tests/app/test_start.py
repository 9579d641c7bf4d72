"""The start of the app, while one thread imports and another computes."""

import subprocess
import sys

from tests.conftest import PlantedSessionFactory as Planted

# A look through the loaded libraries, while another thread imports extension modules, may never end.
WATCHED = """
import sys, threading
from pathlib import Path
import threadpoolctl
made = threadpoolctl.ThreadpoolController.__init__
def noted(self):
    print("looked by", threading.current_thread() is threading.main_thread())
    made(self)
threadpoolctl.ThreadpoolController.__init__ = noted
from subspacelens_tui.cli import main
main(["show", sys.argv[1]])
"""


def test_libraries_are_looked_for_before_there_are_threads(planted: Planted) -> None:
    path = planted(layers=2, width=8).start().record().path
    shown = subprocess.run(
        [sys.executable, "-c", WATCHED, str(path)], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert [line for line in shown.splitlines() if line.startswith("looked")] == ["looked by True"]
    assert "Layers" in shown
