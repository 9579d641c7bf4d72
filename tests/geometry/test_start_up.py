"""The app imports this room at its start."""

import subprocess
import sys


def test_neither_torch_nor_scipy_is_imported() -> None:
    code = "import sys, subspacelens_tui.geometry; sys.exit(bool({'torch', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
