"""Prompt sets: TOML files of prompts with labels of any number of schemes (docs/prompt-sets.md)."""

import tomllib
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.sessions.format import Prompt

_SHIPPED = {
    "demo": "subspacelens_tui.demo:prompts.toml",
    "subjects-25": "subspacelens_tui.planning:prompt_sets/subjects-25.toml",
}


class PromptSet(BaseModel):
    """A checked prompt set; every prompt has a label under every scheme."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    description: str = ""
    schemes: list[str] = Field(min_length=1)
    prompts: list[Prompt] = Field(min_length=1)


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
        return _parse(resources.files(package).joinpath(inside).read_text(encoding="utf-8"), name)
    try:
        return _parse(Path(name).read_text(encoding="utf-8"), name)
    except FileNotFoundError:
        known = ", ".join(_SHIPPED)
        raise PlanningError(f"there is no prompt set {name!r}: give a TOML file, or one of {known}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanningError(f"prompt set {name} cannot be read: {error}") from None


def _parse(text: str, name: str) -> PromptSet:
    try:
        found = PromptSet.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PlanningError(f"prompt set {name} is not TOML: {error}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise PlanningError(f"prompt set {name}: {where}: {problem['msg']}") from None
    _check_labels(found, name)
    ordered = [
        Prompt(text=prompt.text, labels={scheme: prompt.labels[scheme] for scheme in found.schemes})
        for prompt in found.prompts
    ]
    return found.model_copy(update={"prompts": ordered})


def _check_labels(found: PromptSet, name: str) -> None:
    for prompt in found.prompts:
        if missing := [scheme for scheme in found.schemes if scheme not in prompt.labels]:
            raise PlanningError(f"prompt set {name}: {prompt.text!r} has no {missing[0]!r} label")
        if unknown := [scheme for scheme in prompt.labels if scheme not in found.schemes]:
            raise PlanningError(
                f"prompt set {name}: {prompt.text!r} has a label of the unknown scheme {unknown[0]!r}"
            )
    texts = [prompt.text for prompt in found.prompts]
    if twice := next((text for text in texts if texts.count(text) > 1), None):
        raise PlanningError(f"prompt set {name}: {twice!r} is there twice")
