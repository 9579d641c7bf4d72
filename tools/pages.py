"""What the pages share that are written from declarations."""

import sys
from pathlib import Path


def escaped(text: str) -> str:
    """Text for the cell of a table."""
    return text.replace("|", "\\|")


def write_or_check(page: Path, text: str) -> int:
    """Write a page, or with `--check` say whether it is what would be written; returns the exit status."""
    if sys.argv[1:] == ["--check"]:
        same = page.read_text(encoding="utf-8") == text
        print(f"{page.name} is {'' if same else 'not '}what the code declares")
        return int(not same)
    page.write_text(text, encoding="utf-8")
    return 0
