"""What is analysed: labels, ε, branch, step, features, rank, null, intervals."""

from dataclasses import replace

from subspacelens_tui.app.screens.eps import EpsDialog
from subspacelens_tui.app.screens.session.base import SessionBase
from subspacelens_tui.app.view import CHOICES, stepped_eps, with_eps, with_rank


class ViewActions(SessionBase):
    """Changing the settings of the analysis."""

    def action_next_choice(self, name: str, by: int) -> None:
        """The next value of a control, or the one before."""
        if self.view is not None and self.recording is not None:
            self._look(CHOICES[name].moved(self.view, self.recording.manifest, by))

    def action_choose(self, name: str, index: int) -> None:
        """A value of a control."""
        if self.view is not None and self.recording is not None:
            self._look(CHOICES[name].choose(self.view, self.recording.manifest, index))

    def action_eps(self, by: int) -> None:
        """ε one step up or down."""
        if self.view is not None:
            self._look(with_eps(self.view, stepped_eps(self.view.settings.eps, by)))

    def action_type_eps(self) -> None:
        """Type ε."""

        def chosen(eps: float | None) -> None:
            if eps is not None and self.view is not None:
                self._look(with_eps(self.view, eps))

        if self.view is not None:
            self.app.push_screen(EpsDialog(self.view.settings.eps), chosen)

    def action_rank(self, by: int) -> None:
        """The dimension of the class subspaces, one more or less."""
        main = self.analysis.main if self.analysis else None
        if self.view is None or main is None or main.settings.rank is None:
            return
        self._look(with_rank(self.view, min(max(1, main.settings.rank + by), max(main.class_sizes))))

    def action_together(self) -> None:
        """All label schemes in the curves, or the chosen one."""
        if self.view is not None:
            self._look(replace(self.view, together=not self.view.together))
