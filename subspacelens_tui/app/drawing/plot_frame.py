"""Where values and layers are on a grid of cells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from subspacelens_tui.app.drawing.plot_parts import Values


@dataclass(frozen=True)
class Frame:
    """Where values and layers are on a grid of cells.

    Attributes:
        rows, columns: of the grid.
        layers: how many there are.
        low, high: values in the middle of the lowest and of the highest row.
        breaks: layers just before which the line breaks.
    """

    rows: int
    columns: int
    layers: int
    low: float
    high: float
    breaks: tuple[int, ...] = ()

    def spanned_by(self, values: Values, breaks: tuple[int, ...] = ()) -> "Frame":
        """The same grid for a curve that has as many layers as values, the first and the last at its ends."""
        return replace(self, layers=max(1, len(values)), breaks=breaks)

    def height(self, value: float) -> float:
        """Of a value, in cells from the lower edge of the grid; as far outside as the edge's neighbour."""
        height = 0.5 + (value - self.low) / (self.high - self.low) * (self.rows - 1)
        return min(self.rows + 1.0, max(-1.0, height))

    def column(self, layer: int) -> int:
        """The column that a layer is in the middle of."""
        if self.layers == 1:
            return (self.columns - 1) // 2
        return round(layer / (self.layers - 1) * (self.columns - 1))

    def heights(self, values: Values) -> list[float | None]:
        """Those of one value a layer, with none for the layers that are missing at the end."""
        known = [None if value is None else self.height(value) for value in values]
        return known + [None] * (self.layers - len(known))

    def at(self, heights: Sequence[float | None], x: float) -> float | None:
        """The height at a place between layers, in columns, on the straight line between the two; or None."""
        place = x / (self.columns - 1) * (self.layers - 1) if self.layers > 1 else 0.0
        # Layers are in the middle of columns, so that the neighbours may be others than the rounded ones.
        left = min(self.layers - 1, max(0, int(place)))
        while left and self.column(left) > x:
            left -= 1
        while left < self.layers - 1 and self.column(left + 1) <= x:
            left += 1
        start = self.column(left)
        if left == self.layers - 1 or x <= start or left + 1 in self.breaks:
            return heights[left] if x == start else None
        a, b, end = heights[left], heights[left + 1], self.column(left + 1)
        return None if a is None or b is None else a + (x - start) / (end - start) * (b - a)
