"""What the model reads of the prompts: those that are cut, unknown words, and prompts that become equal."""

import re
import string
from collections.abc import Sequence

from subspacelens_tui.models.text_readers import TextReader
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.sessions.format import Manifest, UnreadText
from subspacelens_tui.sessions.prompt_problems import named_prompt, quoted_words

_WORD = re.compile(r"\S+")
_LONGEST_TEXT = 10_000
_WORDS_KEPT = 1_000
ANY_TWO = ("a photo", "a photo of something else, at night")
"""Of any model that reads text."""

Ids = tuple[int, ...]


def read_prompts(readers: Sequence[TextReader], manifest: Manifest) -> list[UnreadText]:
    """What the text encoders are not given of each prompt that they do not read in full.

    Raises:
        RecordingError: if two prompts are the same to the model, or it reads nothing of one.
    """
    texts = [prompt.text for prompt in manifest.prompts]
    found = [UnreadText(prompt=index) for index in range(len(texts))]
    read: list[list[Ids]] = []
    for reader in readers:
        # The empty prompt besides: what the unconditional branch is given.
        whole, kept = _ids(reader, [*texts, ""]), _ids(reader, [*texts, ""], cut=True)
        read.append(kept)
        for index, text in enumerate(texts):
            found[index] = _unread(reader, text, whole[index], kept[index], found[index])
    if not read:  # classes, not text
        return []
    *of_prompts, empty = zip(*read, strict=True)
    _refuse_equal(manifest, of_prompts, found)
    _refuse_empty(manifest, of_prompts, empty)
    return [unread for unread in found if unread.tokens is not None or unread.unknown]


def refuse_equal_embeddings(manifest: Manifest, digests: Sequence[bytes]) -> None:
    """Refuse prompts whose tokens differ and whose embeddings do not.

    Args:
        manifest: of the session.
        digests: what tells the embeddings of each prompt from others, bit for bit.

    Raises:
        RecordingError: if there are two.
    """
    first: dict[bytes, int] = {}
    for index, digest in enumerate(digests):
        other = first.setdefault(digest, index)
        if other != index:
            raise RecordingError(
                f"{named_prompt(manifest, other)} and {named_prompt(manifest, index)} get the same embedding "
                "although their tokens differ: the weights of the text encoder may be damaged"
            )


def _ids(reader: TextReader, texts: Sequence[str], cut: bool = False) -> list[Ids]:
    options = {"truncation": True, "max_length": reader.limit} if cut else {}
    found = reader.tokenizer([reader.prepare(text) for text in texts], **reader.options, **options).input_ids
    return [tuple(ids) for ids in found]


def _unread(reader: TextReader, text: str, whole: Ids, kept: Ids, known: UnreadText) -> UnreadText:
    """What is known of a prompt, with what this reader does not read of it."""
    prepared = reader.prepare(text)
    found: dict[str, object] = {}
    if len(whole) > len(kept):
        # Without what a template has before the prompt.
        start = max(0, prepared.casefold().find(text.strip().casefold()))
        prepared = _kept_text(reader, prepared)[start:]
        if known.kept_text is None or len(prepared) < len(known.kept_text):
            found = {"tokens": len(whole), "limit": reader.limit, "kept_text": prepared[:_LONGEST_TEXT]}
    # A template around the prompt is the model's own affair.
    own = [word for word in _unknown_words(reader, prepared) if word.casefold() in text.casefold()]
    words = dict.fromkeys([*known.unknown, *own])
    return known.model_copy(update={**found, "unknown": list(words)[:_WORDS_KEPT]})


def _kept_text(reader: TextReader, text: str) -> str:
    """As much of a text as fits into the reader's tokens, to the end of a word where there are words."""
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if len(reader.tokenizer(text[:middle], **reader.options).input_ids) <= reader.limit:
            fits = middle
        else:
            too_long = middle
    kept = text[:fits].rstrip()
    in_a_word = fits == len(kept) and not text[fits].isspace()
    return kept.rsplit(maxsplit=1)[0] if kept and in_a_word else kept


def _unknown_words(reader: TextReader, text: str) -> list[str]:
    """The words of a text in which the tokenizer finds something that its vocabulary lacks."""
    unknown = reader.tokenizer.unk_token_id
    words = list(dict.fromkeys(_WORD.findall(text)))
    if unknown is None or not words:
        return []
    found = reader.tokenizer(words, add_special_tokens=False).input_ids
    lacking = [word for word, ids in zip(words, found, strict=True) if unknown in ids]
    return list(dict.fromkeys(word.strip(string.punctuation) or word for word in lacking))


def _refuse_equal(manifest: Manifest, read: Sequence[tuple[Ids, ...]], found: Sequence[UnreadText]) -> None:
    first: dict[tuple[Ids, ...], int] = {}
    pairs = [(first[ids], index) for index, ids in enumerate(read) if first.setdefault(ids, index) != index]
    if not pairs:
        return
    one, other = pairs[0]
    count = len(pairs) - 1
    more = f" (so {'is' if count == 1 else 'are'} {count} more)" if count else ""
    raise RecordingError(
        f"{named_prompt(manifest, one)} and {named_prompt(manifest, other)} are the same to this "
        f"model{more}: "
        f"{_why_equal(found[one], found[other])}. Change one of them, or leave it out"
    )


def _why_equal(one: UnreadText, other: UnreadText) -> str:
    if one.tokens is not None or other.tokens is not None:
        limit = one.limit if one.limit is not None else other.limit
        return f"it reads {limit} tokens, and they do not differ before that"
    if unknown := list(dict.fromkeys([*one.unknown, *other.unknown])):
        return f"its vocabulary lacks {quoted_words(unknown)}"
    return "its tokenizer makes the same tokens of both"


def _refuse_empty(manifest: Manifest, read: Sequence[tuple[Ids, ...]], empty: tuple[Ids, ...]) -> None:
    """An empty prompt may be meant; one of which nothing is left is not."""
    for index, ids in enumerate(read):
        if ids == empty and manifest.prompts[index].text.strip():
            raise RecordingError(
                f"{named_prompt(manifest, index)} is the same to this model as no prompt at all: "
                "its tokenizer makes nothing of it. Change it, or leave it out"
            )


def two_to_try(texts: Sequence[str], classes: bool) -> tuple[str, str]:
    """Two texts to find a layout with, of these prompts, the second longer: its padding differs as well.

    Args:
        texts: of prompts that the model can read.
        classes: whether they are names or numbers of classes.
    """
    if classes:
        return texts[0], texts[-1]
    # An empty one may be a control, and is what the unconditional branch reads too.
    some = [text for text in texts if text.strip()] or list(ANY_TWO)
    return some[0], f"{some[-1]}, {some[0]}"
