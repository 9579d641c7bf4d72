"""How each tokenizer of a pipeline gets its text, seen while the pipeline encodes it. Imports no torch."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What an encoder is given at most where its tokenizer does not cut.
NO_LIMIT = 1_000_000
# What changes the tokens of one text; padding and the form they come in do not.
_OPTIONS = ("add_special_tokens",)


@dataclass(frozen=True)
class TextReader:
    """How one text encoder gets its text.

    Attributes:
        tokenizer: a Hugging Face tokenizer.
        limit: how many tokens the encoder is given at most, special ones included.
        prepare: what the pipeline does to a text before it is tokenized.
        options: of the tokenizer's call.
    """

    tokenizer: Any
    limit: int
    prepare: Callable[[str], str]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _Calls:
    """What one tokenizer was called with first, for each text of a prompt."""

    tokenizer: Any
    limit: int = NO_LIMIT
    prepared: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


def _prepared(known: Mapping[str, str], text: str) -> str:
    """What a pipeline makes of a text before it is tokenized: of one not seen, as of one that was."""
    if text in known:
        return known[text]
    seen, made = next(iter(known.items()))
    start = made.casefold().find(seen.casefold())
    if start < 0:
        return text
    end = start + len(seen)
    lowered = made[start:end] != seen and made[start:end] == seen.lower()
    return made[:start] + (text.lower() if lowered else text) + made[end:]


class TokenizerWatch:
    """Sees what the tokenizers of a pipeline are called with.

    Args:
        pipeline: whose components that are tokenizers, or processors with one, are watched.
    """

    def __init__(self, pipeline: Any) -> None:
        parts = (getattr(part, "tokenizer", part) for part in pipeline.components.values())
        self._calls = [_Calls(part) for part in parts if callable(part) and hasattr(part, "model_max_length")]
        self._text: str | None = None

    @property
    def readers(self) -> list[TextReader]:
        """One for each tokenizer that was called."""
        return [
            TextReader(of.tokenizer, of.limit, functools.partial(_prepared, of.prepared), of.options)
            for of in self._calls
            if of.prepared
        ]

    @contextlib.contextmanager
    def reading(self, text: str) -> Iterator[None]:
        """While the pipeline encodes this prompt, which it tokenizes before any negative one."""
        kinds = [type(of.tokenizer) for of in self._calls]
        self._text = text
        for of, kind in zip(self._calls, kinds, strict=True):
            of.tokenizer.__class__ = self._watching(kind, of)
        try:
            yield
        finally:
            for of, kind in zip(self._calls, kinds, strict=True):
                of.tokenizer.__class__ = kind

    def _watching(self, kind: type, of: _Calls) -> type:
        watch = self

        def call(tokenizer: Any, *args: Any, **kwargs: Any) -> Any:
            watch._see(of, args[0] if args else kwargs.get("text"), kwargs)
            return kind.__call__(tokenizer, *args, **kwargs)

        same = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__qualname__": kind.__qualname__}
        return type(kind.__name__, (kind,), {**same, "__call__": call})

    def _see(self, of: _Calls, given: Any, options: Mapping[str, Any]) -> None:
        text = given[0] if isinstance(given, Sequence) and not isinstance(given, str) and given else given
        if not isinstance(text, str) or self._text is None or self._text in of.prepared:
            return
        of.prepared[self._text] = text
        of.options = {name: options[name] for name in _OPTIONS if name in options}
        if options.get("truncation"):
            of.limit = options.get("max_length") or of.tokenizer.model_max_length
