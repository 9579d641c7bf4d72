"""The top line: which session, what the recorder is doing, how far, how fast, on what."""

from collections.abc import Iterable, Sequence
from typing import Any

from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import cut
from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.app.snapshots import Recording
from subspacelens_tui.sessions import Manifest, Phase, RunState
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.state import RankState
from subspacelens_tui.sessions.steps import timestep_name

# Symbol, ink and word each say it alone: nothing depends on seeing colours.
PHASES: dict[Phase, tuple[str, str]] = {
    Phase.WAITING: ("◌", "dim"),
    Phase.LOADING: ("◐", "warning"),
    Phase.RECORDING: ("●", "good"),
    Phase.PAUSED: ("‖", "warning"),
    Phase.STALE: ("?", "warning"),
    Phase.STOPPED: ("■", "dim"),
    Phase.FAILED: ("✗", "error"),
    Phase.FINISHED: ("✓", "good"),
}
_INCOMPLETE = ("!", "warning")
_NAME_AT_LEAST = 12
_NAMED = 4
# Of one width, so that what stands before it does not move from step to step.
_TIMESTEP = len("(t 999.9)")


def mark(state: RunState) -> tuple[str, str]:
    """Symbol and ink of a state: a session without some of its images is not just finished."""
    incomplete = state.phase is Phase.FINISHED and (state.left_out or state.without_picture)
    return _INCOMPLETE if incomplete else PHASES[state.phase]


def phase_word(recording: Recording) -> str:
    """The phase, with what was asked and is still to come."""
    phase = recording.state.phase
    if phase is Phase.RECORDING and recording.asked == "pause":
        return "pausing …"
    if phase is Phase.PAUSED and recording.asked == "run":
        return "resuming …"
    if phase.running and recording.asked == "stop":
        return "stopping …"
    return recording.state.words


class RunBar(Painted):
    """One line; what matters least goes first where there is no room."""

    recording: Recording | None = None

    def update(self, recording: Recording | None) -> None:
        """Show this."""
        self.recording = recording
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Name on the left, state on the right of it."""
        recording = self.recording
        if recording is None:
            yield [(" SubspaceLens", self.ink("strong"))]
            return
        status = [(" ", self.ink()), *self._status(recording)]
        extras = self._extras(recording.state, recording.manifest)
        while extras and row_width(status) + sum(row_width(e) for e in extras) > width - _NAME_AT_LEAST:
            extras.pop()
        tail = [*status, *(piece for extra in extras for piece in extra), (" ", self.ink())]
        room = max(0, width - row_width(tail))
        yield cut_row([*self._title(recording, room), *tail], width)

    def _title(self, recording: Recording, room: int) -> Row:
        model, name = plain(recording.manifest.model_words), plain(recording.name)
        title = f" {model} › {name}"
        if len(title) + 16 <= room:
            row: list[Piece] = [(" SubspaceLens ", self.ink("dim")), (title, self.ink("strong"))]
        else:
            row = [(cut(title if len(title) <= room else f" {name}", room), self.ink("strong"))]
        return [*row, (" " * max(0, room - row_width(row)), self.ink())]

    def _status(self, recording: Recording) -> list[Piece]:
        state = recording.state
        symbol, ink = mark(state)
        row = [(f"{symbol} {phase_word(recording)}", self.ink(ink))]
        # Beside the words of an incomplete session the count would be there twice.
        if (state.phase is Phase.FAILED and state.detail) or (symbol, ink) == _INCOMPLETE:
            return row
        return [*row, (f" {state.recorded}/{state.planned}", self.ink("strong"))]

    def _extras(self, state: RunState, manifest: Manifest) -> list[list[Piece]]:
        """What there is to say besides, the most important first."""
        extras: list[list[Piece]] = []
        if state.phase is Phase.RECORDING:
            if state.eta is not None:
                extras.append(
                    [("  ETA ", self.ink("dim")), (f"{numbers.duration(state.eta):<5}", self.ink())]
                )
            if state.rate:
                extras.append([(f"  {numbers.number(state.rate)} img/s", self.ink("dim"))])
            if state.step is not None:
                digits = len(str(manifest.steps))
                extras.append([(f"  step {state.step:>{digits}}/{manifest.steps}", self.ink("dim"))])
                if (timestep := manifest.timestep(state.step)) is not None:
                    at = f"({timestep_name(timestep)})"
                    extras.append([(f" {at:<{_TIMESTEP}}", self.ink("dim"))])
        if state.device and state.phase.running:
            extras.append([(f"  {_device(state.device)}", self.ink("dim"))])
        if len(state.ranks) > 1:
            extras.append([(f"  {len(state.ranks)} ranks", self.ink("dim"))])
        if state.lost and len(state.ranks) > 1 and state.phase.running:
            extras.insert(0, [(f"  {_lost(state.lost)}", self.ink("error"))])
        return extras


def _lost(ranks: Sequence[RankState]) -> str:
    """Which ranks are gone, and how."""
    parts = []
    for phase, word in ((Phase.FAILED, "failed"), (Phase.STALE, "silent")):
        gone = [str(rank.rank) for rank in ranks if rank.phase is phase]
        if len(gone) > _NAMED:
            parts.append(f"{len(gone)} ranks {word}")
        elif gone:
            parts.append(f"{'ranks' if len(gone) > 1 else 'rank'} {','.join(gone)} {word}")
    return ", ".join(parts)


def _device(device: dict[str, Any]) -> str:
    parts = [cut(plain(device.get("name", "")), 16)]
    if isinstance(busy := device.get("utilisation"), int | float):
        parts.append(f"{busy:.0f} %")
    used, total = device.get("used"), device.get("total")
    if isinstance(used, int | float) and isinstance(total, int | float) and total > 0:
        parts.append(f"{numbers.gigabytes(used)}/{numbers.gigabytes(total)} GB")
    return " ".join(part for part in parts if part)
