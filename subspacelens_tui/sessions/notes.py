"""What people write about a session: notes and tags, in the file `notes.json` of its folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError
from pydantic_core import from_json

from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import read_plain
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.manifest_reader import first_problem
from subspacelens_tui.sessions.lookalikes import canonical
from subspacelens_tui.sessions.sanitise import quoted
from subspacelens_tui.sessions.text_files import without_mark

NOTES = "notes.json"
MAX_TEXT = 10_000
MAX_TAGS = 50
MAX_TAG = 40
# So much text of any script, written with escapes, and as many tags stay well below it.
_BYTES_AT_MOST = 2**20


class Notes(BaseModel):
    """The content of `notes.json`.

    Attributes:
        text: a few lines, with `\\n` between them.
        tags: in the order in which they were added.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    tags: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=MAX_TAG)], ...],
        FailFast(),
        Field(max_length=MAX_TAGS),
    ] = ()

    def tagged(self, *tags: str) -> "Notes":
        """The same with more tags; one that is there already stays where it is.

        Raises:
            SessionError: if a word cannot be a tag, or there are too many.
        """
        return self._with_tags((*self.tags, *map(_tag, tags)))

    def untagged(self, *tags: str) -> "Notes":
        """The same without some tags.

        Raises:
            SessionError: if it has no such tag.
        """
        gone = [_tag(tag) for tag in tags]
        for tag in gone:
            if tag not in self.tags:
                has = ", ".join(self.tags) or "none"
                raise SessionError(f"there is no tag {quoted(tag)} to take off: it has {has}")
        return self._with_tags([tag for tag in self.tags if tag not in gone])

    def saying(self, text: str) -> "Notes":
        """The same with another text, which loses blanks at its ends.

        Raises:
            SessionError: if it is too long.
        """
        lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
        if len(lines) > MAX_TEXT:
            raise SessionError(f"the notes have {len(lines)} characters: at most {MAX_TEXT} are kept")
        return self.model_copy(update={"text": lines})

    def _with_tags(self, tags: Sequence[str]) -> "Notes":
        found = tuple(dict.fromkeys(tags))
        if len(found) > MAX_TAGS:
            raise SessionError(f"a session has at most {MAX_TAGS} tags, not {len(found)}")
        return self.model_copy(update={"tags": found})


def _tag(word: str) -> str:
    """A tag as it is kept: what looks the same is the same.

    Raises:
        SessionError: if the word cannot be one.
    """
    tag = canonical(word)
    if not tag or "," in tag or len(tag) > MAX_TAG:
        raise SessionError(f"{quoted(word)} is no tag: use 1 to {MAX_TAG} characters, and no comma")
    return tag


def tags_of(text: str) -> tuple[str, ...]:
    """Tags with commas between them, as they are kept; none for an empty text.

    Raises:
        SessionError: if one of them cannot be a tag.
    """
    return tuple(_tag(word) for word in text.split(",")) if text.strip() else ()


def read_notes(folder: Path) -> Notes:
    """The notes of a session; empty if there are none.

    Raises:
        SessionError: in one line, if the file is not a plain one, or damaged.
    """
    path = folder / NOTES
    try:
        content = read_plain(folder, NOTES, at_most=_BYTES_AT_MOST)
    except FileNotFoundError:
        return Notes()
    try:
        return Notes.model_validate(from_json(without_mark(content), allow_inf_nan=False))
    except ValidationError as error:
        raise SessionError(f"{path} is damaged: {first_problem(error)}") from None
    except ValueError as error:
        raise SessionError(f"{path} is damaged: it is not JSON: {error}") from None


def write_notes(folder: Path, notes: Notes) -> None:
    """Write the notes of a session in one step.

    Raises:
        SessionError: if the folder is no session or cannot be written, or the text has no place in UTF-8.
    """
    if not (folder / MANIFEST).is_file():
        raise SessionError(f"{folder} is no session: nothing was noted")
    try:
        content = notes.model_dump_json(indent=1).encode()
    except ValueError:  # half a character, from a command line that is not UTF-8
        raise SessionError("the notes are not UTF-8: nothing was noted") from None
    try:
        with whole_file(folder / NOTES) as temporary:
            temporary.write_bytes(content + b"\n")
    except OSError as error:
        raise SessionError(f"cannot write {folder / NOTES}: {error.strerror or error}") from None
