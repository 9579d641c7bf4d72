"""Which panes are seen, which has the keys, and what each can do by itself."""

from textual import events

from subspacelens_tui.app.controllers.arrangement import WIDE, Arrangement, arrange
from subspacelens_tui.app.panes.inspector import Inspector
from subspacelens_tui.app.panes.log import LogPane
from subspacelens_tui.app.panes.overlap_matrix import OverlapPane
from subspacelens_tui.app.panes.pane import Pane, TitleClicked
from subspacelens_tui.app.screens.session.closely import CloseActions
from subspacelens_tui.app.screens.session.remembering import RememberActions
from subspacelens_tui.app.screens.session.splits import SplitActions
from subspacelens_tui.app.screens.session.taking import TakingActions
from subspacelens_tui.app.selection import MEASURES
from subspacelens_tui.app.widgets.pane_tabs import PaneTabs


class PaneActions(SplitActions, RememberActions, TakingActions, CloseActions):
    """Arranging the panes and moving between them."""

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self._arrange()

    def _arrangement(self) -> Arrangement:
        return arrange(self.size.width, self.size.height, self._active, self._maximised, self.measure)

    def _arrange(self) -> None:
        arrangement = self._arrangement()
        self.set_class(arrangement.folded, "folded")
        self.set_class(self._maximised is not None, "maximised")
        self.set_class(arrangement.roomy, "roomy")
        self.set_class(self.size.width >= WIDE, "wide")
        self.set_class(arrangement.broad and not arrangement.single, "broad")
        for pane in self.panes:
            pane.display = pane.slot in arrangement.visible and pane is self._seen(pane.slot)
        for column in ("#middle", "#right"):
            container = self.query_one(column)
            container.display = any(child.display for child in container.children)
        self._apply_splits()
        self.query_one(PaneTabs).repaint()
        if isinstance(self.focused, Pane) and not self.focused.display:
            self._focus(arrangement.focus)
        self._show()
        self._look_closely()

    def _focus(self, pane: str) -> None:
        # At once, not with the next message: keys may be typed ahead.
        self.set_focus(self._seen(pane))

    def _name_others(self) -> None:
        """Tell the panes that share a place how the next one is reached."""
        key = self.setup.keymap.first("pane-view")
        for pane in self.panes:
            of_place = [other for other in self.panes if other.slot == pane.slot]
            following = of_place[(of_place.index(pane) + 1) % len(of_place)]
            pane.others = f"{key}: {following.tab.lower()}" if following is not pane else ""

    def action_pane_view(self) -> None:
        """Show what else the pane has: the focused one, or else the last that has something else."""
        focused = self.focused if isinstance(self.focused, Pane) else None
        self._switch(focused if focused is not None and focused.others else self._seen("rank"))

    def on_title_clicked(self, message: TitleClicked) -> None:
        """The title of a pane was clicked."""
        self._switch(message.pane)

    def _switch(self, pane: Pane) -> None:
        of_place = [other for other in self.panes if other.slot == pane.slot]
        following = of_place[(of_place.index(pane) + 1) % len(of_place)]
        self.shows[pane.slot] = str(following.id)
        had_keys = self.focused is pane
        self.action_jump(pane.slot) if had_keys else self._arrange()

    def action_show(self, pane: str) -> None:
        """Show a pane that shares its place, by its name."""
        chosen = next(other for other in self.panes if other.id == pane)
        self.shows[chosen.slot] = pane
        self.action_jump(chosen.slot)

    def action_jump(self, pane: str) -> None:
        """Go to a pane, showing it if it is not seen."""
        if self._maximised is not None:
            self._maximised = pane
        if pane != "layers" or self._arrangement().single:
            self._active = pane
        if pane not in self._arrangement().visible:
            if pane in ("excess", "rates"):
                self.measure = "excess" if pane == "excess" else "delta_R"
            else:
                self._maximised = pane
        self._arrange()
        self._focus(pane)

    def action_pane(self, by: int) -> None:
        """Go to the next pane or the one before."""
        names = list(dict.fromkeys(pane.slot for pane in self.panes))
        arrangement = self._arrangement()
        if not arrangement.folded and self._maximised is None:
            names = [name for name in names if name in arrangement.visible]
        here = self._maximised or (self.focused.slot if isinstance(self.focused, Pane) else self._active)
        place = names.index(here) if here in names else -1
        self.action_jump(names[(place + by) % len(names)])

    def action_maximise(self) -> None:
        """Show the pane alone, or all again."""
        if self._maximised is not None:
            self._maximised = None
        else:
            self._maximised = self.focused.slot if isinstance(self.focused, Pane) else self._active
        self._arrange()
        self._focus(self._maximised or self._arrangement().focus)

    def action_back(self) -> None:
        """From a single pane to all, from all to the list of sessions."""
        if self._maximised is not None:
            self.action_maximise()
        else:
            self.action_sessions()

    def action_sessions(self) -> None:
        """Back to the list of sessions."""
        self.dismiss()

    def action_next_measure(self) -> None:
        """Excess, ΔR, or both."""
        self.measure = MEASURES[(MEASURES.index(self.measure) + 1) % len(MEASURES)]
        if self._active in ("excess", "rates") and self.measure != "both":
            self._active = "excess" if self.measure == "excess" else "rates"
        elif self._arrangement().folded:
            self._active = "rates" if self._active == "excess" else "excess"
        self._arrange()

    def action_digits(self) -> None:
        """Numbers in the matrix, or colours only."""
        matrix = self.query_one(OverlapPane)
        matrix.digits = not matrix.digits
        matrix.repaint()

    def action_cell(self, rows: int, columns: int) -> None:
        """Move the selected cell of the matrix."""
        self.query_one(OverlapPane).move(rows, columns)

    def action_scroll_figures(self, rows: int) -> None:
        """Look at the figures further down, or up."""
        self.query_one(Inspector).scroll_figures(rows)

    def action_scroll_log(self, rows: int) -> None:
        """Look further back in the log, or forward."""
        self.query_one(LogPane).scroll_back(rows)
