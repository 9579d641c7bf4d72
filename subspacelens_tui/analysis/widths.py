"""Layers of different widths, as UNets have them and other models do: what can be compared between them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.sessions.format import Block

WITHOUT_WIDTH = "compare Rc/R and overlaps, or give every layer the same R (--iso-rate)"


def named_widths(widths: Iterable[int]) -> str:
    """Widths as "320, 640 and 1280"."""
    *all_but_last, last = map(str, sorted(set(widths)))
    return f"{', '.join(all_but_last)} and {last}" if all_but_last else last


def width_notes(blocks: Sequence[Block]) -> Iterator[str]:
    """A line where layers differ in width: a coding rate grows with the width of what it is the rate of."""
    widths = {block.width for block in blocks}
    if len(widths) > 1:
        yield (
            f"layers are {named_widths(widths)} wide: R, Rc and ΔR are comparable between layers of one "
            f"width only, and their curves break where it changes: {WITHOUT_WIDTH}"
        )


def width_breaks(result: Result, name: str) -> tuple[int, ...]:
    """The layers at which a curve breaks, because their width is not that of the one above.

    Args:
        result: whose layers.
        name: a quantity; none breaks but those that grow with the width, at one ε for all layers.
    """
    if result.settings.iso_rate is not None or not quantity(name).is_rate:
        return ()
    return tuple(after.layer for before, after in pairwise(result.layers) if before.width != after.width)
