"""The panes of the session screen, in the order of the tabs and of the keys that move between them.

A new pane is a file beside this one and a line here.
"""

from collections.abc import Iterable

from subspacelens_tui.app.panes.atoms import AtomsPane
from subspacelens_tui.app.panes.block import BlockPane
from subspacelens_tui.app.panes.cka import CkaPane
from subspacelens_tui.app.panes.effective_rank import EffectiveRankPane
from subspacelens_tui.app.panes.excess import ExcessPane
from subspacelens_tui.app.panes.gains import GainsPane
from subspacelens_tui.app.panes.inspector import Inspector
from subspacelens_tui.app.panes.layer_list import LayerList
from subspacelens_tui.app.panes.log import LogPane
from subspacelens_tui.app.panes.over_eps import OverEpsPane
from subspacelens_tui.app.panes.overlap_by_layer import OverlapByLayerPane
from subspacelens_tui.app.panes.overlap_by_step import OverlapByStepPane
from subspacelens_tui.app.panes.overlap_matrix import OverlapMatrixPane
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.panes.rates import RatesPane
from subspacelens_tui.app.panes.sparse import RateDistortionPane, SparsePane
from subspacelens_tui.app.panes.spectrum import SpectrumPane

PANES: tuple[type[Pane], ...] = (
    LayerList,
    ExcessPane,
    OverEpsPane,
    RatesPane,
    EffectiveRankPane,
    SpectrumPane,
    BlockPane,
    GainsPane,
    SparsePane,
    RateDistortionPane,
    AtomsPane,
    OverlapMatrixPane,
    OverlapByLayerPane,
    OverlapByStepPane,
    CkaPane,
    Inspector,
    LogPane,
)


def places(panes: Iterable[type[Pane]] = PANES) -> dict[str, list[type[Pane]]]:
    """The panes of each place, in their order; the first is seen unless another was chosen."""
    found: dict[str, list[type[Pane]]] = {}
    for pane in panes:
        found.setdefault(pane.place, []).append(pane)
    return found
