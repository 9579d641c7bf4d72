"""The layer of least overlap and whether it moves; and the order of classes that makes a hierarchy blocks."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.claims.overlap import deeper, not_deeper
from subspacelens_tui.analysis.least_overlap import Separation, moves, separation, words
from subspacelens_tui.analysis.tables import article_tables
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.labels import add_labels
from subspacelens_tui.sessions.ranges import ranges
from tests.conftest import CATEGORIES, PlantedSessionFactory


def test_layers_that_cannot_be_told_from_the_best_are_candidates() -> None:
    overlap = np.array([0.5, 0.31, 0.3, 0.6])
    noise = np.random.default_rng(0).normal(size=(20, 1)) * 0.01 / np.sqrt(19)
    own = np.array([0.0, 5.0, 1.0, 1.0])  # layer 1 goes its own way, the others together
    left_out = overlap + noise * own
    assert separation(overlap, [left_out]) == Separation(2, (1, 2))
    # What all layers share is no noise of their difference.
    shared = overlap + np.random.default_rng(1).normal(size=(20, 1))
    assert separation(overlap, [shared]) == Separation(2, (2,))
    # Two kinds of noise add up.
    assert separation(overlap, [shared, left_out]) == Separation(2, (1, 2))


def test_a_layer_moves_only_where_none_could_be_it_throughout() -> None:
    assert words([Separation(2, (2,)), Separation(2, (1, 2))]).endswith("is the same at every step.")
    near = [Separation(2, (1, 2, 3)), Separation(4, (1, 2, 4))]
    assert not moves(near)
    assert words(near).endswith("layers 1-2 cannot be excluded at any step.")
    far = [*near, Separation(5, (4, 5))]
    assert moves(far)
    assert words(far).endswith("moves with the step, beyond noise.")
    assert ranges([0, 1, 2, 4, 6, 7]) == "0-2, 4, 6-7"


@pytest.mark.parametrize(
    ("early", "late", "is_deeper", "is_not"),
    [
        ((1, 2), (7, 8), True, False),
        ((7, 8), (1, 2), False, True),
        ((3,), (3,), False, True),  # it stays
        ((3, 4), (2, 3), False, True),
        ((3, 4), (3, 4), False, False),
        ((1, 2, 9), (7, 8), False, False),  # one of the early layers is deeper, and two are not
        ((5,), (4, 6), False, False),
    ],
)
def test_whether_the_layer_is_deeper_is_told_only_where_all_that_could_be_it_agree(
    early: tuple[int, ...], late: tuple[int, ...], is_deeper: bool, is_not: bool
) -> None:
    sides = Separation(early[0], early), Separation(late[0], late)
    assert (deeper(*sides), not_deeper(*sides)) == (is_deeper, is_not)


def test_the_tables_say_whether_it_moves(planted: PlantedSessionFactory) -> None:
    session = open_session(planted(seeds=6, layers=3, signal=3.0).start().record().path)
    tables = article_tables(Analyzer(session), Settings(permutations=4, subspace_dim=2))
    assert [row.step for row in tables.separation] == [5, 19]
    for row in tables.separation:
        assert row.layer in row.candidates
    assert "layer of least overlap" in tables.moves


def test_without_error_bars_it_cannot_be_said(planted: PlantedSessionFactory) -> None:
    # Without one of its three subjects a category has two images, too few for rank 3.
    session = open_session(planted(seeds=1, layers=2).start().record().path)
    tables = article_tables(Analyzer(session), Settings(permutations=4, subspace_dim=3))
    assert tables.separation[0].candidates == ()
    assert "cannot be said: the overlap has no error bar: " in tables.moves


def test_classes_of_one_coarser_class_stand_side_by_side_however_the_prompts_are_mixed(
    planted: PlantedSessionFactory,
) -> None:
    writer = planted(layers=2)
    path = writer.path / "session.json"
    manifest = json.loads(path.read_text())
    random.Random(0).shuffle(manifest["prompts"])
    path.write_text(json.dumps(manifest))
    session = open_session(writer.start().record().path)
    classes = Analyzer(session).result(Settings(labels="fine")).classes
    order = list(dict.fromkeys(prompt.labels["coarse"] for prompt in session.manifest.prompts))
    groups = [next(c for c, subjects in CATEGORIES.items() if name in subjects) for name in classes]
    assert list(dict.fromkeys(groups)) == order
    assert groups == sorted(groups, key=order.index)
    assert len(classes) == 9


def test_a_label_file_between_two_schemes_orders_the_finer_one(
    planted: PlantedSessionFactory, tmp_path: Path
) -> None:
    session = open_session(planted(layers=2).start().record().path)
    file = tmp_path / "labels.toml"
    halves = {"lion": 1, "octopus": 1, "penguin": 2, "pizza": 3, "sushi": 3, "apple": 4}
    lines = [f'"a {name}" = "{halves.get(name, 5)}"' for names in CATEGORIES.values() for name in names]
    file.write_text("[half]\n" + "\n".join(lines))
    add_labels(session, file)
    fine = Analyzer(session).result(Settings(labels="fine")).classes
    assert fine == ("lion", "octopus", "penguin", "pizza", "sushi", "apple", "car", "rocket", "sailboat")
    assert Analyzer(session).result(Settings(labels="half")).classes == ("1", "2", "3", "4", "5")
