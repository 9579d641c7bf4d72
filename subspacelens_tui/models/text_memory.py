"""The text of a recording, encoded once: what `encode_prompt` gave for each prompt is remembered.

Argument names differ in nearly every family and are not needed: a call for a batch is a call for each of its
prompts, put together. Where that is not so (some pad to the longest prompt of a batch), whole calls are kept.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.scheduler_watch import kept
from subspacelens_tui.models.trial import modules_of

_ENCODERS = "text_encoder"
# Up to which relative difference a batch of texts is its texts put together; see `models.discover`.
_SAME = 1e-4

_TEXTS = "a text for each image"

Arguments = Mapping[str, Any]
Rule = Any
"""Of what was given: "rows" of tensors, entries of a "list", the "same" for all, or a tuple of rules."""


class _Encoded(BaseException):
    """Ends a run once its text is encoded; no pipeline catches it."""


class TextMemory:
    """Stands in for a pipeline's `encode_prompt`.

    The first batch that it is shown should be of prompts of different lengths.

    Args:
        pipeline: whose text is to be remembered; one without `encode_prompt` is left as it is.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._real = getattr(pipeline, "encode_prompt", None)
        self._known: dict[Any, Any] = {}
        self._given: list[Any] | None = None
        self._ran: set[str] = set()
        self._ran_besides: set[str] = set()
        self._inside = self._dropped = False
        self._rules: dict[Any, Rule | None] = {}
        if self._real is not None:
            self._signature = inspect.signature(self._real)

            @functools.wraps(self._real)
            def encode_prompt(*args: Any, **kwargs: Any) -> Any:
                return self._encode(*args, **kwargs)

            pipeline.encode_prompt = encode_prompt

    @property
    def together(self) -> bool:
        """Whether batches are their prompts put together, as far as any were seen."""
        return None not in self._rules.values()

    @property
    def encoders(self) -> dict[str, torch.nn.Module]:
        """The components that encode text and do nothing besides, as far as they are known."""
        if self._real is None:
            return {}
        return {
            name: component
            for name, component in modules_of(self._pipeline)
            if name not in self._ran_besides and (name.startswith(_ENCODERS) or name in self._ran)
        }

    def learn(self, call: Callable[[], object]) -> list[Any]:
        """Remember the text of one call of the pipeline, which ends where its denoiser would begin.

        Returns:
            What `encode_prompt` gave, in order.
        """
        if self._real is None:
            return []
        self._given = []
        undo = [*self._hooks()]
        if (scheduler := getattr(self._pipeline, "scheduler", None)) is not None:
            undo.append(kept(scheduler))
        try:
            with torch.no_grad():
                call()
        except _Encoded:
            pass
        finally:
            for step in undo:
                step()
            given, self._given = self._given, None
        return given

    def drop_encoders(self) -> None:
        """Let the encoders go: what was learned is all there will be."""
        for name in self.encoders:
            setattr(self._pipeline, name, None)
        self._dropped = self._real is not None

    def _hooks(self) -> Iterator[Callable[[], None]]:
        def begin(name: str, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
            if self._inside:
                self._ran.add(name)
            elif name in self._ran:  # Stable Audio projects its text, and then its duration
                self._ran_besides.add(name)
            else:
                raise _Encoded

        for name, component in modules_of(self._pipeline):
            hook = functools.partial(begin, name)
            yield component.register_forward_pre_hook(hook, with_kwargs=True).remove

    def _encode(self, *args: Any, **kwargs: Any) -> Any:
        arguments = dict(self._signature.bind(*args, **kwargs).arguments)
        device = arguments.pop("device", None)
        images = _images(arguments)
        found = self._put_together(arguments, images) if images > 1 else self._remembered(arguments)
        if self._given is not None:
            self._given.append(found)
        return _moved(found, device or self._pipeline._execution_device)

    def _put_together(self, arguments: Arguments, images: int) -> Any:
        kind, rule = self._rule(arguments, images)
        if rule is not None:
            rows = [self._remembered(_row(arguments, row, images)) for row in range(images)]
            try:
                return _joined(rule, rows)
            except RuntimeError:  # of other lengths than those by which the rule was found
                self._rules[kind] = None
        return self._remembered(arguments)

    def _rule(self, arguments: Arguments, images: int) -> tuple[Any, Rule | None]:
        """What is alike in its arguments, and how a batch of such is put together: found with the first."""
        kind = _key(
            {name: _TEXTS if _are_texts(value, images) else value for name, value in arguments.items()}
        )
        if kind not in self._rules and not self._dropped:
            rows = [self._remembered(_row(arguments, row, images)) for row in range(images)]
            self._rules[kind] = _rule_of(self._remembered(arguments), rows)
        return kind, self._rules.get(kind)

    def _remembered(self, arguments: Arguments) -> Any:
        key = _key(arguments)
        if key not in self._known:
            if self._dropped:
                raise ModelError(
                    f"{type(self._pipeline).__name__} wants a text encoded that was not among those of the "
                    "recording, after its text encoders were freed"
                )
            self._known[key] = _moved(self._really(arguments), torch.device("cpu"))
        return self._known[key]

    def _really(self, arguments: Arguments) -> Any:
        """What the pipeline itself gives, made where its encoders are."""
        assert self._real is not None
        # Lists anew: some pipelines write into those of their caller.
        call = {name: list(value) if isinstance(value, list) else value for name, value in arguments.items()}
        if "device" in self._signature.parameters:
            parameters = (next(encoder.parameters(), None) for encoder in self.encoders.values())
            there = next((one.device for one in parameters if one is not None), None)
            call["device"] = there or self._pipeline._execution_device
        # Bound before, so that arguments by position and others beside them go where they came from.
        bound = inspect.BoundArguments(self._signature, call)
        self._inside = True
        try:
            return self._real(*bound.args, **bound.kwargs)
        finally:
            self._inside = False


def _images(arguments: Arguments) -> int:
    prompts = arguments.get("prompt")
    return len(prompts) if isinstance(prompts, list | tuple) else 1


def _row(arguments: Arguments, row: int, images: int) -> dict[str, Any]:
    """The arguments for one of several prompts."""

    def of_row(name: str, value: Any) -> Any:
        if name == "batch_size":
            return 1
        return [value[row]] if _are_texts(value, images) else value

    return {name: of_row(name, value) for name, value in arguments.items()}


def _are_texts(value: Any, images: int) -> bool:
    return isinstance(value, list | tuple) and len(value) == images and all(isinstance(x, str) for x in value)


def _key(value: Any) -> Any:
    """Something to know arguments by; tensors by their content."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), hashlib.sha256(_bytes(value)).digest()
    if isinstance(value, dict):
        return tuple(sorted((name, _key(one)) for name, one in value.items() if one is not None))
    if isinstance(value, list | tuple):
        return tuple(_key(one) for one in value)
    return repr(value)


def _rule_of(whole: Any, rows: Sequence[Any]) -> Rule | None:
    """How what was given for several prompts is what was given for each of them; None if it is not."""
    if isinstance(whole, torch.Tensor):
        if not all(isinstance(row, torch.Tensor) for row in rows):
            return None
        if all(row.shape == whole.shape and torch.equal(row, whole) for row in rows):
            return "same"
        apart = whole.ndim == 0 or any(row.shape[1:] != whole.shape[1:] for row in rows)
        return None if apart or not _close(whole, torch.cat(list(rows))) else "rows"
    if isinstance(whole, list) and all(isinstance(row, list) for row in rows):
        parts = [one for row in rows for one in row]
        return "list" if len(parts) == len(whole) and all(map(_close, whole, parts)) else None
    if isinstance(whole, tuple):
        rules = tuple(_rule_of(one, [row[place] for row in rows]) for place, one in enumerate(whole))
        return None if None in rules else rules
    return "same" if all(row == whole for row in rows) else None


def _joined(rule: Rule, rows: Sequence[Any]) -> Any:
    """What several prompts give, from what each of them gives."""
    if rule == "rows":
        return torch.cat(list(rows))
    if rule == "list":
        return [one for row in rows for one in row]
    if isinstance(rule, tuple):
        return tuple(
            _joined(one, entries) for one, entries in zip(rule, zip(*rows, strict=True), strict=True)
        )
    return rows[0]


def _close(whole: Any, parts: Any) -> bool:
    """Whether two tensors are the same but for rounding, other kernels being used for another batch."""
    if (
        not (isinstance(whole, torch.Tensor) and isinstance(parts, torch.Tensor))
        or whole.shape != parts.shape
    ):
        return False
    if not whole.is_floating_point():
        return torch.equal(whole, parts)
    finite = whole.isfinite() & parts.isfinite()
    off = (whole - parts)[finite].float().norm()
    return bool(off <= max(_SAME, 2.5 * torch.finfo(whole.dtype).eps) * whole[finite].float().norm())


def _moved(value: Any, device: Any) -> Any:
    """A copy, since some pipelines write into what they are given."""
    if isinstance(value, torch.Tensor):
        return value.to(device, copy=True)
    if isinstance(value, list):
        return [_moved(one, device) for one in value]
    return tuple(_moved(one, device) for one in value) if isinstance(value, tuple) else value


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors in what `encode_prompt` gave."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors_in(one)


def digest_of(value: Any) -> bytes:
    """What tells one encoded text from another, bit for bit."""
    key = hashlib.sha256()
    for tensor in tensors_in(value):
        key.update(_bytes(tensor))
    return key.digest()
