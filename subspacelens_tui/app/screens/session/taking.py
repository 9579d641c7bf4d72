"""Taking a pane away: its numbers to the clipboard, all of it into a folder."""

import asyncio
from pathlib import Path

from subspacelens_tui.app.screens.session.base import SessionBase
from subspacelens_tui.app.widgets.pane import Pane

# In the folder where the app was started.
_FOLDER = Path("exports")
_WITH_LAYER = ("overlap", "inspector", "spectrum")


class TakingActions(SessionBase):
    """Copying and exporting the focused pane."""

    _active = "excess"

    def _pane(self) -> Pane:
        """The focused pane, else the one last gone to."""
        return self.focused if isinstance(self.focused, Pane) else self._seen(self._active)

    def action_copy(self) -> None:
        """Copy the pane's text to the clipboard of the terminal."""
        pane = self._pane()
        self.app.copy_to_clipboard(pane.as_text())
        self._tell(f"copied: {pane.heading}")

    def action_copy_numbers(self) -> None:
        """Copy the numbers behind the pane, for a spreadsheet."""
        # Imported now: a start should not pay for it.
        from subspacelens_tui.analysis.export import tabbed

        pane = self._pane()
        numbers = pane.numbers()
        if not numbers:
            self._tell(f"there are no numbers behind {pane.heading} yet")
            return
        self.app.copy_to_clipboard(tabbed(numbers))
        self._tell(f"copied: {len(numbers)} rows of numbers behind {pane.heading}, with tabs between columns")

    def action_export_pane(self) -> None:
        """Write the pane as SVG and PNG, with the numbers behind it."""
        self.run_worker(self._export(self._pane()), group="export")

    async def _export(self, pane: Pane) -> None:
        # What is seen and what is computed belong together: both are taken before anything is awaited.
        seen, numbers = pane.seen(), pane.numbers()
        if not numbers:
            self._tell(f"there are no numbers behind {pane.heading} yet: nothing to export")
            return
        self._tell(f"exporting {pane.heading} …")
        from subspacelens_tui.app.pane_files import take

        name = self._file_name(pane)
        folder = _FOLDER / self._path.resolve().name
        plot = pane.publication(f"{name}-plot")
        try:
            taken = await asyncio.to_thread(take, folder, name, pane.title_text, seen, numbers, plot)
        except OSError as error:
            self._complaint = f"cannot export to {folder.resolve()}: {error.strerror or error}"
            self._show()
            return
        kinds = ", ".join(path.name.removeprefix(name) for path in taken.paths)
        self._tell("; ".join([f"exported to {folder / name}: {kinds}", *taken.lacking]))

    def _file_name(self, pane: Pane) -> str:
        from subspacelens_tui.app.pane_files import file_name

        main = self.analysis.main if self.analysis else None
        if main is None:
            return file_name(pane.id)
        of = main.settings
        assert self.analysis is not None
        parts = [pane.id, of.labels, self.analysis.view.branch, f"step{of.step}", f"guidance{of.guidance:g}"]
        layer = [f"layer{self.selected}"] if pane.id in _WITH_LAYER else []
        return file_name(*parts, f"eps{of.eps:g}", of.features, *layer, f"n{main.images}")
