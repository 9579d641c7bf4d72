"""docs/validation.md, made of the words in template.md and the numbers in results.json."""

import json
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
    figure_coverage,
    mechanism,
    mechanism_demo,
    planted,
    separation,
)

PARTS: dict[str, ModuleType] = {
    "planted": planted,
    "false-positives": false_positives,
    "coverage": coverage,
    "figure-coverage": figure_coverage,
    "excess-coverage": excess_coverage,
    "separation": separation,
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
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return results


def write_results(results: dict[str, Any]) -> None:
    """Replace the results, at six digits: more would differ between machines."""
    ordered = {name: results[name] for name in PARTS if name in results}
    text = json.dumps(_rounded(ordered), indent=1, ensure_ascii=False, allow_nan=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def document(results: dict[str, Any]) -> str:
    """The text of docs/validation.md: every {part.name} of the template filled in."""
    texts = {name: part.texts(results[name]) for name, part in PARTS.items() if name in results}
    return _PLACE.sub(lambda place: texts[place[1]][place[2]], TEMPLATE.read_text(encoding="utf-8"))


def write_document() -> None:
    """Write docs/validation.md from the results."""
    DOCUMENT.write_text(document(read_results()), encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
