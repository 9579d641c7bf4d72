"""Which panes are seen at which size: all of them side by side, or folded into tabs."""

from dataclasses import dataclass

from subspacelens_tui.app.selection import Measure

LEAST_WIDTH, LEAST_HEIGHT = 40, 10
WIDE = 120
_BROAD, _WITH_LIST = 170, 70
_TALL, _ROOMY = 20, 38
_COLUMNS = frozenset({"layers", "rank", "overlap", "inspector"})


@dataclass(frozen=True)
class Arrangement:
    """How the panes are laid out.

    Attributes:
        visible: names of the panes that are seen.
        folded: whether the others are reached by tabs.
        single: whether only one pane is seen.
        focus: the pane to focus if the focused one went out of sight.
        roomy: whether there is height to spare.
        broad: whether there is width to spare.
    """

    visible: frozenset[str]
    folded: bool
    single: bool
    focus: str
    roomy: bool = False
    broad: bool = False


def arrange(width: int, height: int, active: str, maximised: str | None, measure: Measure) -> Arrangement:
    """The arrangement for a screen of this size.

    Args:
        width, height: of the screen, in cells.
        active: the pane last gone to.
        maximised: the pane that is to be seen alone, if any.
        measure: which of excess and ΔR the curves show; both need a tall screen.
    """
    roomy, broad = height >= _ROOMY, width >= _BROAD
    if maximised is not None:
        return Arrangement(frozenset({maximised}), False, True, maximised, roomy, broad)
    if width >= WIDE and height >= _TALL:
        curves = (
            {"excess"} if measure == "excess" else {"rates"} if measure == "delta_R" else {"excess", "rates"}
        )
        if not roomy and len(curves) > 1:
            curves = {"excess"}
        return Arrangement(_COLUMNS | curves, False, False, "layers", roomy, broad)
    if width >= _WITH_LIST:
        beside = active if active != "layers" else "excess"
        return Arrangement(frozenset({"layers", beside}), True, False, "layers", roomy, broad)
    return Arrangement(frozenset({active}), True, True, active, roomy, broad)
