"""docs/validation.md, made of the words in template.md and the numbers in results.json."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

from validation import (
    agreement,
    claims,
    coverage,
    demo_model,
    excess_coverage,
    false_positives,
    least_overlap,
    mechanism,
    mechanism_demo,
    metric_coverage,
    planted,
    results_file,
)

PARTS: dict[str, ModuleType] = {
    "planted": planted,
    "false-positives": false_positives,
    "coverage": coverage,
    "metric-coverage": metric_coverage,
    "excess-coverage": excess_coverage,
    "least-overlap": least_overlap,
    "claims": claims,
    "agreement": agreement,
    "demo-model": demo_model,
    "mechanism": mechanism,
    "mechanism-demo": mechanism_demo,
}
HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
TEMPLATE = HERE / "template.md"
DOCUMENT = HERE.parent / "docs" / "validation.md"
_PLACE = re.compile(r"\{([a-z-]+)\.([\w-]+)\}")


def read_results() -> dict[str, Any]:
    """The committed results: part → what its `run` returned."""
    return results_file.read(RESULTS)


def write_results(results: dict[str, Any]) -> None:
    """Replace the results."""
    results_file.write(RESULTS, {name: results[name] for name in PARTS if name in results}, digits=6)


def document(results: dict[str, Any]) -> str:
    """The text of docs/validation.md: every {part.name} of the template filled in."""
    texts = {name: part.texts(results[name]) for name, part in PARTS.items() if name in results}
    return _PLACE.sub(lambda place: texts[place[1]][place[2]], TEMPLATE.read_text(encoding="utf-8"))


def write_document() -> None:
    """Write docs/validation.md from the results."""
    DOCUMENT.write_text(document(read_results()), encoding="utf-8")
