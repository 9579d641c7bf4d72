"""docs/steering.md says what was measured, and what was measured is what it claims."""

import json

from validation.steering import DOCUMENT, RESULTS, document


def test_the_document_has_the_committed_counts() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_the_method_steers_and_its_controls_do_not() -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    steered = found["L8 s1"]
    assert steered["images"] == 60
    assert steered["target"] >= 54
    assert steered["clean"] >= 36
    assert steered["latent_ratio"] <= 1.25
    for control in ("rotation", "noise", "pattern", "class"):
        assert found[f"L8 {control}"]["target"] <= 3
    assert found["L8 mixture"]["target"] <= 9
    assert found["L8 class"]["other"] >= 54
    # The judge calls some of these B, which are no images at all.
    assert found["mean s1"]["clean"] == 0
    assert found["mean s1"]["latent_ratio"] > 1.4
    assert found["patch-L6 s1"]["target"] >= 57
    assert max(found[f"patch-L{layer} s1"]["target"] for layer in (0, 1)) <= 9
    assert found["default s1"]["target"] >= 54
    assert found["itself s1"]["source"] >= 57
