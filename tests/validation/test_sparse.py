"""docs/sparse.md says what its results say."""

from validation.sparse.document import DOCUMENT, document, read_results


def test_the_page_has_the_committed_numbers() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(read_results())
