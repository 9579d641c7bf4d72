"""What the command line said before: numbers to 1e-8, every key, every word of a reason."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.cases import cases, plant
from tests.golden.run import differences, recorded

KEPT = Path(__file__).parent / "kept"
CASES = {case.name: case for case in cases()}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("golden")
    plant(folder)
    return folder


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_said_is_said_again(path: Path, sessions: Path) -> None:
    before = json.loads(path.read_text(encoding="utf-8"))
    assert list(differences(before, recorded(CASES[path.stem], sessions))) == []


def test_a_difference_is_seen() -> None:
    old = {"layers": [{"R": 1.0, "missing": {"hoyer": "why"}}]}
    assert (
        list(differences(old, {"layers": [{"R": 1.0 + 1e-9, "missing": {"hoyer": "why"}, "new": 1}]})) == []
    )
    for new in (
        {"layers": [{"R": 1.0 + 1e-7, "missing": {"hoyer": "why"}}]},
        {"layers": [{"R": 1.0, "missing": {"hoyer": "because"}}]},
        {"layers": [{"R": 1.0}]},
        {"layers": []},
        {"layers": [{"R": None, "missing": {"hoyer": "why"}}]},
    ):
        assert len(list(differences(old, new))) == 1
