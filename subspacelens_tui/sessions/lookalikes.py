"""Names that look the same are the same: labels, label schemes, and prompts where a file names them."""

import unicodedata
from collections.abc import Iterable, Iterator

from subspacelens_tui.sessions.sanitise import invisible

# Drawn as nothing, though Unicode counts it among the symbols.
_BRAILLE_BLANK = "\u2800"


def canonical(name: str) -> str:
    """A name in the form in which names are compared and labels are kept.

    Unicode's composed form (NFC), without invisible characters, white space of any kind as single spaces, none
    at the ends. Upper and lower case remain what they are.
    """
    seen = "".join(c for c in name if c.isspace() or not invisible(c))
    return unicodedata.normalize("NFC", " ".join(seen.replace(_BRAILLE_BLANK, " ").split()))


def look_alikes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The different spellings of each name that has several, as one text, and what they look like."""
    spellings: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        spellings.setdefault(canonical(name), []).append(name)
    for seen, spelled in spellings.items():
        if len(spelled) > 1:
            yield _told_apart(spelled), seen


def label_notes(scheme: str, labels: Iterable[str]) -> Iterator[str]:
    """What to say of the labels of a scheme as they were written: which become one class, which do not."""
    labels = list(labels)
    for spelled, seen in look_alikes(labels):
        yield f"the labels {spelled} of {scheme!r} look alike: they are taken as one class, {seen!r}"
    cases: dict[str, list[str]] = {}
    for label in dict.fromkeys(map(canonical, labels)):
        cases.setdefault(label.casefold(), []).append(label)
    for several in cases.values():
        if len(several) > 1:
            names = " and ".join(map(repr, several))
            yield f"the labels {names} of {scheme!r} differ in case only: they stay separate classes"


def _told_apart(spelled: Iterable[str]) -> str:
    """With escapes for what is not ASCII: the difference is seen in nothing else."""
    return " and ".join(map(ascii, spelled))
