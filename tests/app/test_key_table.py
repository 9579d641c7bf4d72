"""The one table of keys: whatever it names there is."""

import inspect
import re

import pytest

from subspacelens_tui.app.key_table import EVERY_KEY, OVERLAID, SCOPES
from tests.app.conftest import OpenApp, with_pictures
from tests.app.steered_run import plant_run
from tests.conftest import PlantedSessionFactory as Planted

LEADS = ("", "a", *(f"escape {keys}" for keys in ("m", "c", "C", "5 enter", "T", "N", "o")), "n")
"""Keys that lead from the session to gallery, sweep, comparison, claims, pair, run, page, list and form."""


def test_every_line_has_a_name_of_its_own_and_a_place() -> None:
    names = [key.name for key in EVERY_KEY]
    assert len(set(names)) == len(names)
    assert {key.name for table in SCOPES.values() for key in table} == set(names)


async def test_every_key_of_every_screen_has_its_action(on: OpenApp, planted: Planted) -> None:
    seen = set()
    session = with_pictures(planted(layers=2, seeds=2).start())
    plant_run(session.path.parent, statistics=session.path.name)
    async with on(session) as app:
        for keys in LEADS:
            await app.press(*keys.split())
            screen = app.app.screen
            for key in (key for table in screen.KEYS for key in table):
                name, given = re.fullmatch(r"([\w.]+)(\(.*\))?", key.action).groups()
                owner = app.app if name.startswith("app.") else screen
                action = getattr(owner, f"action_{name.removeprefix('app.')}", None)
                assert action is not None, f"{type(screen).__name__} has no action for {key.name}"
                count = len(eval(f"({given[1:-1]},)")) if given else 0
                inspect.signature(action).bind(*range(count))
                seen.add(key.name)
    # Three sessions lead to those of the overlaid ones: test_overlaid.py presses them.
    assert seen | {key.name for key in OVERLAID} == {key.name for key in EVERY_KEY}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_has_one_meaning_in_its_place(scope: str) -> None:
    keys = [name for key in SCOPES[scope] for name in key.keys.split(",")]
    assert len(set(keys)) == len(keys)
