"""Layers of different widths, as UNets have them: what can be compared between them."""

from collections.abc import Iterator, Sequence

from subspacelens_tui.sessions.format import Block


def width_notes(blocks: Sequence[Block]) -> Iterator[str]:
    """A line where layers differ in width: a coding rate grows with the width of what it is the rate of."""
    widths = sorted({block.width for block in blocks})
    if len(widths) > 1:
        named = f"{', '.join(map(str, widths[:-1]))} and {widths[-1]}"
        yield (
            f"layers are {named} wide: R, Rc and ΔR are comparable between layers of one width only, "
            "unless each "
            "has the same R (--iso-rate)"
        )
