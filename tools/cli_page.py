"""Write the tables of options in docs/cli.md from their declarations: `python -m tools.cli_page`.

`--check` says whether the page is what it would write. A table stands between `<!-- options of COMMAND -->`
and `<!-- end -->`; the rest of the page is written by hand.
"""

import re
import sys
from pathlib import Path

from subspacelens_tui.cli.app import APP
from subspacelens_tui.cli.commands import COMMANDS
from subspacelens_tui.options.common import SESSIONS
from subspacelens_tui.options.option import Option
from tools.pages import escaped, write_or_check

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
_TABLE = re.compile(r"(<!-- options of (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
_TAKEN = {"the app" if command is APP else command.name: command.options for command in (APP, *COMMANDS)}
OPTIONS = {name: [SESSIONS, *(o for o in taken if o.flag[0] == "-")] for name, taken in _TAKEN.items()}


def page() -> str:
    """The whole page. A table leaves out the options that one before it has."""
    said: list[Option] = []

    def table(found: re.Match[str]) -> str:
        rows = ["| option | of | |", "|---|---|---|"]
        for option in OPTIONS[found[2]]:
            if option not in said:
                said.append(option)
                cells = _typed(option), _commands(option), _about(option)
                rows.append(f"| {' | '.join(map(escaped, cells))} |")
        return "\n".join([found[1], *rows, "", found[3]])

    return _TABLE.sub(table, PAGE.read_text(encoding="utf-8"))


def _typed(option: Option) -> str:
    value = option.metavar or ("|".join(option.choices) if option.choices else option.name.upper())
    if option.action is not None and option.metavar is None:
        value = ""
    elif option.const is not None:
        value = f"[{value}]"
    return ", ".join(f"`{f'{flag} {value}'.rstrip()}`" for flag in option.flags)


def _commands(option: Option) -> str:
    names = [name for name, options in OPTIONS.items() if option in options]
    return "all" if len(names) == len(OPTIONS) else ", ".join(names)


def _about(option: Option) -> str:
    help = option.help % {"default": option.default}
    return f"{help}; {option.more}" if option.more else help


def main() -> int:
    """Write the page, or check it."""
    return write_or_check(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
