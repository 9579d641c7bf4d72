"""What is analysed: labels, ε, branch, step, features, rank, null, intervals."""

from dataclasses import replace

from subspacelens_tui.analysis.growing import Configuration
from subspacelens_tui.app.dialogs.eps import EpsDialog
from subspacelens_tui.app.screens.session.base import SessionBase
from subspacelens_tui.app.selection import (
    CHOICES,
    stepped_eps,
    with_configuration,
    with_eps,
    with_iso_rate,
    with_rank,
)
from subspacelens_tui.app.widgets.eps_slider import EpsSlider


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
        """ε one step up or down; in the iso-rate view R."""
        if self.view is not None:
            settings = self.view.settings
            self._set_eps(stepped_eps(settings.eps if settings.iso_rate is None else settings.iso_rate, by))

    def on_eps_slider_moved(self, message: EpsSlider.Moved) -> None:
        """The slider was moved."""
        self._set_eps(message.value)

    def _set_eps(self, value: float) -> None:
        """Look at another ε, or in the iso-rate view at another R."""
        if self.view is not None:
            iso = self.view.settings.iso_rate is not None
            self._look((with_iso_rate if iso else with_eps)(self.view, value))

    def action_iso_rate(self) -> None:
        """Each layer's ε chosen so that R is what the selected layer has now; or one ε again."""
        if self.view is None:
            return
        if self.view.settings.iso_rate is not None:
            self._look(with_iso_rate(self.view, None))
            return
        main = self.analysis.main if self.analysis else None
        layer = main.layers[self.selected] if main and self.selected < len(main.layers) else None
        if layer is None or not layer.R:
            self._tell("the selected layer has no R yet: there is nothing to make the others equal to")
            return
        self._look(with_iso_rate(self.view, float(f"{layer.R:.4g}")))

    def action_type_eps(self) -> None:
        """Type ε; in the iso-rate view R."""

        def chosen(value: float | None) -> None:
            if value is not None:
                self._set_eps(value)

        if self.view is not None:
            settings = self.view.settings
            iso = settings.iso_rate
            self.app.push_screen(EpsDialog(settings.eps if iso is None else iso, iso is not None), chosen)

    def action_sweep(self) -> None:
        """One figure over all guidance scales and captured steps."""
        if self.view is None or self.recording is None or not self.recording.blocks:
            return
        # Imported now: a start should not pay for it.
        from subspacelens_tui.app.screens.sweep import SweepScreen

        def chosen(configuration: Configuration | None) -> None:
            if configuration is not None and self.view is not None:
                found = configuration.step, configuration.guidance
                self._look(with_configuration(self.view, *found))

        manifest, problems = self.recording.manifest, self.recording.problems
        name = self._path.resolve().name
        screen = SweepScreen(name, self.analyst, manifest, self.view.settings, self.setup, problems)
        self.app.push_screen(screen, chosen)

    def action_compare(self) -> None:
        """This view against another of the session, or of another session."""
        if self.view is None or self.recording is None or not self.recording.blocks:
            return
        from subspacelens_tui.app.screens.compare import CompareScreen, Side

        here, manifest = replace(self.view.settings, images=None), self.recording.manifest
        other = here
        if (here.guidance or 0) > 1:
            other = replace(here, branch="uncond" if here.branch == "cond" else "cond")
        elif len(manifest.capture_steps) > 1:
            other = CHOICES["step"].moved(self.view, manifest, 1).settings
        sides = Side(self._path, here), Side(self._path, other)
        self.app.push_screen(CompareScreen(*sides, self.setup, {self._path: self.analyst}, self.selected))

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
