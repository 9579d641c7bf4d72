"""Panes of the lenses while autoencoders are trained beside an open session."""

from pathlib import Path

import numpy as np

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_dictionaries import trained_beside
from subspacelens_tui.analysis.sparse_results import Asked as Compared
from subspacelens_tui.analysis.sparse_results import sparse_comparison
from subspacelens_tui.analysis.sparse_training import PlannedTraining, plan_training, write_training
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.heartbeats import say_started
from subspacelens_tui.sparse import Autoencoder
from subspacelens_tui.sparse.layouts import write_autoencoder
from subspacelens_tui.sparse.recipe import Asked
from subspacelens_tui.sparse.training_job import targets_of
from tests.analysis.token_sessions import IMAGES, plant
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSessionFactory

P, KEPT, WIDTH, ATOMS = 36, 16, 12, 6


def with_tokens(path: Path) -> Session:
    rng = np.random.default_rng(0)
    session = plant(path, [rng.standard_normal((IMAGES, P, WIDTH)) for _ in range(2)], KEPT)
    EventWriter(path).write("finished")
    return session


def planned(session: Session, atoms: int = ATOMS) -> PlannedTraining:
    found = plan_training(session, Settings(), None, Asked(atoms=atoms, k=2), "cpu", 1, checks=False)
    write_training(found)
    return found


def finish(of: PlannedTraining, *inside: str) -> None:
    """Write one of its autoencoders, as its trainer does."""
    [target] = [target for target in targets_of(of.job) if target.inside == inside]
    atoms, zero = target.recipe.atoms, np.zeros(WIDTH)
    decoder = np.random.default_rng(len(inside[0])).standard_normal((atoms, WIDTH))
    made = Autoencoder(decoder, np.zeros(atoms), zero, decoder, zero, target.recipe.k)
    about = {"session": "s", "block": inside[1], "images": list(of.job.images)}
    write_autoencoder(of.folder.joinpath(*inside), made, target.recipe, None, about)


def sentence(app: Driver) -> str:
    return str(app.screen.query_one("#sparse").sentence())


def atoms(app: Driver) -> list[int | None]:
    """Of the autoencoder of each layer."""
    found = app.screen.analysis.sparse
    return [of.found.quality and of.found.quality.atoms for of in found.layers]


async def go_to(app: Driver, pane: str) -> None:
    await app.press("4")
    while app.app.focused.id != pane:
        await app.press("w")


async def test_an_open_pane_takes_in_what_is_trained_meanwhile(on: OpenApp, tmp_path: Path) -> None:
    session = with_tokens(tmp_path / "s")
    async with on(session) as app:
        await go_to(app, "sparse")
        assert "No SAE: `subspacelens-tui sparse SESSION --sae train` trains one" in sentence(app)
        assert atoms(app) == [None, None]

        job = planned(session)
        events = EventWriter(job.folder)
        say_started(events, world=1)
        events.write("recording")
        events.write("heartbeat", step=30, steps=400, eta=75)
        await app.settled()
        assert "Training: step 30 of 400" in sentence(app)

        before = app.screen.analysis.sparse.layers[0]
        finish(job, "first", "block.1")
        await app.settled()
        assert atoms(app) == [None, ATOMS]
        assert app.screen.analysis.sparse.layers[0] is before
        assert app.screen.analysis.sparse.layers[1].found.quality.stable is None

        finish(job, "second", "block.1")
        finish(job, "first", "block.0")
        events.write("finished")
        await app.settled()
        assert atoms(app) == [ATOMS, ATOMS]
        assert app.screen.analysis.sparse.layers[1].found.quality.stable is not None
        assert "Training" not in sentence(app)


async def test_of_several_trainings_the_one_finished_last_counts_layer_by_layer(
    on: OpenApp, tmp_path: Path
) -> None:
    session = with_tokens(tmp_path / "s")
    every, other = planned(session), planned(session, atoms=4)
    for block in ("block.0", "block.1"):
        finish(every, "first", block)
    async with on(session) as app:
        await go_to(app, "atoms")
        assert atoms(app) == [ATOMS, ATOMS]
        finish(other, "first", "block.0")
        await app.settled()
        assert atoms(app) == [4, ATOMS]


async def test_atoms_keep_room_for_their_images(on: OpenApp, tmp_path: Path) -> None:
    session = with_tokens(tmp_path / "s")
    job = planned(session)
    finish(job, "first", "block.0")
    async with on(session, size=(80, 24)) as app:
        await app.press("home")
        await go_to(app, "atoms")
        [atom, *_] = app.screen.analysis.sparse.layers[0].atoms
        head, first, *_ = app.screen.query_one("#atoms").as_text().splitlines()[1:]
        assert head.split() == ["atom", "class", "pos", "stable", "images"]
        assert f"  {atom.images[0]}:c" in first


async def test_lenses_of_tokens_without_their_position_are_a_key_away(on: OpenApp, tmp_path: Path) -> None:
    session = with_tokens(tmp_path / "s")
    async with on(session) as app:
        await go_to(app, "sparse")
        whole = app.screen.analysis.sparse
        await app.press("P")
        await app.settled()
        found = app.screen.analysis.sparse
        asked = Compared(without_position=True, dictionaries=trained_beside(session))
        assert found.without_position
        assert found.layers == sparse_comparison(session, found.settings, asked).layers
        assert "position means removed" in app.text()
        assert "`subspacelens-tui sparse SESSION --without-position --sae train`" in sentence(app)
        assert {row["without_position"] for row in app.screen.query_one("#sparse").numbers()} == {True}
        await app.press("P")
        await app.settled()
        assert app.screen.analysis.sparse.layers == whole.layers
        assert "position means removed" not in app.text()


async def test_a_session_without_tokens_says_so_when_asked_for_positions(
    on: OpenApp, planted: PlantedSessionFactory
) -> None:
    async with on(planted().start().record()) as app:
        await app.press("P")
        assert "record them with `subspacelens-tui record --tokens`" in app.screen.message()[1]
