"""Which images the metrics are of: following the recording, scrubbing through it, playing it again."""

from collections.abc import Callable
from typing import Protocol

from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.selection import with_images

_FRAME, _FRAMES_A_ROUND, _FASTEST = 0.1, 8, 8


class Timer(Protocol):
    """Calls something again and again."""

    def stop(self) -> None:
        """Call it no more."""


class PlaybackController(Controller):
    """Moving through the recording.

    Args:
        state: of the screen.
        every: has something called every so many seconds.
    """

    def __init__(self, state: SessionState, every: Callable[[float, Callable[[], None]], Timer]) -> None:
        self._state = state
        self._every = every
        self._timer: Timer | None = None
        self._speed, self._frames = 1, 0

    @property
    def playing(self) -> str:
        """That the recording is played and how that is stopped; empty if it is not."""
        return f"playing {self._speed}×: v stops, V changes the speed" if self._timer is not None else ""

    def choose(self, images: int | None) -> None:
        """Only the first so many images; None follows the recording."""
        if self._state.selection is not None:
            self._state.look(with_images(self._state.selection, images))

    @property
    def _shown(self) -> int:
        """Images the metrics are of, or are about to be; 0 where there is nothing to move through."""
        selection, recorded = self._state.selection, self._state.recorded
        return 0 if selection is None or not recorded else selection.settings.images or recorded

    @property
    def _prompts(self) -> int:
        """The images of one round."""
        return len(self._state.recording.manifest.prompts) if self._state.recording else 0

    @property
    def _follows(self) -> bool:
        return self._state.selection is None or self._state.selection.settings.images is None

    def _choose_recorded(self, images: int) -> None:
        """So many images, at least one; beyond the last, follow."""
        self.choose(None if images > self._state.recorded else max(1, images))

    def action_follow(self) -> None:
        """Follow the newest images, or stay at these."""
        if self._shown:
            self.choose(self._state.recorded if self._follows else None)

    def action_images(self, by: int) -> None:
        """So many images more or fewer; beyond the last, follow."""
        if self._shown:
            self._choose_recorded(self._shown + by)

    def action_rounds(self, by: int) -> None:
        """To the end of the next round of prompts or the previous one: there the classes are balanced."""
        if self._shown:
            prompts = self._prompts
            rounds = (self._shown - 1) // prompts if by < 0 else self._shown // prompts + 1
            self._choose_recorded(max(min(prompts, self._state.recorded), rounds * prompts))

    def action_images_first(self) -> None:
        """Only the first round of prompts."""
        if self._shown:
            self.choose(min(self._prompts, self._state.recorded))

    def action_play(self) -> None:
        """Show the images come in again, or stop that."""
        if self._timer is not None:
            self._stop()
        elif self._shown:
            if self._follows:
                self.action_images_first()
            self._timer = self._every(_FRAME, self._play_on)
            self._state.changed()

    def action_faster(self) -> None:
        """Twice as fast; after the fastest the slowest."""
        self._speed = self._speed * 2 if self._speed < _FASTEST else 1
        self._state.changed()

    def _play_on(self) -> None:
        """The next round, once the metrics of this one are seen."""
        if self._follows:
            self._stop()
        elif self._state.analysis is not None and self._state.analysis.selection == self._state.selection:
            self._frames += self._speed
            if self._frames >= _FRAMES_A_ROUND:
                self._frames = 0
                self.action_rounds(1)
                if self._follows:
                    self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self._state.changed()
