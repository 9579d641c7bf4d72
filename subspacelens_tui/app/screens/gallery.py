"""The generated images of a session: by subject, of one class, or of two classes side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Static

from subspacelens_tui.app.key_table import ANYWHERE, GALLERY
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.pictures.source import Listing, PictureSource
from subspacelens_tui.app.pictures.tiles import Pair, Tile, in_words, tiles_of
from subspacelens_tui.app.screens.with_pictures import WithPictures
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.gallery_bar import GalleryBar
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.picture_grid import PictureGrid
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions.format import UNLABELLED
from subspacelens_tui.sessions.sanitise import plain

# Below this, two classes are one above the other.
_BESIDE = 60
# Keys that mean nothing where two classes are shown, and where one grid is.
_OF_ONE, _OF_TWO = ("next-class", "previous-class", "gallery-labels"), ("other-class",)


class GalleryScreen(WithPictures[Listing], NeedsRoom):
    """Images in one grid, or in two."""

    KEYS: ClassVar = (GALLERY, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "#first"

    def __init__(self, path: Path, setup: Setup, scheme: str | None = None, pair: Pair | None = None) -> None:
        """Args: the session's folder, the user's settings, the label scheme to begin with, two classes."""
        super().__init__()
        self.setup = setup
        self._path = path
        self._set_up_pictures(PictureSource(path))
        self._wanted_scheme = pair.scheme if pair else scheme
        self._pair = pair
        self._scheme = 0
        self._only: str | None = None
        self._complaint: str | None = None
        self._shown = False

    def compose(self) -> ComposeResult:
        """Title, bar, pictures, the chosen one in words, keys."""
        yield Static(" SubspaceLens  gallery", id="title", markup=False)
        yield GalleryBar(id="gallery-bar")
        with Container(id="pictures"):
            yield self._picture_grid("first")
            yield self._picture_grid("second")
        yield StatusLine(id="status")
        without = _OF_ONE if self._pair else _OF_TWO
        keys = [key for key in GALLERY if key.name not in without]
        yield KeyBar(in_footer(self.setup.keymap.table(keys, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Read now and, while the session grows, again and again."""
        self.query_one("#second").display = self._pair is not None and self._pair.first != self._pair.second
        self.set_class(self._pair is not None, "pair")
        self._begin_pictures()

    def on_unmount(self) -> None:
        """Let the background thread go."""
        self._source.close()

    def on_resize(self, event: events.Resize) -> None:
        """Arrange for the new size."""
        self.set_class(self.size.width < _BESIDE, "narrow")

    def _complain(self, complaint: str | None) -> None:
        if complaint != self._complaint:
            self._complaint = complaint
            self._say()

    def _show_listing(self, listing: Listing) -> None:
        if not self._shown and self._wanted_scheme in listing.manifest.label_schemes:
            self._scheme = listing.manifest.label_schemes.index(self._wanted_scheme)
        self._shown = True
        self._show()

    # Showing

    def _show(self) -> None:
        """Give every widget what it shows now."""
        listing = self._listing
        if listing is None:
            return
        first, second = self.query_one("#first", PictureGrid), self.query_one("#second", PictureGrid)
        if self._pair is not None:
            self.query_one("#title", Static).update(
                plain(f" SubspaceLens  {listing.name}: {self._pair.says}")
            )
            for grid, name in ((first, self._pair.first), (second, self._pair.second)):
                tiles = self._tiles(name, self._pair.guidance)
                grid.update(tiles, f"{name} · {len(tiles)} images", self._empty(listing))
        else:
            title = f" SubspaceLens  gallery of {listing.name}"
            if (steering := listing.manifest.steering) is not None:
                title += f"  steered: {steering.words}"
            self.query_one("#title", Static).update(plain(title))
            tiles = self._tiles(self._only, None)
            first.update(tiles, "", self._empty(listing))
            self._show_bar(listing, len(tiles))
        self._say()

    def _show_bar(self, listing: Listing, shown: int) -> None:
        classes = self._class_names()
        count = f"{shown} of {len(listing.manifest.images)} images"
        chosen = classes.index(self._only) if self._only in classes else None
        schemes = listing.manifest.label_schemes
        self.query_one(GalleryBar).update(schemes, self._scheme, classes, chosen, count)

    def _empty(self, listing: Listing) -> Sequence[str]:
        first = self.setup.keymap.first
        if listing.images:
            return (f"No image of this class is recorded yet: {first('next-class')} shows another.",)
        if listing.running:
            return ("No image is recorded yet: each appears here as soon as it is.",)
        return (f"This session has no images. {first('leave-gallery')} goes back to it.",)

    def _tiles(self, name: str | None, guidance: float | None) -> list[Tile]:
        assert self._listing is not None
        return tiles_of(self._listing, self._scheme_name, name, guidance)

    @property
    def _scheme_name(self) -> str:
        return self._listing.manifest.label_schemes[self._scheme] if self._listing else ""

    def _class_names(self) -> list[str]:
        """The classes of the current scheme, in the order of the prompts."""
        if self._listing is None:
            return []
        of_prompts = dict.fromkeys(p.labels[self._scheme_name] for p in self._listing.manifest.prompts)
        return [name for name in of_prompts if name != UNLABELLED]

    def _say(self) -> None:
        """The chosen image in words, or what is wrong."""
        line, grid = self.query_one(StatusLine), self._grid
        if self._complaint is not None:
            line.update("error", self._complaint.replace(f"{self._path}/", ""))
        elif self._listing is not None and grid.tiles:
            line.update("note", in_words(self._listing.manifest, grid.tiles[grid.chosen].image))
        else:
            line.update("none", "")

    @property
    def _grid(self) -> PictureGrid:
        return self.query_one("#second" if self.query_one("#second").has_focus else "#first", PictureGrid)

    def on_picture_grid_moved(self) -> None:
        """Another image was chosen."""
        self._say()

    def on_picture_grid_opened(self) -> None:
        """The chosen image was clicked again."""
        self.action_alone()

    # What can be done

    def action_move(self, across: int, down: int) -> None:
        """Choose another image."""
        self._grid.move(across, down)

    def action_page(self, by: int) -> None:
        """A page further."""
        self._grid.page(by)

    def action_choose_image(self, index: int) -> None:
        """Choose an image by its place."""
        self._grid.choose(index)

    def action_alone(self) -> None:
        """One image with all the room, or all again."""
        grid = self._grid
        grid.alone = not grid.alone
        grid.repaint()

    def action_scale(self, by: int) -> None:
        """Larger pictures, or smaller ones."""
        for grid in self.query(PictureGrid):
            grid.scale(by)

    def action_next_class(self, by: int) -> None:
        """Only the next class; all after the last."""
        classes: list[str | None] = [None, *self._class_names()]
        place = classes.index(self._only) if self._only in classes else 0
        self.action_choose_class((place + by) % len(classes) - 1)

    def action_choose_class(self, index: int) -> None:
        """Only one class, by its index; all for -1."""
        if self._pair is None:
            self._only = self._class_names()[index] if index >= 0 else None
            self._show()

    def action_next_scheme(self, by: int) -> None:
        """The classes of the next label scheme."""
        if self._listing is not None:
            self.action_choose_scheme((self._scheme + by) % len(self._listing.manifest.label_schemes))

    def action_choose_scheme(self, index: int) -> None:
        """The classes of a label scheme, by its index."""
        if self._pair is None:
            self._scheme, self._only = index, None
            self._show()

    def action_other_side(self) -> None:
        """To the other of two classes."""
        other = self.query_one("#first" if self._grid.id == "second" else "#second")
        if other.display:
            self.set_focus(other)

    def action_leave_gallery(self) -> None:
        """From one image to all, from all back to the metrics."""
        if self._grid.alone:
            self.action_alone()
        else:
            self.dismiss()

    async def action_leave(self) -> None:
        """Quit, by way of the session, which asks if it is being recorded."""
        below = self.app.screen_stack[-2]
        self.dismiss()
        await below.run_action("leave")
