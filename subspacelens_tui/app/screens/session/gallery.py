"""From the figures to the images they are of."""

from typing import TYPE_CHECKING

from subspacelens_tui.app import numbers
from subspacelens_tui.app.panes.overlap_matrix import OverlapPane
from subspacelens_tui.app.screens.session.base import SessionBase

if TYPE_CHECKING:
    from subspacelens_tui.app.pictures.tiles import Pair


class GalleryActions(SessionBase):
    """Opening the gallery."""

    def action_gallery(self) -> None:
        """All images, by subject."""
        self._open_gallery(None)

    def action_cell_pictures(self) -> None:
        """The images of both classes of the selected cell of the matrix."""
        cell = self.query_one(OverlapPane).selected_cell()
        if cell is None or self.view is None or self.view.settings.guidance is None:
            self._tell("there is no overlap here yet: no classes to show images of")
            return
        from subspacelens_tui.app.pictures.tiles import Pair

        first, second, value = cell
        of = self.query_one(OverlapPane).sample()
        overlap = f"overlap {numbers.fraction(value, 3)} at layer {self.selected}, {of}"
        says = overlap if first != second else first
        self._open_gallery(Pair(self.view.main[0], first, second, self.view.settings.guidance, says))

    def _open_gallery(self, pair: "Pair | None") -> None:
        if self.setup.preferences.pictures == "off":
            self._tell("pictures are off: start with --pictures auto, or set it in the settings")
            return
        # Imported now: pictures are not needed to look at figures, and cost time to import.
        from subspacelens_tui.app.screens.gallery import GalleryScreen

        scheme = self.view.main[0] if self.view is not None else None
        self.app.push_screen(GalleryScreen(self._path, self.setup, scheme, pair))
