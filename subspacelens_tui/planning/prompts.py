"""Prompt sets: TOML files of prompts with labels of any number of schemes (docs/prompt-sets.md)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.sessions.format import Prompt
from subspacelens_tui.sessions.lookalikes import canonical, label_notes, look_alikes
from subspacelens_tui.sessions.text_files import TextFileError, from_home, read_toml

_SHIPPED = {
    "demo": "subspacelens_tui.demo:prompts.toml",
    "subjects-25": "subspacelens_tui.planning:prompt_sets/subjects-25.toml",
}


class _Written(BaseModel):
    """A prompt set as it stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    description: str = ""
    schemes: list[str] = Field(min_length=1)
    prompts: list[Prompt] = Field(min_length=1)


@dataclass(frozen=True)
class PromptSet:
    """A checked prompt set: every prompt has a label under every scheme.

    Attributes:
        name, description: as they stand in the file.
        schemes: label schemes, in `sessions.alike.canonical` form as the labels are.
        prompts: the texts as they stand in the file, with their labels in the order of the schemes.
        notes: one line for each thing that may not be as its author thinks: labels that were taken as one.
    """

    name: str
    description: str
    schemes: Sequence[str]
    prompts: Sequence[Prompt]
    notes: Sequence[str]


def shipped_prompt_sets() -> tuple[str, ...]:
    """Names of the prompt sets that come with the program."""
    return tuple(_SHIPPED)


def load_prompt_set(name: str) -> PromptSet:
    """Load a prompt set by the name of a shipped one or by its path.

    Raises:
        PlanningError: with one clear line, if there is none or it is not right.
    """
    if name in _SHIPPED:
        package, _, inside = _SHIPPED[name].partition(":")
        with resources.as_file(resources.files(package).joinpath(inside)) as path:
            return _read(path, name)
    return _read(from_home(name), name)


def _read(path: Path, name: str) -> PromptSet:
    try:
        if not (found := read_toml(path)):
            raise _MistakeError('it is empty: write name = "…", schemes = ["…"] and [[prompts]]')
        return _checked(_Written.model_validate(found), name)
    except FileNotFoundError:
        known = ", ".join(_SHIPPED)
        raise PlanningError(f"there is no prompt set {name!r}: give a TOML file, or one of {known}") from None
    except TextFileError as error:
        raise PlanningError(f"prompt set {name} {error}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise PlanningError(f"prompt set {name}: {where}: {problem['msg']}") from None
    except _MistakeError as error:
        raise PlanningError(f"prompt set {name}: {error}") from None


class _MistakeError(Exception):
    """What is wrong with a prompt set, without its name."""


def _checked(written: _Written, name: str) -> PromptSet:
    schemes = [canonical(scheme) for scheme in written.schemes]
    if twice := [scheme for scheme, count in Counter(schemes).items() if count > 1]:
        raise _MistakeError(f"the scheme {twice[0]!r} is there twice")
    if "" in schemes:
        raise _MistakeError("a scheme has no name")
    _check_texts([prompt.text for prompt in written.prompts])
    as_written = [_labels(prompt, schemes) for prompt in written.prompts]
    return PromptSet(
        name=written.name,
        description=written.description,
        schemes=schemes,
        prompts=[
            Prompt(text=prompt.text, labels={scheme: canonical(labels[scheme]) for scheme in schemes})
            for prompt, labels in zip(written.prompts, as_written, strict=True)
        ],
        notes=[
            f"prompt set {name}: {note}"
            for scheme in schemes
            for note in label_notes(scheme, [labels[scheme] for labels in as_written])
        ],
    )


def _check_texts(texts: Sequence[str]) -> None:
    if twice := [text for text, count in Counter(texts).items() if count > 1]:
        raise _MistakeError(f"{twice[0]!r} is there twice")
    for spelled, _ in look_alikes(texts):
        raise _MistakeError(f"a prompt is there twice: {spelled} look alike")


def _labels(prompt: Prompt, schemes: Sequence[str]) -> dict[str, str]:
    """The labels of a prompt as they were written, by scheme."""
    labels: dict[str, str] = {}
    for scheme, label in _by_scheme(prompt):
        if scheme not in schemes:
            raise _MistakeError(f"{prompt.text!r} has a label of the unknown scheme {scheme!r}")
        if scheme in labels:
            raise _MistakeError(f"{prompt.text!r} has two {scheme!r} labels")
        if not canonical(label):
            raise _MistakeError(f"{prompt.text!r} has an empty {scheme!r} label")
        labels[scheme] = label
    if missing := [scheme for scheme in schemes if scheme not in labels]:
        raise _MistakeError(f"{prompt.text!r} has no {missing[0]!r} label")
    return labels


def _by_scheme(prompt: Prompt) -> Iterator[tuple[str, str]]:
    return ((canonical(scheme), label) for scheme, label in prompt.labels.items())
