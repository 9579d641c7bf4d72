"""When a session was made, as `session.json` has it and as it is shown."""

from datetime import UTC, datetime


def time_now() -> str:
    """Now, as `Manifest.created` has it: ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def time_words(created: str) -> str:
    """A time that was written in another form or zone, as `time_now` writes it; other text as it is."""
    try:
        return datetime.fromisoformat(created).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return created
