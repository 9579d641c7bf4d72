"""The notes and tags of a session."""

from rich.text import Text

from subspacelens_tui.analysis.output.console import console, print_json
from subspacelens_tui.sessions.notes import Notes
from subspacelens_tui.sessions.sanitise import plain


def print_notes(session: str, notes: Notes, as_json: bool) -> None:
    """Print them on stdout: the tags in a line, then the text."""
    if as_json:
        print_json({"session": session, "tags": list(notes.tags), "notes": notes.text})
        return
    lines = [f"{session}: {', '.join(notes.tags) or 'no tags'}", *notes.text.split("\n")]
    for line in lines if notes.text else lines[:1]:
        console().print(Text(plain(line, len(line))))
