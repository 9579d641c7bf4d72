"""The axis of values of the plot that has the keys: its range and its scale."""

from collections.abc import Callable

from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.dialogs.axis import AxisDialog, Limits
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.panes.plot_pane import PlotPane


class AxesController(Controller):
    """Choosing how far an axis reaches, and whether it is logarithmic.

    Args:
        here: the pane that has the keys.
        dialog: asks, and hands on the answer; None if it was left.
        tell: says what was done, or why nothing was.
    """

    def __init__(
        self,
        here: Callable[[], Pane],
        dialog: Callable[[AxisDialog, Callable[[tuple[Limits] | None], None]], object],
        tell: Callable[[str], None],
    ) -> None:
        self._here, self._dialog, self._tell = here, dialog, tell

    def _plot(self) -> PlotPane | None:
        pane = self._here()
        if isinstance(pane, PlotPane):
            return pane
        self._tell(f"{pane.heading.lower()} has no axes: go to a plot first")
        return None

    def action_axis_range(self) -> None:
        """Type what the axis of values reaches from and to."""
        pane = self._plot()
        if pane is None:
            return

        def chosen(answer: tuple[Limits] | None) -> None:
            if answer is not None:
                (pane.limits,) = answer
                pane.repaint()

        self._dialog(AxisDialog(pane.heading, pane.limits, pane.is_log), chosen)

    def action_log_axis(self) -> None:
        """A logarithmic axis of values, or a linear one."""
        pane = self._plot()
        if pane is None:
            return
        pane.log_axis = not pane.is_log
        if pane.log_axis and pane.limits is not None and pane.limits[0] <= 0:
            pane.limits = None
        pane.repaint()
        self._tell(f"{pane.heading.lower()}: {'logarithmic' if pane.log_axis else 'linear'} axis")
