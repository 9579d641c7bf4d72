"""Moving the border between panes that lie side by side."""

from collections.abc import Sequence


def moved(sizes: Sequence[int], border: int, by: int, least: Sequence[int]) -> list[int]:
    """The sizes with one border moved; what one side gains the other loses, the rest stays.

    Args:
        sizes: in cells, in order.
        border: the one after `sizes[border]`.
        by: cells, to the right or down; as many of them as the limits allow.
        least: what each must keep, unless it has less already.
    """
    before, after = sizes[border], sizes[border + 1]
    room_before = max(0, before - least[border])
    room_after = max(0, after - least[border + 1])
    by = max(-room_before, min(by, room_after))
    return [*sizes[:border], before + by, after - by, *sizes[border + 2 :]]
