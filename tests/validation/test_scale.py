"""docs/scale.md says what was measured."""

import json

from benchmarks.scale import DOCUMENT, PARTS, RESULTS, document


def test_the_document_has_the_committed_numbers() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert set(results) == set(PARTS)
    assert DOCUMENT.read_text(encoding="utf-8") == document(results)
