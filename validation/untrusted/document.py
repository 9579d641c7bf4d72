"""docs/safety.md, made of the words in template.md and the tallies in results.json."""

from collections.abc import Mapping
from pathlib import Path

from validation.markdown import table
from validation.untrusted.mutations import MUTATIONS
from validation.untrusted.tally import TOGETHER, Tally, read_tallies
from validation.untrusted.trial import SELDOM

TEMPLATE = Path(__file__).parent / "template.md"
DOCUMENT = Path(__file__).parents[2] / "docs" / "safety.md"


def document(tallies: Mapping[int, Tally]) -> str:
    """The text of docs/safety.md."""
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    words = {
        "sessions": str(whole.sessions),
        "opened": str(whole.opened),
        "refused": str(whole.sessions - whole.opened),
        "findings": "none" if not whole.findings else "; ".join(whole.findings),
        "together": str(TOGETHER),
        "seldom": str(SELDOM),
        "megabytes": f"{whole.megabytes:.0f}",
        "slowest": f"{max(whole.seconds.values(), default=0.0):.1f}",
        "mutations": table(
            ["damage", "sessions"],
            [[_said(m.__doc__), str(whole.mutations.get(m.__name__, 0))] for m in MUTATIONS],
        ),
        "seconds": table(
            ["read by", "longest, s"], [[f"{what}", f"{took:.2f}"] for what, took in whole.seconds.items()]
        ),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in words.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def write_document() -> None:
    """Write docs/safety.md from the results."""
    DOCUMENT.write_text(document(read_tallies()), encoding="utf-8")


def _said(docstring: str | None) -> str:
    first = (docstring or "").partition("\n")[0].rstrip(".")
    return first[:1].lower() + first[1:]
