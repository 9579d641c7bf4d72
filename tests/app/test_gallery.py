"""The gallery: which images are shown, which of them are read, and what is said where there are none."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from textual.widgets import Static

from subspacelens_tui.app.pictures import source
from subspacelens_tui.app.pictures.source import Listing
from subspacelens_tui.app.pictures.tiles import tiles_of
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.screens.gallery import GalleryScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.gallery_bar import GalleryBar
from subspacelens_tui.app.widgets.picture_grid import PictureGrid
from subspacelens_tui.sessions.format import ImageInfo, Prompt
from subspacelens_tui.sessions.writer import image_path
from tests.app.conftest import PATIENCE, Driver, OpenApp, with_pictures
from tests.conftest import PlantedSessionFactory as Planted


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Images in the order in which they are read."""
    found: list[int] = []
    read: Callable[..., Image.Image] = source.read_picture

    def noted(session: object, image: int, largest: int) -> Image.Image:
        found.append(image)
        return read(session, image, largest)

    monkeypatch.setattr(source, "read_picture", noted)
    return found


def grid(app: Driver, which: str = "first") -> PictureGrid:
    return app.app.screen.query_one(f"#{which}", PictureGrid)


def names(app: Driver, which: str = "first") -> list[str]:
    return [tile.name for tile in grid(app, which).tiles]


def title(app: Driver) -> str:
    return str(app.app.screen.query_one("#title", Static).render())


async def test_images_are_shown_by_subject_each_in_words(on: OpenApp, planted: Planted) -> None:
    async with on(with_pictures(planted(seeds=2).start()), size=(80, 24)) as app:
        await app.press("a")
        assert isinstance(app.app.screen, GalleryScreen)
        assert names(app)[:4] == ["lion 0", "lion 1", "penguin 0", "penguin 1"]
        assert "image 0 · seed 0 · guidance 3 · animals, lion · “a lion”" in app.text()
        # A row a subject.
        captions = next(line for line in app.text().splitlines() if "▶lion 0" in line)
        assert captions.split() == ["▶lion", "0", "lion", "1"]
        await app.press("right", "right")
        assert "▶penguin 0" in app.text()
        assert "image 1 · seed 0 · guidance 3 · animals, penguin" in app.text()
        await app.press("end")
        assert "“a sailboat”" in app.text()
        await app.press("down", "home")
        assert grid(app).chosen == 0
        await app.press("escape")
        assert app.app.screen is app.screen


async def test_only_what_is_seen_is_read_and_only_once(
    on: OpenApp, planted: Planted, reads: list[int]
) -> None:
    async with on(with_pictures(planted(seeds=8).start()), size=(80, 24)) as app:
        await app.press("a")
        # Four in a row, two rows: the seeds of the first subject.
        assert sorted(reads) == [9 * seed for seed in range(8)]
        reads.clear()
        await app.press("right", "left", "question_mark", "escape")
        assert reads == []
        await app.press("end")
        assert len(reads) == 8
        assert {app.screen.recording.manifest.images[image].prompt for image in reads} == {8}
        reads.clear()
        await app.press("home")
        assert reads == []


async def test_the_grid_adapts_to_the_size(on: OpenApp, planted: Planted) -> None:
    async with on(with_pictures(planted(seeds=2).start()), size=(120, 40)) as app:
        await app.press("a")
        seen = {}
        for size in ((200, 60), (80, 24), (50, 15), (40, 10)):
            await app.pilot.resize_terminal(*size)
            await app.pilot.pause()
            placed = grid(app)._placed
            assert placed is not None
            assert placed.columns * (placed.width + 1) <= size[0]
            assert placed.rows * (placed.height + 1) <= grid(app).size.height
            assert "▶lion 0" in app.text()
            seen[size] = placed.columns * placed.rows
        assert seen[200, 60] > seen[80, 24] > seen[50, 15] >= 2
        await app.pilot.resize_terminal(1, 1)
        await app.pilot.resize_terminal(80, 24)
        await app.pilot.press("plus")
        larger = grid(app)._placed.width
        await app.pilot.press("minus", "minus")
        assert larger > grid(app)._placed.width
        await app.pilot.press("enter")
        assert (grid(app)._placed.columns, grid(app)._placed.rows) == (1, 1)
        await app.pilot.press("right")
        assert "seed 1" in app.text()
        await app.press("escape")
        assert isinstance(app.app.screen, GalleryScreen)
        assert not grid(app).alone


async def test_one_class_by_key_and_by_mouse(on: OpenApp, planted: Planted) -> None:
    async with on(with_pictures(planted(seeds=1).start()), size=(120, 40)) as app:
        await app.press("a", "c")
        assert names(app) == ["lion 0", "penguin 0", "octopus 0"]
        assert "3 of 9 images" in app.text()
        await app.press("l", "C")
        assert names(app) == ["sailboat 0"]
        await app.press("l")
        bar = app.app.screen.query_one(GalleryBar)
        row = app.text().splitlines()[1]
        await app.pilot.click(bar, offset=(row.index("food"), 0))
        await app.settled()
        assert "[food]" in app.text()
        assert names(app) == ["pizza 0", "apple 0", "sushi 0"]
        await app.pilot.click(grid(app), offset=(grid(app)._placed.width + 3, 2))
        await app.settled()
        assert "“a apple”" in app.text()


