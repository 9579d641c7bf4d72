"""The form of a new recording: checked while it is typed, with what it will take, before it starts."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from subspacelens_tui.app.new_run_form import NewRunForm, read_form
from subspacelens_tui.app.screens.form import FormScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.options.recording import FIELDS
from subspacelens_tui.planning import shipped_prompt_sets
from subspacelens_tui.planning.device import nvidia_gpus
from subspacelens_tui.planning.plan import DTYPES
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.writer import create_new_session


class NewRunScreen(FormScreen[Path, NewRunForm]):
    """The fields of a recording; dismissed with the session's folder once a recorder runs.

    Args:
        folder: of sessions.
        setup: holds how a recorder is started.
        models: to suggest.
    """

    fields = FIELDS
    heading = " SubspaceLens  new recording"

    def __init__(self, folder: Path, setup: Setup, models: Sequence[str] = ()) -> None:
        super().__init__(setup)
        self._folder = folder
        self._models = tuple(dict.fromkeys([*BUNDLED, *models]))

    def known(self) -> Mapping[str, Sequence[str]]:
        """Models, prompt sets, devices and dtypes."""
        return {
            "model": self._models,
            "prompts": shipped_prompt_sets(),
            "device": ("cpu", "cuda", *(gpu.name for gpu in nvidia_gpus())),
            "dtype": DTYPES,
        }

    def read_texts(self, texts: Mapping[str, str]) -> NewRunForm:
        """Plan what is typed."""
        return read_form(texts, self._folder)

    def lines(self, form: NewRunForm) -> list[tuple[str, bool]]:
        """Remarks on the prompts, and the estimate."""
        if form.estimate is None:
            return []
        warnings = form.estimate.warnings
        remarks = [(line, True) for line in form.remarks]
        return [*remarks, *((line, line in warnings) for line in form.estimate.lines)]

    async def begin(self, form: NewRunForm) -> Path:
        """Make the session and start its recorder."""
        start = self.setup.start_recorder
        if start is None:
            raise SessionError("no recorder can be started from here: use `subspacelens-tui record`")
        assert form.manifest is not None
        path = await asyncio.to_thread(create_new_session, self._folder, form.name, form.manifest)
        await asyncio.to_thread(start, path)
        return path
