"""What is analysed: labels, ε, branch, step, features, subspace dimension, null, intervals; and the layer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.dialogs.eps import EpsDialog
from subspacelens_tui.app.selection import CHOICES, stepped_eps, with_eps, with_iso_rate, with_subspace_dim


class SelectionController(Controller):
    """Changing the settings of the analysis, and the selected layer.

    Args:
        state: of the screen.
        dialog: asks for ε, and hands on the answer; None if it was left.
    """

    def __init__(
        self,
        state: SessionState,
        dialog: Callable[[EpsDialog, Callable[[float | None], None]], object],
    ) -> None:
        self._state = state
        self._dialog = dialog

    def action_next_choice(self, name: str, by: int) -> None:
        """The next value of a control, or the previous one."""
        state = self._state
        if state.selection is not None and state.recording is not None:
            state.look(CHOICES[name].moved(state.selection, state.recording.manifest, by))

    def action_choose(self, name: str, index: int) -> None:
        """A value of a control."""
        state = self._state
        if state.selection is not None and state.recording is not None:
            state.look(CHOICES[name].choose(state.selection, state.recording.manifest, index))

    @property
    def _eps(self) -> float | None:
        """ε; with one rate for all layers that rate."""
        if self._state.selection is None:
            return None
        settings = self._state.selection.settings
        return settings.eps if settings.iso_rate is None else settings.iso_rate

    @property
    def _is_rate(self) -> bool:
        return self._state.selection is not None and self._state.selection.settings.iso_rate is not None

    def set_eps(self, value: float) -> None:
        """Select another ε; with one rate for all layers another rate."""
        if self._state.selection is not None:
            self._state.look((with_iso_rate if self._is_rate else with_eps)(self._state.selection, value))

    def action_eps(self, by: int) -> None:
        """ε one step up or down; with one rate for all layers the rate."""
        if self._eps is not None:
            self.set_eps(stepped_eps(self._eps, by))

    def action_type_eps(self) -> None:
        """Type ε; with one rate for all layers the rate."""

        def chosen(value: float | None) -> None:
            if value is not None:
                self.set_eps(value)

        if self._eps is not None:
            self._dialog(EpsDialog(self._eps, self._is_rate), chosen)

    def action_iso_rate(self) -> None:
        """Each layer's ε chosen so that R is what the selected layer has now; or one ε again."""
        state = self._state
        if state.selection is None:
            return
        if self._is_rate:
            state.look(with_iso_rate(state.selection, None))
            return
        main = state.analysis.main if state.analysis else None
        layer = main.layers[state.layer] if main and state.layer < len(main.layers) else None
        if layer is None or not layer.R:
            state.tell("the selected layer has no R yet: there is nothing to make the others equal to")
            return
        state.look(with_iso_rate(state.selection, float(f"{layer.R:.4g}")))

    def action_rank(self, by: int) -> None:
        """The dimension of the class subspaces, one more or fewer; below 1 as the images allow."""
        state = self._state
        main = state.analysis.main if state.analysis else None
        if state.selection is None or main is None or main.settings.subspace_dim is None:
            return
        r = min(main.settings.subspace_dim + by, max(main.class_sizes))
        state.look(with_subspace_dim(state.selection, r if r >= 1 else None))

    def action_together(self) -> None:
        """All label schemes in the curves, or the chosen one."""
        selection = self._state.selection
        if selection is not None:
            self._state.look(replace(selection, together=not selection.together))


class LayerController(Controller):
    """Choosing the layer that all panes share.

    Args:
        state: of the screen.
        order: the layers in the order of the list.
        moved: has the panes drawn anew, and nothing else.
    """

    def __init__(
        self, state: SessionState, order: Callable[[], Sequence[int]], moved: Callable[[], None]
    ) -> None:
        self._state = state
        self._order, self._moved = order, moved

    def action_select_layer(self, layer: int) -> None:
        """A layer by its index; the nearest where there is none."""
        layer = min(max(0, layer), max(0, self._state.blocks - 1))
        if layer != self._state.layer:
            self._state.layer = layer
            self._moved()

    def action_layer(self, by: int) -> None:
        """The next layer or the previous one, in the order of the list."""
        order = self._order() or range(self._state.blocks)
        if order:
            place = order.index(self._state.layer) if self._state.layer in order else 0
            self.action_select_layer(order[min(len(order) - 1, max(0, place + by))])

    def action_first_layer(self) -> None:
        """The first layer."""
        self.action_select_layer(0)

    def action_last_layer(self) -> None:
        """The last layer."""
        self.action_select_layer(self._state.blocks - 1)
