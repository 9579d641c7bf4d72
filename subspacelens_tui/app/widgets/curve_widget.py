"""The base of the widgets that show curves over the layers outside the panes of a session."""

from textual import events

from subspacelens_tui.app.drawing.painted_widget import Painted
from subspacelens_tui.app.panes.pane import LayerChosen
from subspacelens_tui.app.panes.plot_with_legend import Plotted


class Curves(Plotted, Painted):
    """Curves; a click chooses a layer."""

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        layer = self.place_under(event.get_content_offset(self))
        if layer is not None:
            self.post_message(LayerChosen(layer))
