"""The axes beside and below a plot as cells."""

from collections.abc import Iterator, Sequence

from subspacelens_tui.app.drawing.axis import Axis, depth_ticks, layer_ticks
from subspacelens_tui.app.drawing.plot_frame import Frame
from subspacelens_tui.app.drawing.plot_parts import Cell, Plot

# Beside a row, beside one with a tick; corner, below a column, below one with a tick.
_FRAMES: dict[str, tuple[str, ...]] = {
    "braille": tuple("│┤└─┬"),
    "blocks": tuple("│┤└─┬"),
    "ascii": tuple("|++-+"),
}


def beside(
    axis: Axis, inside: Sequence[Sequence[Cell]], frame: Frame, plot: Plot
) -> Iterator[tuple[Cell, ...]]:
    """The rows with the axis of values to their left."""
    line, tick, *_ = _FRAMES[plot.markers]
    labels = {
        min(frame.rows - 1, int(frame.height(value))): label
        for value, label in zip(axis.ticks, axis.labels, strict=True)
    }
    for index, cells in enumerate(inside):
        label = labels.get(frame.rows - 1 - index)
        text = f"{label or '':>{axis.width}}"
        beside = [Cell(character, "frame" if character != " " else "") for character in text]
        yield (*beside, Cell(line if label is None else tick, "frame"), *cells)


def below(left: int, frame: Frame, plot: Plot) -> Iterator[tuple[Cell, ...]]:
    """The axis of the layers, and what its ticks say."""
    *_, corner, line, tick = _FRAMES[plot.markers]
    ticks, across = _ticks(frame, plot), "relative depth" if plot.relative else plot.across
    drawn = "".join(tick if column in ticks else line for column in range(frame.columns))
    yield tuple(Cell(c, "frame" if c != " " else "") for c in " " * left + corner + drawn)
    names = [" "] * frame.columns
    for column, text in ticks.items():
        start = min(frame.columns - len(text), max(0, column - (len(text) - 1) // 2))
        names[start : start + len(text)] = text
    parts = ["frame" if name != " " else "" for name in names]
    place = _widest_gap("".join(names), len(across) + 2)
    if place is not None:
        names[place : place + len(across)] = across
        parts[place : place + len(across)] = ["name"] * len(across)
    yield (*[Cell(" ", "")] * (left + 1), *map(Cell, names, parts))


def _ticks(frame: Frame, plot: Plot) -> dict[int, str]:
    """Columns of the ticks, and what they say."""
    if plot.relative:
        return {round(depth * (frame.columns - 1)): f"{depth:g}" for depth in depth_ticks(frame.columns)}
    names = [plot.name(place) for place in range(plot.layers)]
    layers = layer_ticks(plot.layers, frame.columns, max(map(len, names)), not plot.names)
    return {frame.column(layer): names[layer] for layer in layers}


def _widest_gap(text: str, width: int) -> int | None:
    """Where a name goes in the middle of the widest gap between others, the last if there are more."""
    best: tuple[int, int] | None = None
    start: int | None = None
    for place, character in enumerate(text + "|"):
        if character != " ":
            if start is not None and place - start >= max(width, best[1] if best else 0):
                best = (start, place - start)
            start = None
        elif start is None:
            start = place
    return None if best is None else best[0] + (best[1] - width + 2) // 2
