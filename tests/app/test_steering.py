"""The screen of a steering run: its grid, its verdict, its curves, an image beside its unsteered twin."""

from pathlib import Path

import pytest
from textual.widgets import Static

from subspacelens_tui.analysis.output.steering import steering_json, steering_text
from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.analysis.steering_results import runs_for, steering_result
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.app.screens.steering import SteeringScreen
from subspacelens_tui.app.widgets.picture_grid import PictureGrid
from subspacelens_tui.app.widgets.session_table import SessionTable
from subspacelens_tui.app.widgets.steering_curves import Geometry, OffManifold, TargetShare
from subspacelens_tui.sessions.control import requested
from tests.app.conftest import Driver, OpenApp
from tests.app.steered_run import plant, plant_over_layers, plant_run
from tests.conftest import PlantedSessionFactory as Planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with a run, and one without."""
    found = tmp_path_factory.mktemp("sessions")
    plant(found, "natural", [0, 1, 2], range(6))
    plant(found, "other", [0, 1], range(2))
    plant_run(found)
    return found


async def opened(app: Driver, name: str = "natural") -> SteeringScreen:
    """Open the runs of a session from the list."""
    app.app.screen.query_one(SessionTable).choose(name)
    await app.press("T")
    await app.settled()
    assert isinstance(app.app.screen, SteeringScreen)
    return app.app.screen


def grid(screen: SteeringScreen, which: str = "steered") -> PictureGrid:
    return screen.query_one(f"#{which}", PictureGrid)


def test_runs_are_those_of_the_session_they_were_fitted_to(folder: Path, tmp_path: Path) -> None:
    assert runs_for(folder / "natural") == runs_for(folder / "run~rotation") == ["run"]
    assert runs_for(folder / "other") == []


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_grid_has_a_row_for_each_strength_and_control(
    open_app: OpenApp, folder: Path, size: tuple[int, int]
) -> None:
    async with open_app(folder, size=size) as app:
        screen = await opened(app)
        tiles = grid(screen).tiles
        rows = list(dict.fromkeys(tile.subject for tile in tiles))
        assert rows == ["s0", "s0.5", "s1", "target", "rotation"], "source, strengths, target, controls"
        assert [tile.detail for tile in tiles[:4]] == ["1000", "1001", "1002", "1003"], "columns are seeds"
        words = " ".join(app.text().split())
        assert "steers: 100 % panda (95 % CI 63 % to 100 %, 8 seeds)" in words
        assert "rotation of equal energy 0 %" in words
        assert "wrong on 0 of 18 natural images across seeds and on 0 of 16 of this run" in words
        assert ("typical ones do not make an image natural" in words) == (size[1] == 40)
        assert "lion → panda: transport at layer 1" in app.text()
        assert "s0 · seed 1000 · “a lion” · judged lion" in app.text()
        assert screen._source.greyed == {"rotation"}, "what is above 1.4 is grey"
        plots = [screen.query_one(TargetShare), screen.query_one(OffManifold)]
        assert [plot.display and plot.parent.display for plot in plots] == [size[0] == 120] * 2
        await app.press("down", "down")
        assert "s1 · seed 1000" in app.text()
        if size[0] == 80:
            await app.press("w")
            assert not grid(screen).display
        assert "100 % [63 %, 100 %]" in app.text(), "the curves mark the row of the chosen image"
        assert plots[0].plot().curves[0].values == (0.0, 0.0, 100.0, None, None)
        assert plots[1].plot().curves[2].values[:3] == (None, None, None)


async def test_what_is_off_the_manifold_is_drawn_in_grey(open_app: OpenApp, folder: Path) -> None:
    async with open_app(folder) as app:
        source = (await opened(app))._source
        seen = {}
        for key in ("s1", "rotation"):
            await source.picture(
                source.number(key, 0), 8, lambda picture, key=key: seen.update({key: picture})
            )
        pixels = {key: picture.getpixel((4, 4)) for key, picture in seen.items()}
        assert len(set(pixels["rotation"])) == 1
        assert len(set(pixels["s1"])) > 1


async def test_an_image_is_shown_with_its_unsteered_twin(open_app: OpenApp, folder: Path) -> None:
    async with open_app(folder) as app:
        screen = await opened(app)
        await app.press("down", "down", "right", "enter")
        twins = grid(screen, "twins")
        assert not grid(screen).display
        assert [tile.name for tile in twins.tiles] == ["lion 1001", "s1 1001", "panda 1001"]
        assert [screen._source.place(tile.image) for tile in twins.tiles] == [
            ("s0", 1),
            ("s1", 1),
            ("target", 1),
        ]
        await app.press("right")
        assert twins.tiles[1].name == "s1 1002", "the arrows go on to the next image"
        await app.press("escape")
        assert grid(screen).display
        await app.press("escape")
        assert isinstance(app.app.screen, SessionsScreen)


async def test_it_opens_from_the_session_and_says_where_there_is_none(
    open_app: OpenApp, folder: Path
) -> None:
    async with open_app(folder, folder / "run~s1") as app:
        await app.press("T")
        assert isinstance(app.app.screen, SteeringScreen)
        await app.press("escape")
        assert isinstance(app.app.screen, SessionScreen)
    async with open_app(folder) as app:
        app.app.screen.query_one(SessionTable).choose("other")
        await app.press("T")
        assert "other has no tokens, and steering is fitted to them" in app.text()


def test_a_run_of_another_model_than_what_it_was_fitted_to_is_refused(folder: Path, planted: Planted) -> None:
    other = planted(layers=2, seeds=2).start().record()
    plant_run(other.path.parent, statistics=other.path.name)
    with pytest.raises(SettingsError, match="is of another model than planted, to which it was"):
        steering_result(other.path.parent, "run")


async def test_a_run_that_grows_is_judged_as_far_as_it_is(
    open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subspacelens_tui.app.screens.steering._PAUSE", 0.0)
    plant(tmp_path, "natural", [0, 1, 2], range(6))
    plant_run(tmp_path, finished=False)
    plant_run(tmp_path, "second")
    async with open_app(tmp_path) as app:
        screen = await opened(app)
        if screen._run != "run":
            await app.press("r")
            screen = app.app.screen
        await app.settled()
        assert "run (" in str(screen.query_one("#title", Static).render())
        assert "recording rotation 4/8 · 5 sessions so far" in app.text()
        assert len([t for t in grid(screen).tiles if t.subject == "rotation"]) == 4
        await app.press("x")
        assert "Stop the run run? What is recorded stays." in app.text()
        await app.press("s")
        await app.settled()
        keys = [path.name for path in tmp_path.glob("run~*") if requested(path) == "stop"]
        assert len(keys) == 5, "in all of them: one may be finished when it is asked"
        assert all(requested(path) == "run" for path in tmp_path.glob("second~*"))
        # Without what it was fitted to there are images, and the reason why there is no more.
        screen._folder.joinpath("natural", "session.json").unlink()
        screen._stale = True
        await screen._judge()
        assert "natural" in app.text()
        assert screen._result is None
        assert grid(screen).tiles


async def test_a_run_over_the_layers_has_curves_over_them_beside_the_geometry(
    open_app: OpenApp, tmp_path: Path
) -> None:
    plant_over_layers(tmp_path)
    async with open_app(tmp_path, size=(160, 50)) as app:
        screen = await opened(app, "deep")
        rows = list(dict.fromkeys(tile.subject for tile in grid(screen).tiles))
        layers = [f"L{layer}" for layer in range(12)]
        assert rows == ["s0", *layers, "target", *(f"{layer}-rotation" for layer in layers)]
        assert "transport at each layer in turn" in app.text()
        words = " ".join(app.text().split())
        assert "steers at layers 6-11 of 0-11: most at layer " in words
        assert "geometry is not shown to tell where steering works" in words
        assert "24 shifts and reflections allow no p below 0.042" in words
        target, off, geometry = (screen.query_one(kind) for kind in (TargetShare, OffManifold, Geometry))
        assert [curve.values for curve in target.plot().curves] == [
            (0.0,) * 6 + (100.0,) * 6,
            (0.0,) * 12,
        ]
        assert min(off.plot().curves[2].values) > 1.4, "the rotations are far"
        assert len(geometry.plot().curves) == 3
        assert {max(curve.values) for curve in geometry.plot().curves} == {1.0}
        await app.press(*["down"] * 8)
        assert "L7 · seed 1000" in app.text()
        assert [plot.cursor() for plot in (target, off, geometry)] == [7, 7, 7], "the layer of the image"
        assert [entry.name for entry in geometry.legend()] == ["excess", "shift", "overlap"]
        assert geometry.legend()[1].interval.startswith("ρ +0.")
        assert "rotation 0 % [0 %, 37 %]" in " ".join(app.text().split())


def test_a_run_over_the_layers_that_grows_says_what_is_missing(tmp_path: Path) -> None:
    plant_over_layers(tmp_path, depth=4, last=1)
    found = steering_result(tmp_path, "layers")
    assert found.layers is not None
    assert [row is None for row in found.layers.method] == [False, False, True, True]
    assert found.layers.verdict.endswith("cannot be told yet: layers 2-3 are missing")
    text = steering_text(found)
    assert "transport at each layer in turn" in text
    assert found.layers.verdict in text
    json = steering_json(found)["layers"]
    assert json["method"] == ["L0", "L1", None, None]
    assert json["least_p"] == 1 / 8
    assert [of["key"] for of in json["predictors"]] == ["excess", "shift", "overlap"]
