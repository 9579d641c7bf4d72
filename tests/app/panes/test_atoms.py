"""The table of an autoencoder's atoms."""

from dataclasses import replace

import pytest

from subspacelens_tui.app.panes.atoms import AtomsPane
from tests.app.sparse_result import sparse_result
from tests.app.test_widgets import Stage, analysis


async def test_an_atom_of_position_is_not_taken_for_one_of_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sparse_result(1)
    of_class, of_position = found.layers[0].atoms[:2]
    of_class = replace(of_class, of_class=0.31, of_position=0.12)
    of_position = replace(of_position, of_class=0.13, of_position=0.32)
    layer = replace(found.layers[0], atoms=(of_class, of_position, *found.layers[0].atoms[2:]))
    pane = AtomsPane()
    async with Stage(pane, (80, 12)).run_test(size=(100, 20)) as pilot:
        pane.update(None, replace(analysis(layers=1), sparse=replace(found, layers=(layer,))), 0)
        await pilot.pause()
        monkeypatch.setattr(pane, "ink", lambda name="": name)
        inks = {text.strip(): name for row in pane.paint(80, 12) for text, name in row}
        assert (inks[".31"], inks[".12"]) == ("strong", "dim")
        assert (inks[".13"], inks[".32"]) == ("dim", "strong")
