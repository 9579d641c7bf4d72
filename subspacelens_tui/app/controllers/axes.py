"""The axis of values of the plot that has the keys: its range and its scale."""

from collections.abc import Callable

from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.dialogs.axis import AxisDialog, Limits
from subspacelens_tui.app.panes.plot_with_legend import Plotted


class AxesController(Controller):
    """Choosing how far an axis reaches, and whether it is logarithmic.

    Args:
        here: the plot that has the keys, or the name of what has them and is none.
        dialog: asks, and hands on the answer; None if it was left.
        tell: says what was done, or why nothing was.
    """

    def __init__(
        self,
        here: Callable[[], Plotted | str],
        dialog: Callable[[AxisDialog, Callable[[tuple[Limits] | None], None]], object],
        tell: Callable[[str], None],
    ) -> None:
        self._here, self._dialog, self._tell = here, dialog, tell

    def _plot(self) -> Plotted | None:
        plot = self._here()
        if not isinstance(plot, str):
            return plot
        self._tell(f"{plot} has no axes: go to a plot first")
        return None

    def action_axis_range(self) -> None:
        """Type what the axis of values reaches from and to."""
        plot = self._plot()
        if plot is None:
            return

        def chosen(answer: tuple[Limits] | None) -> None:
            if answer is not None:
                (plot.limits,) = answer
                plot.repaint()

        self._dialog(AxisDialog(plot.axis_of, plot.limits, plot.is_log), chosen)

    def action_log_axis(self) -> None:
        """A logarithmic axis of values, or a linear one."""
        plot = self._plot()
        if plot is None:
            return
        plot.log_axis = not plot.is_log
        if plot.log_axis and plot.limits is not None and plot.limits[0] <= 0:
            plot.limits = None
        plot.repaint()
        self._tell(f"{plot.axis_of}: {'logarithmic' if plot.log_axis else 'linear'} axis")
