"""One fault, and docs/reliability.md as the committed counts say; `validation.reliability` does them all."""

from validation.reliability import app_faults
from validation.reliability.document import DOCUMENT, FAULTS, document, read_results


def test_the_document_has_the_committed_counts() -> None:
    results = read_results()
    assert set(results) <= set(FAULTS)
    assert {name: row.broken for name, row in results.items() if row.broken} == {}
    assert DOCUMENT.read_text(encoding="utf-8") == document(results)


def test_a_recording_outlives_its_terminal() -> None:
    assert app_faults.terminal_closed(1).broken == []
