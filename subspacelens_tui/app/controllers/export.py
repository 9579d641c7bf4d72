"""Taking away what is looked at: its text and its numbers to the clipboard, all of it into a folder."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.strip import Strip
from textual.widget import Widget

from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from subspacelens_tui.analysis.export import Plot

# In the folder where the app was started.
_FOLDER = Path("exports")


@dataclass(frozen=True)
class Looked:
    """What is looked at.

    Attributes:
        heading: what messages call it.
        title: of its picture.
        session: name of the session that its files go under.
        parts: words that make the name of its files.
        text: as plain text.
        seen: as it is on the screen.
        numbers: behind it.
        plot: makes it for publication, of the name of its files, if there is one.
    """

    heading: str
    title: str
    session: str
    parts: Sequence[object]
    text: str
    seen: Sequence[Strip]
    numbers: Numbers
    plot: Callable[[str], "Plot | None"] = lambda name: None


class Taking(Widget):
    """A screen with a status line whose figures can be taken away; named after `Screen` among the bases."""

    def _looked_at(self) -> Looked:
        """What would be taken."""
        raise NotImplementedError

    def _tell(self, words: str) -> None:
        """Say what was done."""
        self.query_one(StatusLine).update("note", words)

    def _complain(self, words: str) -> None:
        """Say what went wrong."""
        self.query_one(StatusLine).update("error", words)

    def action_copy(self) -> None:
        """Copy the text to the clipboard of the terminal."""
        looked = self._looked_at()
        self.app.copy_to_clipboard(looked.text)
        self._tell(f"copied: {looked.heading}")

    def action_copy_numbers(self) -> None:
        """Copy the numbers, for a spreadsheet."""
        # Imported now: a start should not pay for it.
        from subspacelens_tui.analysis.export import tabbed

        looked = self._looked_at()
        if not looked.numbers:
            self._tell(f"there are no numbers behind {looked.heading} yet")
            return
        self.app.copy_to_clipboard(tabbed(looked.numbers))
        rows = len(looked.numbers)
        self._tell(f"copied: {rows} rows of numbers behind {looked.heading}, with tabs between columns")

    def action_export_pane(self) -> None:
        """Write it as SVG and PNG, with the numbers behind it."""
        self.run_worker(self._export(), group="export")

    async def _export(self) -> None:
        # What is seen and what is computed belong together: both are taken before anything is awaited.
        looked = self._looked_at()
        if not looked.numbers:
            self._tell(f"there are no numbers behind {looked.heading} yet: nothing to export")
            return
        self._tell(f"exporting {looked.heading} …")
        from subspacelens_tui.app.pane_export import file_name, take

        folder, name = _FOLDER / looked.session, file_name(*looked.parts)
        plot = looked.plot(f"{name}-plot")
        try:
            taken = await asyncio.to_thread(
                take, folder, name, looked.title, looked.seen, looked.numbers, plot
            )
        except OSError as error:
            self._complain(f"cannot export to {folder.resolve()}: {error.strerror or error}")
            return
        kinds = ", ".join(path.name.removeprefix(name) for path in taken.paths)
        self._tell("; ".join([f"exported to {folder / name}: {kinds}", *taken.lacking]))
