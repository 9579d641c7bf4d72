"""A few tampered sessions, and docs/safety.md as the committed tallies say."""

import shutil
from pathlib import Path

from validation.untrusted.document import DOCUMENT, document
from validation.untrusted.mutations import MUTATIONS, mutate
from validation.untrusted.sessions import make_originals
from validation.untrusted.tally import read_tallies
from validation.untrusted.trial import Trial, read_all


def test_the_document_has_the_committed_counts() -> None:
    tallies = read_tallies()
    assert {first: tally.findings for first, tally in tallies.items() if tally.findings} == {}
    assert DOCUMENT.read_text(encoding="utf-8") == document(tallies)


def test_tampered_sessions_are_read_without_a_fault(tmp_path: Path) -> None:
    _, sweep, live = make_originals(tmp_path / "originals")
    tried: set[str] = set()
    for seed in range(1, 10):
        session = tmp_path / "sessions" / str(seed)
        shutil.copytree((sweep, live)[seed % 2], session)
        trial = Trial(seed, mutate(session, seed))
        read_all(trial, session)
        tried.update(trial.mutations)
        assert trial.faults == []
    assert len(tried) == len(MUTATIONS)
