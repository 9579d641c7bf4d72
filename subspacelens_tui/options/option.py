"""What is declared of an option."""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_RANGE = re.compile(r"\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?")
_SIZE = re.compile(r"([0-9]{1,6})[x×]([0-9]{1,6})", re.IGNORECASE)
# As JSON has them, and as Python does.
_WORDS = {"None": None, "none": None, "True": True, "False": False}


@dataclass(frozen=True)
class Group:
    """Options that `--help` lists under a title of their own, or of which a command takes one at most."""

    title: str | None = None
    description: str | None = None
    exclusive: bool = False


@dataclass(frozen=True)
class Option:
    """An option or argument of the command line, in argparse's terms where it has them.

    Attributes:
        flag: as typed, `--name`; without dashes it is an argument, told by its place.
        metavar: what stands for its value; None for a switch, or for the flag's own name.
        help: one line; `%(default)s` stands for the default.
        more: what docs/cli.md says beyond the help.
        parse: from text to value; ValueError or ArgumentTypeError for a wrong one.
        default: None leaves it to what the value is handed to.
        aliases: older names.
        dest: attribute of the parsed arguments; from the flag.
        const: value where the flag stands alone; without one it needs a value.
        group: what it is listed with.
    """

    flag: str
    metavar: str | None
    help: str
    parse: Callable[[str], Any] = str
    default: Any = None
    more: str = ""
    aliases: tuple[str, ...] = ()
    action: str | type[argparse.Action] | None = None
    choices: tuple[str, ...] | None = None
    const: Any = None
    required: bool = False
    dest: str | None = None
    group: Group | None = None

    @property
    def name(self) -> str:
        """Its attribute among the parsed arguments."""
        return self.dest or self.flag.removeprefix("--").replace("-", "_")

    @property
    def flags(self) -> tuple[str, ...]:
        """What may be typed, with older names and the opposite of a switch."""
        no = (f"--no-{self.flag[2:]}",) if self.action is argparse.BooleanOptionalAction else ()
        return (self.flag, *self.aliases, *no)

    def add_to(self, parser: argparse._ActionsContainer) -> None:
        """Let a parser take it."""
        words: dict[str, Any] = {
            "type": _PLAIN.get(self.parse, self.parse),
            "nargs": None if self.const is None else "?",
            "required": self.required or None,
        }
        for word in ("metavar", "help", "default", "action", "choices", "const", "dest"):
            words[word] = getattr(self, word)
        given = {word: value for word, value in words.items() if value is not None}
        parser.add_argument(self.flag, *self.aliases, **given)


@dataclass(frozen=True, kw_only=True)
class FormOption(Option):
    """An option that is also a field of the new-run form.

    Attributes:
        label: before the field.
        unless: what holds while nothing is typed, if that is not the default.
        says: what it is for.
        wants: what must be typed, for the line about what is not that.
    """

    label: str
    unless: str = ""
    says: str
    wants: str = ""

    @property
    def placeholder(self) -> str:
        """What the empty field shows."""
        return self.unless or str(self.default)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a whole number like 16") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a number like 4.5") from None


# For what argparse has words of its own that speak of Python's types, or needs no parser.
_PLAIN: dict[Callable[[str], Any], Callable[[str], Any] | None] = {
    str: None,
    int: _whole_number,
    float: _number,
}


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Let a parser take options, each in its group."""
    groups: dict[Group | None, argparse._ActionsContainer] = {None: parser}
    for option in options:
        if (group := option.group) is not None and group not in groups:
            groups[group] = (
                parser.add_mutually_exclusive_group()
                if group.exclusive
                else parser.add_argument_group(group.title, group.description)
            )
        option.add_to(groups[group])


def switch(flag: str, help: str, **others: Any) -> Option:
    """An option without a value."""
    return Option(flag, None, help, action="store_true", **others)


def path(text: str) -> str:
    """A path; shells leave the ~ of `--to=~/tables` to the program."""
    if not text:
        raise argparse.ArgumentTypeError("a path is needed, and it is empty")
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"there is no home folder for {text}") from None


def numbers(kind: type[int] | type[float]) -> Callable[[str], list[int] | list[float]]:
    """A parser of numbers with commas between them."""

    def parse(text: str) -> list[int] | list[float]:
        found = []
        for part in text.split(","):
            try:
                found.append(kind(part))
            except ValueError:
                # Of a long list only what is wrong in it.
                wrong = f"{text!r}" if len(text) <= 60 else f"a list with {part[:60]!r} in it"
                raise argparse.ArgumentTypeError(f"{wrong} is not a list of numbers like 1,2,3") from None
        return found

    return parse


def layer_numbers(text: str) -> tuple[int, ...]:
    """Numbers of layers from "0,4-6": each once, ascending."""
    found: set[int] = set()
    for part in text.split(","):
        said = _RANGE.fullmatch(part)
        if said is None or int(said[1]) > int(said[2] or said[1]):
            raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a list of layers like 0,4-6")
        found |= set(range(int(said[1]), int(said[2] or said[1]) + 1))
    return tuple(sorted(found))


def words(text: str) -> tuple[str, ...]:
    """Words with commas between them; blanks around each do not count."""
    found = tuple(word.strip() for word in text.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a list of words like a,b")
    return found


class Gathered(argparse.Action):
    """Of an option that may be repeated: its (name, value) pairs as one dict."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add a pair."""
        name, value = values
        found = getattr(namespace, self.dest) or {}
        if name in found:
            raise argparse.ArgumentError(self, f"{name} is given twice")
        setattr(namespace, self.dest, {**found, name: value})


def named_value(text: str) -> tuple[str, Any]:
    """NAME=VALUE; the value as in JSON or Python: a number, true, false, none, a list, an object; else text."""
    name, equals, value = text.partition("=")
    if not (equals and name.strip().isidentifier()):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not NAME=VALUE, such as num_frames=17")
    try:
        return name.strip(), _WORDS[value] if value in _WORDS else json.loads(value)
    except ValueError:
        return name.strip(), value


def named_path(text: str) -> tuple[str, str]:
    """NAME=PATH."""
    name, equals, value = text.partition("=")
    if not (equals and name.strip().isidentifier()):
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not NAME=PATH, such as control_image=pose.png")
    return name.strip(), path(value)


def size(text: str) -> tuple[int, int]:
    """Width and height in pixels, as 1024x768."""
    if (found := _SIZE.fullmatch(text.strip())) is None:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not WIDTHxHEIGHT in pixels, such as 1024x768")
    return int(found[1]), int(found[2])


def weighted_path(text: str) -> tuple[str, float]:
    """PATH or PATH:WEIGHT."""
    before, colon, after = text.rpartition(":")
    try:
        found = (before, float(after)) if colon else (text, 1.0)
    except ValueError:
        found = (text, 1.0)
    return path(found[0]), found[1]
