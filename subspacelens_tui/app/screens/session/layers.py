"""The selected layer, which all panes share."""

from collections.abc import Sequence

from subspacelens_tui.app.panes.layer_list import LayerList
from subspacelens_tui.app.panes.pane import LayerChosen
from subspacelens_tui.app.screens.session.closely import CloseActions


class LayerActions(CloseActions):
    """Choosing a layer."""

    def on_layer_chosen(self, message: LayerChosen) -> None:
        """A pane was clicked."""
        self._select(message.layer)

    def action_layer(self, by: int) -> None:
        """The layer before or after, in the order of the list."""
        order: Sequence[int] = self.query_one(LayerList).order() or range(self._blocks)
        if not order:
            return
        place = order.index(self.selected) if self.selected in order else 0
        self._select(order[min(len(order) - 1, max(0, place + by))])

    def action_first_layer(self) -> None:
        """The first layer."""
        self._select(0)

    def action_last_layer(self) -> None:
        """The last layer."""
        self._select(self._blocks - 1)

    def action_select_layer(self, layer: int) -> None:
        """A layer by its index."""
        self._select(layer)

    def action_sort_layers(self, column: int) -> None:
        """Sort the list of layers by a column."""
        self.query_one(LayerList).sort_by(column)

    def _select(self, layer: int) -> None:
        layer = min(max(0, layer), max(0, self._blocks - 1))
        if layer != self.selected:
            self.selected = layer
            self._show_panes()
            self._look_closely()
