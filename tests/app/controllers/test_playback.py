"""Moving through a recording, without a screen."""

from collections.abc import Callable

import pytest

from subspacelens_tui.app.controllers.playback import _FRAMES_A_ROUND, PlaybackController
from tests.app.controllers.conftest import NotedState
from tests.app.test_widgets import analysis


class Clock:
    """Ticks when it is told to."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def every(self, seconds: float, call: Callable[[], None]) -> "Clock":
        self.calls.append(call)
        return self

    def stop(self) -> None:
        self.calls.clear()

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            for call in list(self.calls):
                call()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def playback(state: NotedState, clock: Clock) -> PlaybackController:
    return PlaybackController(state, clock.every)


def test_following_and_staying(state: NotedState, playback: PlaybackController) -> None:
    playback.action_follow()
    assert state.images == 36
    playback.action_follow()
    assert state.images is None


@pytest.mark.parametrize(
    ("start", "by", "images"), [(None, -1, 35), (10, 1, 11), (1, -1, 1), (36, 1, None), (10, -20, 1)]
)
def test_image_by_image(
    state: NotedState, playback: PlaybackController, start: int | None, by: int, images: int | None
) -> None:
    playback.choose(start)
    playback.action_images(by)
    assert state.images == images


@pytest.mark.parametrize(
    ("start", "by", "images"),
    [
        (None, -1, 27),
        (27, -1, 18),
        (20, -1, 18),
        (20, 1, 27),
        (9, -1, 9),
        (3, -1, 9),
        (30, 1, 36),
        (36, 1, None),
    ],
)
def test_round_by_round(
    state: NotedState, playback: PlaybackController, start: int | None, by: int, images: int | None
) -> None:
    playback.choose(start)
    playback.action_rounds(by)
    assert state.images == images


def test_playing_waits_for_the_metrics_of_each_round(
    state: NotedState, playback: PlaybackController, clock: Clock
) -> None:
    playback.action_play()
    assert state.images == 9
    assert playback.playing.startswith("playing 1×")
    clock.tick(10 * _FRAMES_A_ROUND)
    assert state.images == 9, "nothing was computed yet"
    seen = []
    while state.images is not None:
        state.show(analysis())
        clock.tick(_FRAMES_A_ROUND)
        seen.append(state.images)
    assert seen == [18, 27, 36, None]
    assert (playback.playing, clock.calls) == ("", [])


def test_faster(state: NotedState, playback: PlaybackController, clock: Clock) -> None:
    for speed in (2, 4, 8, 1, 2):
        playback.action_faster()
        if playback._speed == 8:
            playback.action_play()
            state.show(analysis())
            clock.tick()
            assert state.images == 18
            playback.action_play()
        assert playback._speed == speed
    assert not clock.calls


def test_nothing_recorded_nothing_to_play(
    state: NotedState, playback: PlaybackController, clock: Clock
) -> None:
    state.recording = None
    looked = list(state.noted.looked)
    for action in (playback.action_play, playback.action_follow, playback.action_images_first):
        action()
    playback.action_rounds(1)
    playback.action_images(1)
    assert state.noted.looked == looked
    assert not clock.calls
