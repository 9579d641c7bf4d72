"""Which images the figures are of: following, scrubbing, playing."""

from textual.timer import Timer

from subspacelens_tui.app.screens.session.base import SessionBase
from subspacelens_tui.app.selection import with_images
from subspacelens_tui.app.widgets.scrubber import Scrubber

_FRAME, _FRAMES_A_ROUND, _FASTEST = 0.1, 8, 8


class ImageActions(SessionBase):
    """Moving through the recording."""

    _player: Timer | None = None
    _speed, _frames = 1, 0

    def on_scrubber_moved(self, message: Scrubber.Moved) -> None:
        """The scrubber was dragged."""
        if self.view is not None:
            self._look(with_images(self.view, message.images))

    def action_follow(self) -> None:
        """Follow the newest images, or stay at these."""
        if self.view is None or not self._recorded:
            return
        following = self.view.settings.images is None
        self._look(with_images(self.view, self._recorded if following else None))

    def action_images(self, by: int) -> None:
        """So many images more or less; beyond the last, follow."""
        if self.view is None or not self._recorded:
            return
        images = (self.view.settings.images or self._recorded) + by
        self._look(with_images(self.view, None if images > self._recorded else max(1, images)))

    def action_rounds(self, by: int) -> None:
        """To the end of the round of prompts before or after: there the classes are balanced."""
        if self.view is None or self.recording is None or not self._recorded:
            return
        prompts = len(self.recording.manifest.prompts)
        images = self.view.settings.images or self._recorded
        rounds = (images - 1) // prompts if by < 0 else images // prompts + 1
        wanted = max(min(prompts, self._recorded), rounds * prompts)
        self._look(with_images(self.view, None if wanted > self._recorded else wanted))

    def action_play(self) -> None:
        """Show the images come in again, or stop that."""
        if self._player is not None:
            self._stop_playing()
            return
        if self.view is None or self.recording is None or not self._recorded:
            return
        if self.view.settings.images is None:
            self.action_images_first()
        self._player = self.set_interval(_FRAME, self._play_on)
        self._show()

    def action_images_first(self) -> None:
        """Only the first round of prompts."""
        if self.view is not None and self.recording is not None and self._recorded:
            prompts = len(self.recording.manifest.prompts)
            self._look(with_images(self.view, min(prompts, self._recorded)))

    def action_faster(self) -> None:
        """Twice as fast; after the fastest the slowest."""
        self._speed = self._speed * 2 if self._speed < _FASTEST else 1
        self._show()

    def _play_on(self) -> None:
        """The next round, once the figures of this one are seen."""
        if self.view is None or self.view.settings.images is None:
            self._stop_playing()
        elif self.analysis is not None and self.analysis.view == self.view:
            self._frames += self._speed
            if self._frames >= _FRAMES_A_ROUND:
                self._frames = 0
                self.action_rounds(1)
                if self.view.settings.images is None:
                    self._stop_playing()

    def _stop_playing(self) -> None:
        if self._player is not None:
            self._player.stop()
        self._player = None
        self._show()
