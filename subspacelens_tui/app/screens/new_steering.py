"""The form of a steering run: checked while it is typed, then started as the command is."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.screen import Screen

from subspacelens_tui.app.screens.form import FormScreen
from subspacelens_tui.app.setup import Setup, StartedSteering
from subspacelens_tui.app.steering_form import SteeringForm, read_steering_form
from subspacelens_tui.options.steering import FIELDS
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.steering_statistics import Statistics
from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.steering import METHODS


@dataclass(frozen=True)
class Started:
    """A run that was started.

    Attributes:
        run: its name.
        process: of the command.
    """

    run: str
    process: StartedSteering


class NewSteeringScreen(FormScreen[Started, SteeringForm]):
    """The fields of a steering run; dismissed with it once it was started.

    Args:
        session: what it is to be fitted to.
        setup: holds how a run is started.
        begin_with: texts of fields by name, as of the cell and the layer where the cursor was.
    """

    fields = FIELDS

    def __init__(self, session: Session, setup: Setup, begin_with: Mapping[str, str]) -> None:
        super().__init__(setup)
        self._session, self.texts_at_first = session, begin_with
        self.heading = f" SubspaceLens  steering, fitted to {plain(session.name)}"

    def known(self) -> Mapping[str, Sequence[str]]:
        """Label schemes, their classes, and methods."""
        prompts = self._session.manifest.prompts
        names = tuple(dict.fromkeys(name for p in prompts for name in p.labels.values() if name))
        schemes = tuple(self._session.manifest.label_schemes)
        return {"source": names, "target": names, "labels": schemes, "method": tuple(METHODS)}

    def read_texts(self, texts: Mapping[str, str]) -> SteeringForm:
        """Check what is typed."""
        return read_steering_form(texts, self._session)

    def lines(self, form: SteeringForm) -> list[tuple[str, bool]]:
        """How much will be recorded."""
        return [(form.remark, False)]  # blank while a field is wrong: what was said is of other texts

    async def begin(self, form: SteeringForm) -> Started:
        """Start the command in a process of its own."""
        start = self.setup.start_steering
        if start is None:
            raise SessionError("no run can be started from here: use `subspacelens-tui steer`")
        assert form.name is not None
        process = await asyncio.to_thread(start, self._session.path, form.options)
        return Started(form.name, process)


async def open_form(
    screen: Screen[Any],
    session: Path,
    setup: Setup,
    tell: Callable[[str], object],
    begin_with: Mapping[str, str],
    show: Callable[[Started], None],
) -> None:
    """Open the form of a run that is to be fitted to a session; or say why none can be.

    Args:
        screen: from which.
        session: its folder.
        setup: the user's settings.
        tell: says why.
        begin_with: texts by the names of fields.
        show: is handed the run once it was started.
    """
    try:
        opened = await asyncio.to_thread(open_session, session)
        Statistics(opened)
    except (PlanningError, SessionError) as error:
        tell(str(error))
        return
    if screen.app.screen is screen:
        form = NewSteeringScreen(opened, setup, begin_with)
        screen.app.push_screen(form, lambda run: None if run is None else show(run))