async def test_images_that_come_while_one_looks(on: OpenApp, planted: Planted) -> None:
    session = planted(seeds=3).start()
    async with on(session) as app:
        await app.press("a")
        assert "No image is recorded yet" in app.text()
        with_pictures(session, 1)
        app.app.screen.read()
        await app.settled()
        assert len(names(app)) == 9
        await app.press("right")
        with_pictures(session, 1)
        app.app.screen.read()
        await app.settled()
        assert names(app)[:4] == ["lion 0", "lion 1", "penguin 0", "penguin 1"]
        # What was chosen stays chosen.
        assert "▶penguin 0" in app.text()


async def test_the_images_of_a_cell_of_the_matrix(on: OpenApp, planted: Planted) -> None:
    async with on(with_pictures(planted(seeds=2, guidance=(3.0, 6.0)).start())) as app:
        await app.press("5", "down", "P")
        assert isinstance(app.app.screen, GalleryScreen)
        # The cell food × food is its class alone.
        assert title(app).endswith(": food")
        assert not grid(app, "second").display
        await app.press("escape", "left", "P")
        overlap = app.screen.analysis.main.overlap[0, 1, 0]
        assert f"overlap {overlap:.3f}".replace("0.", ".") in title(app)
        shown = app.app.screen._listing.manifest
        for which, wanted in (("first", "food"), ("second", "animals")):
            tiles = grid(app, which).tiles
            images = [shown.images[tile.image] for tile in tiles]
            assert {shown.prompts[image.prompt].labels["coarse"] for image in images} == {wanted}
            assert {image.guidance for image in images} == {3.0}
            assert len(tiles) == 6
            assert f"{wanted} · 6 images" in app.text()
        await app.press("tab", "right")
        assert grid(app, "second").has_focus
        assert "“a lion”" in app.text()
        await app.press("c", "l")
        assert len(names(app)) == 6


async def test_images_that_cannot_be_shown_say_why(on: OpenApp, planted: Planted) -> None:
    session = with_pictures(planted(seeds=1).start())
    image_path(session.path, 0).unlink()
    image_path(session.path, 1).write_bytes(b"RIFF no picture")
    async with on(session) as app:
        await app.press("a")
        assert "image 0 was not" in app.text()
        assert "is no WebP or" in app.text()


async def test_pictures_can_be_turned_off(on: OpenApp, planted: Planted, reads: list[int]) -> None:
    setup = Setup(Preferences(pictures="off"))
    async with on(with_pictures(planted(seeds=1).start()), setup=setup) as app:
        for keys in (("a",), ("5", "P")):
            await app.press(*keys)
            assert app.app.screen is app.screen
            assert "pictures are off: start with --pictures auto" in app.text()
        assert reads == []


async def test_a_session_that_vanishes_is_a_message(on: OpenApp, planted: Planted, tmp_path: Path) -> None:
    session = with_pictures(planted(seeds=1).start())
    async with on(session) as app:
        (session.path / "session.json").rename(tmp_path / "gone")
        await app.press("a")
        async with asyncio.timeout(PATIENCE):
            while "it has no session.json" not in " ".join(app.text().split()):  # it may take two rows
                await app.pilot.pause()


async def test_quitting_from_the_gallery_asks_while_a_recording_runs(on: OpenApp, planted: Planted) -> None:
    async with on(with_pictures(planted(seeds=2).start(), 1)) as app:
        await app.press("a", "q")
        assert "A recording is running." in app.text()
        await app.press("escape")
        assert app.app.screen is app.screen


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the terminal beside the cells."""
    found: list[str] = []
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    monkeypatch.setattr(
        "subspacelens_tui.app.screens.with_pictures.write_raw", lambda app, data: found.append(data)
    )
    return found


async def test_kitty_is_sent_each_image_once_and_lets_go_of_all(
    on: OpenApp, planted: Planted, written: list[str]
) -> None:
    setup = Setup(Preferences(pictures="kitty"))
    async with on(with_pictures(planted(seeds=8).start()), size=(80, 24), setup=setup) as app:
        await app.press("a")
        sent = re.findall(r"\x1b_Ga=T,U=1,q=2,f=100,i=(\d+),", "".join(written))
        assert len(set(sent)) == len(sent) == 8
        assert app.text().count("\U0010eeee") == 8 * 18 * 9
        await app.press("question_mark", "escape", "right", "escape")
        assert re.findall(r"i=(\d+)", "".join(written[8:])) == sent
        assert all(command.startswith("\x1b_Ga=d,d=I") for command in written[8:])


async def test_a_hostile_name_is_shown_literally(on: OpenApp, planted: Planted) -> None:
    async with on(with_pictures(planted("\x1b[31mred[bold]\u202e", seeds=1).start())) as app:
        await app.press("a")
        assert title(app) == " SubspaceLens  gallery of ␛[31mred[bold]�"


def test_images_are_named_by_their_prompts_where_labels_are_broad() -> None:
    prompts = [
        Prompt(text=text, labels={"kind": kind})
        for text, kind in (("a red car", "vehicle"), ("a blue bus", "vehicle"), ("a lion", "animal"))
    ]
    images = [ImageInfo(prompt=prompt, seed=seed, guidance=3.0) for prompt in range(3) for seed in (0, 1)]
    manifest = SimpleNamespace(prompts=prompts, images=images, label_schemes=["kind"], guidance=[3.0])
    tiles = tiles_of(Listing("run", manifest, tuple(range(6)), False), "kind", None, None)
    assert [tile.name for tile in tiles] == [
        *("a red car 0", "a red car 1", "a blue bus 0", "a blue bus 1", "a lion 0", "a lion 1")
    ]
