"""Lines of the list of sessions: what can be looked for in them, and how they can be ordered."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from subspacelens_tui.sessions.notes import Notes
from subspacelens_tui.sessions.state import Phase, RunState

_PHASES = list(Phase)


@dataclass(frozen=True)
class Listing:
    """A line of the list of sessions.

    `problem` says why one could not be opened, `problems` what is wrong with one that could. Of one that could
    not be opened, `state` is None and what its `session.json` would say is empty.

    Attributes:
        modified: when its `session.json` was last replaced, in seconds since the epoch.
        steps: denoising steps that run.
        guidance: its guidance scales.
        steering: what was done to its images, in a few words; None if nothing was.
        untrained: whether its model has random weights, as a control's.
    """

    name: str
    path: Path
    created: str
    model: str
    bytes: int
    state: RunState | None
    problem: str | None = None
    problems: tuple[str, ...] = ()
    modified: float = 0.0
    prompt_set: str = ""
    steps: int | None = None
    guidance: tuple[float, ...] = ()
    notes: Notes = field(default_factory=Notes)
    steering: str | None = None
    untrained: bool = False

    @property
    def model_words(self) -> str:
        """The model, whether its weights are random, and whether its images were steered."""
        said = ("random weights" if self.untrained else "", "" if self.steering is None else "steered")
        return ", ".join(filter(None, (self.model, *said)))

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""
        return self.notes.tags

    @property
    def state_words(self) -> str:
        """How the recording stands."""
        return self.state.words if self.state else "damaged"

    def matches(self, words: str, tags: Iterable[str] = ()) -> bool:
        """Whether every word is somewhere in what the list knows of it, whatever the case, and it has the tags."""
        return self._haystack_has(words.casefold().split()) and set(tags) <= set(self.tags)

    def _haystack_has(self, words: Sequence[str]) -> bool:
        said = [self.name, self.model_words, self.steering or "", self.state_words, self.prompt_set, *self.tags, self.notes.text]
        if self.steps is not None:
            said += [f"{self.steps} steps", *(f"guidance {scale:g}" for scale in self.guidance)]
        haystack = "\n".join(said).casefold()
        return all(word in haystack for word in words)


@dataclass(frozen=True)
class Order:
    """A way to order the list.

    Attributes:
        name: what it is ordered by.
        key: of a line; None where it has nothing to be ordered by, which puts it last.
        descending: whether the largest comes first.
    """

    name: str
    key: Callable[[Listing], Any]
    descending: bool = False

    def sorted(self, listings: Iterable[Listing]) -> list[Listing]:
        """The lines in this order; equal ones stay as they are."""
        known = [(self.key(listing), listing) for listing in listings]
        there = [pair for pair in known if pair[0] is not None]
        there.sort(key=lambda pair: pair[0], reverse=self.descending)
        return [listing for _, listing in there] + [listing for key, listing in known if key is None]


def _created(listing: Listing) -> float:
    """When it was made; of a damaged one when its `session.json` was last replaced."""
    try:
        return datetime.fromisoformat(listing.created).timestamp()
    except (ValueError, OverflowError):
        return listing.modified


_ORDERS = (
    Order("created", _created, descending=True),
    Order("name", lambda of: of.name.casefold()),
    Order("model", lambda of: of.model.casefold() or None),
    Order("state", lambda of: _PHASES.index(of.state.phase) if of.state else None),
    Order("prompts", lambda of: of.prompt_set.casefold() or None),
    Order("steps", lambda of: of.steps),
    Order("guidance", lambda of: of.guidance or None),
    Order("images", lambda of: of.state.recorded if of.state else None, descending=True),
    Order("size", lambda of: of.bytes, descending=True),
    Order("tags", lambda of: sorted(tag.casefold() for tag in of.tags) or None),
)
ORDERS = {order.name: order for order in _ORDERS}
"""By name, the default first."""
