"""docs/validation.md says what the committed results say, and the results are of what is bundled."""

from validation import demo_model
from validation.document import DOCUMENT, PARTS, document, read_results


def test_the_document_has_the_committed_numbers() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(read_results())


def test_every_part_has_results() -> None:
    assert list(read_results()) == list(PARTS)


def test_the_results_are_of_the_bundled_weights() -> None:
    assert read_results()["demo-model"]["weights"] == demo_model.weights_digest(), (
        "the weights are others than those measured: python -m validation demo-model"
    )
