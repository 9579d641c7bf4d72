"""Which panes are seen at which size: all of them side by side, or folded into tabs."""

from collections.abc import Sequence
from dataclasses import dataclass

from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.selection import Measure

WIDE = 120
_BROAD, _WITH_LIST = 170, 70
_TALL, _ROOMY = 20, 38
LAYERS, CURVES = "layers", "excess"
"""The place of the list, and the one that is seen beside it unless somebody went to another."""


@dataclass(frozen=True)
class Arrangement:
    """How the panes are laid out.

    Attributes:
        visible: the places that are seen.
        folded: whether the others are reached by tabs.
        single: whether only one place is seen.
        focus: the place to focus if the focused one went out of sight.
        roomy: whether there is height to spare.
        broad: whether there is width to spare.
    """

    visible: frozenset[str]
    folded: bool
    single: bool
    focus: str
    roomy: bool = False
    broad: bool = False


def arrange(
    panes: Sequence[type[Pane]],
    size: tuple[int, int],
    active: str,
    maximised: str | None,
    measure: Measure,
) -> Arrangement:
    """The arrangement for a screen of this size.

    Args:
        panes: that there are.
        size: width and height of the screen, in cells.
        active: the place last gone to.
        maximised: the place that is to be seen alone, if any.
        measure: which of excess and ΔR the curves show; both need a tall screen.
    """
    width, height = size
    roomy, broad = height >= _ROOMY, width >= _BROAD
    if maximised is not None:
        return Arrangement(frozenset({maximised}), False, True, maximised, roomy, broad)
    if width >= WIDE and height >= _TALL:
        curves = measure if roomy or measure != "both" else "excess"
        beside = frozenset(
            pane.place
            for pane in panes
            if not pane.on_request and (pane.measure is None or curves in (pane.measure, "both"))
        )
        return Arrangement(beside, False, False, LAYERS, roomy, broad)
    if width >= _WITH_LIST:
        beside = frozenset({LAYERS, active if active != LAYERS else CURVES})
        return Arrangement(beside, True, False, LAYERS, roomy, broad)
    return Arrangement(frozenset({active}), True, True, active, roomy, broad)
