"""What the session screen shows: kept in one place, changed by controllers, drawn by panes."""

from collections.abc import Callable
from pathlib import Path

from subspacelens_tui.app.selection import Measure, Selection, with_captured
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.sessions import Manifest, Phase


class SessionState:
    """Snapshots of the worker, and what the user has chosen.

    Data flows one way: the worker hands over snapshots, they are kept here, and the screen gives them to its
    panes. A controller that changes something calls `changed`; panes change nothing.

    Args:
        path: the session's folder.
        worker: follows the session and computes, in the background.
        changed: has the screen drawn anew.

    Attributes:
        recording: how the session stands, as last read.
        analysis: the metrics shown, as last computed.
        selection: what the user has selected; None until the session is open.
        layer: the layer that all panes share.
        measure: which of excess and ΔR the curves show.
        without_position: whether the lenses are of tokens minus the mean at their position.
        complaint: what went wrong with what the user asked, until something else is selected.
        notice: what is to be said, until something else is selected.
        trouble: why the session cannot be read.
    """

    def __init__(self, path: Path, worker: Worker, changed: Callable[[], None]) -> None:
        self.path = path
        self.worker = worker
        self.changed = changed
        self.recording: Recording | None = None
        self.analysis: Analysis | None = None
        self.selection: Selection | None = None
        self.layer = 0
        self.measure: Measure = "both"
        self.without_position = False
        self.complaint: str | None = None
        self.notice: str | None = None
        self.trouble: str | None = None

    # What the worker brings

    def take_recording(self, recording: Recording) -> bool:
        """Keep how the session stands; True if its selection is to be chosen anew.

        So it is at first, and when another session was copied over this one: the metrics are not of it.
        """
        before, self.recording = self.recording, recording
        selection, now = self.selection, recording.manifest
        if before is not None and selection is not None and _same_choices(before.manifest, now):
            self.look(with_captured(selection, before.manifest, now))
            return False
        self.analysis = None
        self.layer = min(self.layer, max(0, recording.blocks - 1))
        return True

    def take_analysis(self, analysis: Analysis) -> bool:
        """Keep new metrics; False if they are of a selection that is not looked at any more."""
        if analysis.selection != self.selection:
            return False
        before = self.analysis
        if before is not None and before.selection == analysis.selection:
            analysis = analysis.with_deferred_of(before)
        self.analysis = analysis
        return True

    def take_trouble(self, message: str | None) -> None:
        """Keep why the session cannot be read; None once it can."""
        if message != self.trouble:
            self.trouble = message
            self.changed()

    # What the user does

    def open(self, selection: Selection) -> None:
        """Look at the first selection."""
        self.selection = selection
        self.worker.look(selection)

    def look(self, selection: Selection) -> None:
        """Look at another selection."""
        if selection != self.selection:
            self.complaint = self.notice = None
            self.open(selection)
            self.changed()

    def tell(self, words: str) -> None:
        """Say something until another selection is looked at."""
        self.notice = words
        self.changed()

    def complain(self, words: str | None) -> None:
        """Say what went wrong; None takes it back."""
        self.complaint = words
        self.changed()

    # What follows from it

    @property
    def recorded(self) -> int:
        """Recorded images of the chosen guidance scale."""
        if self.recording is None or self.selection is None or self.selection.settings.guidance is None:
            return 0
        return self.recording.recorded.get(self.selection.settings.guidance, 0)

    @property
    def behind(self) -> int | None:
        """How many images the metrics are of while a recording runs ahead of them."""
        main = (
            self.analysis.main
            if self.analysis is not None and self.analysis.selection == self.selection
            else None
        )
        if main is None or self.recording is None or not self.recording.state.phase.running:
            return None
        return min(main.images, self.recorded)

    @property
    def planned(self) -> int:
        """Images of the chosen guidance scale that there will be."""
        if self.recording is None or self.selection is None:
            return 0
        scale = self.selection.settings.guidance
        return sum(image.guidance == scale for image in self.recording.manifest.images)

    @property
    def blocks(self) -> int:
        """Layers of the session."""
        return self.recording.blocks if self.recording else 0

    @property
    def may_run(self) -> bool:
        """Whether a recorder runs, or may: a silent one can still be at work."""
        if self.recording is None:
            return False
        phase = self.recording.state.phase
        return phase.running or phase is Phase.STALE


def _same_choices(one: Manifest, other: Manifest) -> bool:
    """Whether the same can be chosen in both, apart from layers and steps that come with the model."""
    if one.blocks and (len(one.blocks), one.capture_steps) != (len(other.blocks), other.capture_steps):
        return False
    # A label file may have added schemes.
    schemes = other.label_schemes[: len(one.label_schemes)]
    return (one.label_schemes, one.guidance) == (schemes, other.guidance)
