"""Sessions of which some blocks were recorded: layers have the numbers of their blocks everywhere."""

import json
from pathlib import Path

import pytest

from subspacelens_tui.cli import main
from subspacelens_tui.sessions.format import MANIFEST
from tests.conftest import PlantedSessionFactory

NUMBERS = [1, 4, 7]


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Path:
    session = planted(layers=3, seeds=3).start().record()
    some = session.manifest.model_copy(update={"layers": NUMBERS, "model_blocks": 12})
    (session.path / MANIFEST).write_text(some.to_json())
    return session.path


def test_both_sides_of_a_comparison(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["compare", str(session), f"{session}@branch=uncond", "--permutations", "0"]
    assert main([*asked, "--json"]) == 0
    assert [layer["layer"] for layer in json.loads(capsys.readouterr().out)["layers"]] == NUMBERS
    assert main(asked) == 0
    rows = [line.split() for line in capsys.readouterr().out.split("\nR\n")[1].splitlines()[1:4]]
    assert [row[0] for row in rows] == [str(number) for number in NUMBERS]


def test_the_report(session: Path, tmp_path: Path) -> None:
    to = tmp_path / "report.md"
    assert main(["report", str(session), "--permutations", "19", "--to", str(to)]) == 0
    assert "| layer 1 | layer 4 | layer 7 |" in to.read_text()
