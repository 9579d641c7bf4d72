"""Copying what is looked at to the clipboard, as text and as numbers; exporting all of it into a folder."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.strip import Strip

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.panes.pane import Numbers, Pane

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot

# In the folder where the app was started.
_FOLDER = Path("exports")


@dataclass(frozen=True)
class Exportable:
    """What can be copied and exported.

    Attributes:
        heading: what messages call it.
        title: of its picture.
        session: name of the session that its files go under.
        parts: words that make the name of its files.
        text: as plain text.
        seen: as it is on the screen.
        numbers: behind it.
        plot: makes it for publication, of the name of its files, if there is one.
        sources: sessions and settings of the numbers, which the files say.
    """

    heading: str
    title: str
    session: str
    parts: Sequence[object]
    text: str
    seen: Sequence[Strip]
    numbers: Numbers
    plot: Callable[[str], "Plot | None"] = lambda name: None
    sources: Sequence[tuple[str, Settings]] = ()


class ExportController(Controller):
    """Copying and exporting.

    Args:
        exportable: what would be exported now.
        tell: says what was done.
        complain: says what went wrong.
        copy: puts text on the clipboard of the terminal.
        run: has a coroutine run on the event loop.
    """

    def __init__(
        self,
        exportable: Callable[[], Exportable],
        tell: Callable[[str], None],
        complain: Callable[[str], None],
        copy: Callable[[str], None],
        run: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._exportable = exportable
        self._tell, self._complain, self._copy, self._run = tell, complain, copy, run

    def action_copy(self) -> None:
        """Copy the text to the clipboard of the terminal."""
        found = self._exportable()
        self._copy(found.text)
        self._tell(f"copied: {found.heading}")

    def action_copy_numbers(self) -> None:
        """Copy the numbers, for a spreadsheet."""
        # Imported now: a start should not pay for it.
        from subspacelens_tui.analysis.output import tabbed

        found = self._exportable()
        if not found.numbers:
            self._tell(f"there are no numbers behind {found.heading} yet")
            return
        self._copy(tabbed(found.numbers))
        rows = len(found.numbers)
        self._tell(f"copied: {rows} rows of numbers behind {found.heading}, with tabs between columns")

    def action_export_pane(self) -> None:
        """Write it as SVG and PNG, with the numbers behind it."""
        self._run(self._export())

    async def _export(self) -> None:
        # What is seen and what is computed belong together: both are taken before anything is awaited.
        found = self._exportable()
        if not found.numbers:
            self._tell(f"there are no numbers behind {found.heading} yet: nothing to export")
            return
        self._tell(f"exporting {found.heading} …")
        from subspacelens_tui.analysis.output import Provenance
        from subspacelens_tui.app.pane_export import export, file_name, free_name

        folder = _FOLDER / found.session
        name = free_name(folder, file_name(*found.parts))
        plot, about = found.plot(f"{name}-plot"), Provenance(found.sources)
        try:
            written = await asyncio.to_thread(
                export, folder, name, found.title, found.seen, found.numbers, plot, about
            )
        except OSError as error:
            self._complain(f"cannot export to {folder.resolve()}: {error.strerror or error}")
            return
        kinds = ", ".join(path.name.removeprefix(name) for path in written.paths)
        self._tell("; ".join([f"exported to {folder / name}: {kinds}", *written.lacking]))


def exportable_pane(pane: Pane, state: SessionState) -> Exportable:
    """A pane of the session screen."""
    session = state.path.resolve().name
    found = state.analysis.results.values() if state.analysis else ()
    return Exportable(
        heading=pane.heading,
        title=pane.title_text,
        session=session,
        parts=tuple(_parts(pane, state)),
        text=pane.as_text(),
        seen=pane.seen(),
        numbers=pane.numbers(),
        plot=pane.publication,
        sources=[(session, of.settings) for of in found] or [(session, Settings())],
    )


def _parts(pane: Pane, state: SessionState) -> Iterator[object]:
    yield pane.pane_name
    main = state.analysis.main if state.analysis else None
    if main is None or state.analysis is None:
        return
    of = main.settings
    yield from (of.labels, state.analysis.selection.branch, f"step{of.step}", f"guidance{of.guidance:g}")
    yield from (f"eps{of.eps:g}", of.features)
    if pane.of_a_layer:
        yield f"layer{state.layer}"
    yield f"n{main.images}"
