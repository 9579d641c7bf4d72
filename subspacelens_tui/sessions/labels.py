"""Label files: TOML that adds label schemes to a session that is recorded already (docs/prompt-sets.md)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import UNLABELLED, Manifest
from subspacelens_tui.sessions.lookalikes import canonical, label_notes, look_alikes
from subspacelens_tui.sessions.reader import Session
from subspacelens_tui.sessions.text_files import TextFileError, from_home, read_toml


class _MistakeError(Exception):
    """What is wrong with a label file, without its name."""


def add_labels(session: Session, path: Path) -> list[str]:
    """Add the schemes of a label file to an open session; nothing on disk is changed.

    Prompts and schemes are matched, and labels kept, in their `sessions.alike.canonical` form.

    Returns:
        One line for each thing that may not be as its author thinks: prompts that are left out, and labels
        that were taken as one.

    Raises:
        SessionError: with one clear line, if the file cannot be read or does not fit the prompts.
    """
    try:
        tables = _tables(read_toml(from_home(path)))
        written = {scheme: _of_prompts(session.manifest, scheme, table) for scheme, table in tables.items()}
    except FileNotFoundError:
        raise SessionError(f"there is no label file {path}") from None
    except TextFileError as error:
        raise SessionError(f"label file {path} {error}") from None
    except _MistakeError as error:
        raise SessionError(f"label file {path}: {error}") from None
    try:
        canonical_labels = {scheme: list(map(canonical, labels)) for scheme, labels in written.items()}
        session.add_schemes(canonical_labels)
    except ValidationError as error:
        raise SessionError(f"label file {path}: a name is too long: {error.errors()[0]['msg']}") from None
    return [
        f"label file {path}: {note}"
        for scheme, labels in written.items()
        for note in (*_left_out(scheme, labels), *label_notes(scheme, labels))
    ]


def _left_out(scheme: str, labels: Sequence[str]) -> list[str]:
    count = labels.count(UNLABELLED)
    verb = "has" if count == 1 else "have"
    said = (
        f"{count} of {len(labels)} prompts {verb} no class in {scheme!r}: their images are not used with it"
    )
    return [said] if count else []


def _tables(found: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The tables by their schemes."""
    if not found:
        raise _MistakeError('it has no scheme: write [name], then a line "prompt" = "class" for each')
    tables: dict[str, dict[str, str]] = {}
    for name, table in found.items():
        if not isinstance(table, dict) or not all(isinstance(label, str) for label in table.values()):
            raise _MistakeError(f'{name} must be a table of lines "prompt" = "class"')
        scheme = canonical(name)
        if not scheme or scheme in tables:
            raise _MistakeError(f"the scheme {scheme!r} is there twice" if scheme else "a scheme has no name")
        tables[scheme] = table
    return tables


def _of_prompts(manifest: Manifest, scheme: str, table: Mapping[str, str]) -> list[str]:
    """The label that a table gives each prompt, as it was written."""
    if scheme in map(canonical, manifest.label_schemes):
        raise _MistakeError(f"the session has a scheme {scheme!r} already")
    texts = [prompt.text for prompt in manifest.prompts]
    # Sessions of earlier versions may have prompts that look alike: those are named by their very text.
    others = {canonical(text): label for text, label in table.items() if text not in texts}
    for spelled, _ in look_alikes(text for text in table if text not in texts or canonical(text) in others):
        raise _MistakeError(f"[{scheme}] names a prompt twice: {spelled} look alike")
    labels = [table.get(text, others.get(canonical(text))) for text in texts]
    for text, label in zip(texts, labels, strict=True):
        if label is not None and not canonical(label):
            raise _MistakeError(f"[{scheme}] gives {text!r} no class")
    known = set(map(canonical, texts))
    if unknown := [text for text in table if canonical(text) not in known]:
        raise _MistakeError(f"[{scheme}] names {unknown[0]!r}, which is no prompt of the session")
    if len({canonical(label) for label in labels if label}) < 2:
        raise _MistakeError(f"[{scheme}] has one class only")
    return [UNLABELLED if label is None else label for label in labels]
