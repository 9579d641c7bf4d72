"""The text of all prompts, encoded once, after which the text encoders are let go."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from subspacelens_tui.models.call import PipelineCall, Unguided
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.problems import first_line
from subspacelens_tui.models.text_memory import TextMemory, digest_of, tensors_in
from subspacelens_tui.models.text_readers import TextReader, TokenizerWatch
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.finite_checks import broken_weight
from subspacelens_tui.recording.memory import give_back, out_of_memory
from subspacelens_tui.recording.prompt_checks import two_to_try

EMPTY_PROMPT = ""
# The steps asked for in runs that end before the first.
_STEPS = 2


@dataclass(frozen=True)
class Conditioning:
    """What is known of the prompts once they are encoded.

    Attributes:
        not_finite: the prompts whose embeddings are not finite; the empty prompt comes after the last.
        digests: for each prompt what tells its embeddings from others, bit for bit; none where the pipeline
            encodes no text.
        readers: how each tokenizer gets its text.
        trial: two prompts to find the layout with, the second longer.
        broken_weight: a weight of a text encoder that is not finite, which is looked for only where what they
            give is not.
        together: whether prompts that were encoded one by one can be generated in any batch.
    """

    not_finite: list[int]
    digests: list[bytes]
    readers: list[TextReader]
    trial: tuple[str, str]
    broken_weight: str | None
    together: bool


def encode_prompts(
    call: PipelineCall,
    texts: Sequence[str],
    guidance: Sequence[float],
    batches: Sequence[Sequence[int]],
    device: torch.device,
) -> Conditioning:
    """Encode all prompts once, and let the text encoders go.

    The pipeline is still in the memory of the host. The encoders have the device for themselves, and work on
    the CPU if that has no memory for them. They are freed afterwards in any case: a T5-XXL takes 8.9 GiB in
    bfloat16, and nothing needs it again.

    Args:
        call: of the pipeline, which remembers its text from then on.
        texts: the prompts.
        guidance: the scales they will be generated at.
        batches: the prompts of each batch that is planned, by index.
        device: where the encoders work.
    """
    memory = TextMemory(call.pipeline)
    found = None
    with _failures_in_one_line(call, device):
        _move(memory, device)
        found = _encoded(memory, call, texts, guidance, batches)
    if found is None:
        _move(memory, cpu := torch.device("cpu"))
        give_back(device)
        with _failures_in_one_line(call, cpu):
            found = _encoded(memory, call, texts, guidance, batches)
    assert found is not None  # on the CPU nothing is passed over
    memory.drop_encoders()
    give_back(device)
    return found


@contextlib.contextmanager
def _failures_in_one_line(call: PipelineCall, device: torch.device) -> Iterator[None]:
    """Of any pipeline; that an accelerator has no memory left is passed over, for the CPU to try."""
    try:
        yield
    except (ModelError, RecordingError):
        raise
    except Exception as error:
        if not out_of_memory(error):
            name = type(call.pipeline).__name__
            raise ModelError(f"{name} fails before its first step: {first_line(error)}") from error
        if device.type == "cpu":
            raise


def _move(memory: TextMemory, device: torch.device) -> None:
    for encoder in memory.encoders.values():
        encoder.to(device)


def _encoded(
    memory: TextMemory,
    call: PipelineCall,
    texts: Sequence[str],
    guidance: Sequence[float],
    batches: Sequence[Sequence[int]],
) -> Conditioning:
    watch = TokenizerWatch(call.pipeline)
    given = []
    for text in [*texts, EMPTY_PROMPT]:
        with watch.reading(text):
            given.append(_given(memory, call, text, guidance))
    bad = [index for index, of_text in enumerate(given) if not _finite(of_text)]
    trial = _trial_prompts(texts, [index for index in range(len(texts)) if index not in bad], call.of_classes)
    _learn_trials(memory, call, trial, guidance)
    if not memory.together:
        for batch in sorted({tuple(batch) for batch in batches}):
            for scale in guidance:
                memory.learn(_run(call, [texts[index] for index in batch], scale))
    broken = next(filter(None, map(broken_weight, memory.encoders.values())), None) if bad else None
    digests = [digest_of(of_text) for of_text in given[: len(texts)] if of_text]
    return Conditioning(bad, digests, watch.readers, trial, broken, memory.together)


def _given(memory: TextMemory, call: PipelineCall, text: str, guidance: Sequence[float]) -> list[object]:
    """What the pipeline encodes of one prompt, at every scale."""
    try:
        return [one for scale in guidance for one in memory.learn(_run(call, [text], scale))]
    except ModelError:
        if text == EMPTY_PROMPT:  # of classes there is none without a name
            return []
        raise


def _learn_trials(
    memory: TextMemory, call: PipelineCall, trial: tuple[str, str], guidance: Sequence[float]
) -> None:
    """Encode what finding the layout needs: pairs, the longer one first, and runs without guidance."""
    for scale in guidance:
        for texts in ([*trial], [trial[0]] * 2, [trial[1]]):
            _unless_it_fails(memory, _run(call, texts, scale))
        for unguided in call.ways_without_guidance():
            _unless_it_fails(memory, _run(call, [trial[0]], scale, unguided))


def _unless_it_fails(memory: TextMemory, run: Callable[[], object]) -> None:
    """Some pipelines take one prompt at a time, or no such scale; finding the layout will say so."""
    try:
        memory.learn(run)
    except Exception as error:  # of any pipeline
        if out_of_memory(error):
            raise


def _run(
    call: PipelineCall, texts: Sequence[str], guidance: float, unguided: Unguided | None = None
) -> Callable[[], object]:
    generators = [torch.Generator("cpu").manual_seed(0) for _ in texts]
    return lambda: call(texts, generators, _STEPS, guidance, unguided)


def _trial_prompts(texts: Sequence[str], finite: Sequence[int], classes: bool) -> tuple[str, str]:
    """Two of the prompts that differ."""
    return two_to_try([texts[index] for index in finite or range(len(texts))], classes)


def _finite(given: Sequence[object]) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in tensors_in(list(given)))
