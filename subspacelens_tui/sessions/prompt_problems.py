"""What of its prompts the recorded model did not read, in words: one text for log, screens and reports."""

from collections.abc import Iterator, Sequence

from subspacelens_tui.sessions.format import Manifest, UnreadText
from subspacelens_tui.sessions.sanitise import plain

_PROMPTS_NAMED = 5
_WORDS_NAMED = 6
_LONGEST = 60
_LONGEST_TEXT = 10_000


def unread_lines(manifest: Manifest) -> Iterator[str]:
    """A line for each prompt that was cut, has unknown words or is empty; of many such the first few."""
    cut = [unread for unread in manifest.unread_text if unread.tokens is not None]
    yield from (_cut_line(manifest, unread) for unread in cut[:_PROMPTS_NAMED])
    if len(cut) > _PROMPTS_NAMED:
        yield f"{len(cut) - _PROMPTS_NAMED} more prompts are cut (session.json lists them)"
    unknown = [unread for unread in manifest.unread_text if unread.unknown]
    yield from (_unknown_line(manifest, unread) for unread in unknown[:_PROMPTS_NAMED])
    if len(unknown) > _PROMPTS_NAMED:
        yield f"{len(unknown) - _PROMPTS_NAMED} more prompts have unknown words (session.json lists them)"
    for index, prompt in enumerate(manifest.prompts):
        if not prompt.text.strip():
            yield f"prompt {index + 1} is empty: with it the conditional branch is the unconditional one"


def named_prompt(manifest: Manifest, index: int) -> str:
    """A prompt by its number, from 1, and its text; of a long text the beginning and the end."""
    return f"prompt {index + 1} ({shortened(manifest.prompts[index].text)})"


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Text in quotes: plain, and if it is long without its middle."""
    shown = plain(text, _LONGEST_TEXT)
    if len(shown) > longest:
        # At the ends of words, where there are some.
        beginning = shown[: longest // 2].rsplit(maxsplit=1)[0]
        shown = f"{beginning} … {_end(shown, longest // 2)}"
    return repr(shown)


def _end(text: str, longest: int) -> str:
    """The last words of a text."""
    return text if len(text) <= longest else text[-longest:].split(maxsplit=1)[-1]


def quoted_words(words: Sequence[str]) -> str:
    """The first few words, each in quotes."""
    named = ", ".join(repr(plain(word, _LONGEST)) for word in words[:_WORDS_NAMED])
    more = len(words) - _WORDS_NAMED
    return named + (f" and {more} more" if more > 0 else "")


def _cut_line(manifest: Manifest, unread: UnreadText) -> str:
    last = _end(plain(unread.kept_text or "", _LONGEST_TEXT), _LONGEST // 2)
    return (
        f"{named_prompt(manifest, unread.prompt)} is cut at {unread.limit} of its {unread.tokens} tokens: "
        f"the model reads nothing after {'… ' + last!r}"
    )


def _unknown_line(manifest: Manifest, unread: UnreadText) -> str:
    return (
        f"{named_prompt(manifest, unread.prompt)} has words that the model's vocabulary lacks: "
        f"{quoted_words(unread.unknown)}"
    )
