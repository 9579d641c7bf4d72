"""What screens with curves over the layers share: the selected layer, and leaving by the key that quits."""

from subspacelens_tui.app.panes.pane import LayerChosen
from subspacelens_tui.app.widgets.too_small import NeedsRoom


class LayerKeys(NeedsRoom):
    """A screen that shows the layer `_layer`; named after `Screen` among the bases."""

    _layer: int

    def _show(self) -> None:
        raise NotImplementedError

    def action_layer(self, by: int) -> None:
        """Select the previous or next layer."""
        self._layer = max(0, self._layer + by)
        self._show()

    def on_layer_chosen(self, message: LayerChosen) -> None:
        """A plot was clicked."""
        self._layer = message.layer
        self._show()

    def action_leave(self) -> None:
        """Quit as from where it was opened."""
        self.screen.dismiss(None)
        self.app.call_later(self.app.action_quit)
