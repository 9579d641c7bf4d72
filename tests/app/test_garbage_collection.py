"""When garbage is looked for."""

import gc
import weakref

from subspacelens_tui.app.garbage_collection import Collector, wait_for_quiet


class Ring:
    """Something that only a collection of garbage frees."""

    def __init__(self) -> None:
        self.self = self


def test_not_while_somebody_types() -> None:
    now = 100.0
    collector = Collector(lambda: now)
    left = weakref.ref(Ring())
    gc.disable()
    try:
        now += 10
        collector.touch()
        now += 1
        collector.collect()
        assert left() is not None
        now += 1
        collector.collect()
        assert left() is None
    finally:
        gc.enable()


def test_python_goes_on_with_young_objects() -> None:
    before = gc.get_threshold()
    try:
        wait_for_quiet()
        assert gc.get_threshold()[:2] == before[:2]
        assert gc.get_threshold()[2] > 100 * before[2]
    finally:
        gc.set_threshold(*before)
