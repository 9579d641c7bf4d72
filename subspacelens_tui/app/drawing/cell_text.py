"""Text cut and filled to cells of the screen."""

from typing import Literal

from rich.cells import cell_len, set_cell_size


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, cut with an ellipsis."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    return set_cell_size(text, width - 1).rstrip() + "…"


def uncapitalised(words: str) -> str:
    """Words as they are within a sentence: abbreviations and symbols keep their capital."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def fit(text: str, width: int, align: Literal["left", "right", "centre"] = "left") -> str:
    """The text in exactly `width` cells, cut with an ellipsis or filled with spaces."""
    room = width - cell_len(text)
    if room < 0:
        text = cut(text, width)
        room = width - cell_len(text)
    before = {"left": 0, "right": room, "centre": room // 2}[align]
    return " " * before + text + " " * (room - before)
