"""What was counted over many tampered sessions, kept hundred by hundred."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
# Sessions in one tally; a tally that is made again replaces the one before.
HUNDRED = 100
# Of these, so many in one folder, one process and one app.
TOGETHER = 25
SLOW, LARGE = 5.0, 1024.0


@dataclass
class Tally:
    """Counts over some sessions.

    Attributes:
        sessions, opened: how many were tried, and how many of them could be opened at all.
        mutations: how often by kind of damage.
        seconds: the longest by what was done, as `Trial.timed` has it.
        megabytes: the most memory of a process.
        findings: what should not have been: the seed, and what.
    """

    sessions: int = 0
    opened: int = 0
    mutations: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: float = 0.0
    findings: list[str] = field(default_factory=list)

    def take(self, result: Mapping[str, Any]) -> None:
        """Count one session; a worker that crashed or hung has said nothing but its faults."""
        self.sessions += 1
        self.opened += result.get("opened", False)
        for name in result.get("mutations", ()):
            self.mutations[name] = self.mutations.get(name, 0) + 1
        took = result.get("seconds", {})
        self._peaks(took, result.get("megabytes", 0.0))
        slow = [f"{what} took {seconds:.1f} s" for what, seconds in took.items() if seconds > SLOW]
        large = [f"took {m:.0f} MB" for m in [result.get("megabytes", 0.0)] if m > LARGE]
        self.findings += [f"seed {result['seed']}: {what}" for what in [*result["faults"], *slow, *large]]

    def add(self, other: "Tally") -> None:
        """Take in the counts of other sessions."""
        self.sessions += other.sessions
        self.opened += other.opened
        for name, count in other.mutations.items():
            self.mutations[name] = self.mutations.get(name, 0) + count
        self._peaks(other.seconds, other.megabytes)
        self.findings += other.findings

    def _peaks(self, seconds: Mapping[str, float], megabytes: float) -> None:
        for what, took in seconds.items():
            self.seconds[what] = max(self.seconds.get(what, 0.0), round(took, 2))
        self.megabytes = max(self.megabytes, round(megabytes))


def read_tallies() -> dict[int, Tally]:
    """The committed tallies by their first seed."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {int(first): Tally(**tally) for first, tally in found.items()}


def write_tally(first: int, tally: Tally) -> None:
    """Keep the tally of the seeds that begin with `first`."""
    tallies = read_tallies() | {first: tally}
    content = {str(seed): asdict(tallies[seed]) for seed in sorted(tallies)}
    RESULTS.write_text(json.dumps(content, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
