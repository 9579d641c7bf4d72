"""The list of sessions."""

from collections.abc import Sequence
from typing import Any

from subspacelens_tui.analysis.output.console import PlainTable, console, print_json
from subspacelens_tui.sessions.byte_sizes import readable
from subspacelens_tui.sessions.listing import Listing
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.state import RankState, RunState
from subspacelens_tui.sessions.times import time_words

_HEADERS = (
    *("name", "state", "model", "images", "size", "created"),
    *("prompts", "steps", "guidance", "tags", ""),
)


def print_listing(listings: Sequence[Listing], as_json: bool) -> None:
    """Print the list of sessions on stdout."""
    if as_json:
        print_json([_listing_json(listing) for listing in listings])
        return
    rows = []
    for listing in listings:
        state = listing.state
        rows.append(
            [
                plain(listing.name),
                _state_words(state) if state else "damaged",
                plain(listing.model_words),
                f"{state.recorded}/{state.planned}" if state else "",
                readable(listing.bytes),
                plain(time_words(listing.created)),
                plain(listing.prompt_set),
                "" if listing.steps is None else str(listing.steps),
                ",".join(f"{scale:g}" for scale in listing.guidance),
                plain(", ".join(listing.tags)),
                plain(_remark(listing)),
            ]
        )
    console().print(PlainTable(_HEADERS, rows))


def _remark(listing: Listing) -> str:
    """What is wrong with a session, else what there is to say of its state."""
    if listing.problem is not None:
        return listing.problem
    more = len(listing.problems) - 1
    if listing.problems:
        return listing.problems[0] + (f" (and {more} more)" if more else "")
    return listing.state.detail if listing.state else ""


def _listing_json(listing: Listing) -> dict[str, Any]:
    state = listing.state
    return {
        "name": listing.name,
        "path": str(listing.path),
        "state": listing.state_words,
        "detail": listing.problem or (state.detail if state else ""),
        "problems": list(listing.problems),
        "model": listing.model,
        "steering": listing.steering,
        "images": state.recorded if state else None,
        "planned": state.planned if state else None,
        "left_out": state.left_out if state else None,
        "bytes": listing.bytes,
        "created": listing.created,
        "prompt_set": listing.prompt_set,
        "steps": listing.steps,
        "guidance": list(listing.guidance),
        "tags": list(listing.tags),
        "notes": listing.notes.text,
        "rate": state.rate if state else None,
        "ranks": [_rank_json(rank) for rank in state.ranks] if state else [],
    }


def _rank_json(rank: RankState) -> dict[str, Any]:
    return {
        "rank": rank.rank,
        "state": str(rank.phase),
        "detail": rank.detail,
        "host": rank.host,
        "rate": rank.rate,
    }


def _state_words(state: RunState) -> str:
    """The phase; of several recorders how many, and while they record their rate together."""
    words = state.words
    if len(state.ranks) > 1 and state.phase.running:
        words += f", {len(state.ranks) - len(state.lost)} of {len(state.ranks)} ranks"
        if state.rate:
            words += f", {state.rate:.2g} img/s"
    return words
