"""docs/reliability.md, made of the words in template.md and the counts in results.json."""

import json
import signal
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from validation.markdown import table
from validation.reliability import app_faults, disk_faults, model_faults, recorder_faults
from validation.reliability.harness import Row

# How often each was done for the document.
FAULTS: dict[str, Callable[[], Row | None]] = {
    "killed": partial(recorder_faults.killed, 100),
    "sigterm": partial(recorder_faults.signalled, signal.SIGTERM, 5),
    "sigint": partial(recorder_faults.signalled, signal.SIGINT, 5),
    "sighup": partial(recorder_faults.hung_up, 3),
    "app-killed": partial(app_faults.signalled, signal.SIGKILL, 3),
    "app-sighup": partial(app_faults.signalled, signal.SIGHUP, 3),
    "app-sigterm": partial(app_faults.signalled, signal.SIGTERM, 3),
    "terminal-closed": partial(app_faults.terminal_closed, 3),
    "ssh-dropped": partial(app_faults.connection_dropped, 3),
    "rank-killed": partial(recorder_faults.rank_killed, 4),
    "same-name": partial(recorder_faults.same_name, 5),
    "resumed-twice": partial(recorder_faults.resumed_twice, 3),
    "clock": partial(recorder_faults.clock_set, 3),
    "disk-full": partial(disk_faults.full, 3),
    "read-only": partial(disk_faults.read_only, 2),
    "out-of-memory": partial(model_faults.out_of_memory, 2),
    "model-damaged": partial(model_faults.damaged, 2),
    "hub-unreachable": partial(model_faults.unreachable, 2),
    "model-mistyped": partial(model_faults.mistyped, 2),
    "model-gated": partial(model_faults.gated, 2),
    "cache-incomplete": partial(model_faults.incomplete, 2),
}
HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
TEMPLATE = HERE / "template.md"
DOCUMENT = HERE.parent.parent / "docs" / "reliability.md"


def read_results() -> dict[str, Row]:
    """The committed results by the name of the fault, in the order of `FAULTS`."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {name: Row(**found[name]) for name in FAULTS if name in found}


def write_results(name: str, row: Row) -> None:
    """Replace the result of one fault."""
    results = {**{key: asdict(value) for key, value in read_results().items()}, name: asdict(row)}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def document(results: dict[str, Row]) -> str:
    """The text of docs/reliability.md."""
    rows = [[row.what, str(row.times), _found(row)] for row in results.values()]
    missing = ", ".join(f"`{name}`" for name in FAULTS if name not in results) or "none"
    text = TEMPLATE.read_text(encoding="utf-8").replace("{missing}", missing)
    return text.replace("{table}", table(["fault", "times", "result"], rows))


def write_document() -> None:
    """Write docs/reliability.md from the results."""
    DOCUMENT.write_text(document(read_results()), encoding="utf-8")


def _found(row: Row) -> str:
    always = [f"{label}: {count} of {row.times}" for label, count in row.must.items()]
    counts = [f"{label}: {count}" for label, count in {**row.never, **row.notes}.items()]
    return "; ".join(always + counts)
