"""What screens with curves over the layers share: the selected layer, axes, leaving by the key that quits."""

from subspacelens_tui.app.controllers.axes import AxesController
from subspacelens_tui.app.controllers.controller import adopt
from subspacelens_tui.app.panes.pane import LayerChosen
from subspacelens_tui.app.screens.quit_action import Quits
from subspacelens_tui.app.widgets.curve_widget import Curves
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.too_small import NeedsRoom


class LayerKeys(Quits, NeedsRoom):
    """A screen that shows the layer `_layer`; named after `Screen` among the bases."""

    _layer: int
    _plot = 0

    def _show(self) -> None:
        raise NotImplementedError

    def _adopt_axes(self) -> None:
        """To be called once, when the screen is made."""
        axes = AxesController(
            lambda: self.query(Curves)[self._plot],
            lambda dialog, chosen: self.app.push_screen(dialog, chosen),
            lambda words: self.query_one(StatusLine).update("note", words),
        )
        adopt(self, axes)

    def on_mount(self) -> None:
        """Mark the plot that the keys are for."""
        self.action_next_plot(0)

    def action_next_plot(self, by: int) -> None:
        """Another plot has the keys for an axis, and the room where there is little."""
        plots = list(self.query(Curves))
        self._plot = (self._plot + by) % len(plots)
        for place, plot in enumerate(plots):
            plot.marked = place == self._plot
            plot.set_class(plot.marked, "marked")
            plot.repaint()

    def action_layer(self, by: int) -> None:
        """Select the previous or next layer."""
        self._layer = max(0, self._layer + by)
        self._show()

    def on_layer_chosen(self, message: LayerChosen) -> None:
        """A plot was clicked."""
        self._layer = message.layer
        self._show()
