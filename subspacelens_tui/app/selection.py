"""What the user has selected, and the choices there are. Immutable: a choice makes a new selection."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

from subspacelens_tui.analysis.settings import ErrorsBy, Settings, SettingsError
from subspacelens_tui.geometry import DESIGNS, VIEWS
from subspacelens_tui.sessions import Branch, Manifest
from subspacelens_tui.sessions.sanitise import some_of

BranchChoice = Literal["cond", "uncond", "both", "difference"]
Measure = Literal["excess", "delta_R", "both"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Which = tuple[str, Branch]
"""A set of metrics of the selection: its label scheme and branch."""

_T = TypeVar("_T")
# The design that fits the label scheme, or one for all.
_DESIGNS = ("auto", *DESIGNS)
NO_ERRORS = "off"
_ERRORS = (NO_ERRORS, *get_args(ErrorsBy))
_TOGETHER_AT_MOST = 3
# Renard's R10 series: ten steps a decade, as even in log ε as two digits allow.
_SERIES = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)


@dataclass(frozen=True)
class Selection:
    """What of a session is looked at.

    Attributes:
        settings: of the analysis, resolved; its `images` is None while the selection follows the recording.
        branch: which branches to show; `settings.branch` is the one that the matrix and the list show.
        together: whether the curves show all label schemes or the chosen one only.
    """

    settings: Settings
    branch: BranchChoice = "cond"
    together: bool = True

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that the curves show."""
        if self.branch in ("both", "difference"):
            return ("cond", "uncond")
        return (self.settings.branch,)

    @property
    def main(self) -> Which:
        """The metrics that the list, the matrix and the inspector show."""
        assert self.settings.labels is not None
        return (self.settings.labels, self.settings.branch)

    def schemes(self, manifest: Manifest) -> tuple[str, ...]:
        """The label schemes that the curves show, in the order of the prompt file."""
        chosen = self.main[0]
        schemes = manifest.label_schemes
        if not self.together or len(schemes) > _TOGETHER_AT_MOST:
            return (chosen,)
        return schemes

    def wanted(self, manifest: Manifest) -> dict[Which, Settings]:
        """The analyses this selection needs, the main one first."""
        pairs = [(scheme, branch) for scheme in self.schemes(manifest) for branch in self.branches]
        pairs.sort(key=lambda pair: pair != self.main)
        return {
            (scheme, branch): replace(self.settings, labels=scheme, branch=branch) for scheme, branch in pairs
        }


def first_selection(settings: Settings, manifest: Manifest) -> tuple[Selection, list[str]]:
    """The selection a session opens with, and a line for each thing that was asked and is not there."""
    complaints: list[str] = []

    def had(name: str, asked: _T | None, available: Sequence[_T], default: _T) -> _T:
        if asked is None or asked in available:
            return default if asked is None else asked
        complaints.append(f"the session has no {name} {asked}: it has {some_of(available)}")
        return default

    resolved = replace(
        settings,
        labels=had("labels", settings.labels, manifest.label_schemes, manifest.label_schemes[0]),
        step=had("step", settings.step, manifest.capture_steps, manifest.capture_steps[-1]),
        guidance=had("guidance", settings.guidance, manifest.guidance, manifest.guidance[0]),
        branch=had("branch", settings.branch, manifest.branches, "cond"),
        permutations=0,
        errors=settings.errors or "auto",
    )
    return _settled(Selection(resolved, branch=resolved.branch), manifest), complaints


def _settled(selection: Selection, manifest: Manifest) -> Selection:
    """The selection without an uncond branch where its guidance scale has none."""
    if has_two_branches(selection, manifest):
        return selection
    return replace(selection, branch="cond", settings=replace(selection.settings, branch="cond"))


@dataclass(frozen=True)
class Choice:
    """A control with a few values to choose from.

    Attributes:
        name: of the control, as in the key table.
        values: all values in a session, as text.
        current: the value of a selection, as text.
        choose: the selection with the value of this index.
    """

    name: str
    values: Callable[[Manifest, Selection], Sequence[str]]
    current: Callable[[Selection], str]
    choose: Callable[[Selection, Manifest, int], Selection]

    def index(self, selection: Selection, manifest: Manifest) -> int:
        """The index of the current value."""
        values = list(self.values(manifest, selection))
        return values.index(self.current(selection)) if self.current(selection) in values else 0

    def moved(self, selection: Selection, manifest: Manifest, by: int) -> Selection:
        """The selection with the next value (or the one before); after the last comes the first."""
        count = len(self.values(manifest, selection))
        return self.choose(selection, manifest, (self.index(selection, manifest) + by) % count)


def _with(selection: Selection, **changes: object) -> Selection:
    return replace(selection, settings=replace(selection.settings, **changes))  # type: ignore[arg-type]


def has_two_branches(selection: Selection, manifest: Manifest) -> bool:
    """Whether there is an unconditional branch at the guidance scale of a selection."""
    scale = selection.settings.guidance
    return scale is not None and "uncond" in manifest.branches_at(scale)


def _branch_values(manifest: Manifest, selection: Selection) -> Sequence[str]:
    return get_args(BranchChoice) if has_two_branches(selection, manifest) else ("cond",)


def _choose_branch(selection: Selection, manifest: Manifest, index: int) -> Selection:
    chosen = _branch_values(manifest, selection)[index]
    branch: Branch = "uncond" if chosen == "uncond" else "cond"
    return replace(selection, branch=chosen, settings=replace(selection.settings, branch=branch))  # type: ignore[arg-type]


CHOICES: dict[str, Choice] = {
    choice.name: choice
    for choice in (
        Choice(
            "labels",
            values=lambda manifest, selection: manifest.label_schemes,
            current=lambda selection: selection.main[0],
            choose=lambda selection, manifest, index: _with(
                selection, labels=manifest.label_schemes[index], subspace_dim=None
            ),
        ),
        Choice(
            "branch",
            values=_branch_values,
            current=lambda selection: selection.branch,
            choose=_choose_branch,
        ),
        Choice(
            "step",
            values=lambda manifest, selection: [str(step) for step in manifest.capture_steps],
            current=lambda selection: str(selection.settings.step),
            choose=lambda selection, manifest, index: _with(selection, step=manifest.capture_steps[index]),
        ),
        Choice(
            "guidance",
            values=lambda manifest, selection: [f"{scale:g}" for scale in manifest.guidance],
            current=lambda selection: f"{selection.settings.guidance:g}",
            choose=lambda selection, manifest, index: _settled(
                _with(selection, guidance=manifest.guidance[index], images=None), manifest
            ),
        ),
        Choice(
            "features",
            values=lambda manifest, selection: VIEWS,
            current=lambda selection: selection.settings.features,
            choose=lambda selection, manifest, index: _with(selection, features=VIEWS[index]),
        ),
        Choice(
            "null",
            values=lambda manifest, selection: _DESIGNS,
            current=lambda selection: selection.settings.design or _DESIGNS[0],
            choose=lambda selection, manifest, index: _with(
                selection, design=_DESIGNS[index] if index else None
            ),
        ),
        Choice(
            "intervals",
            values=lambda manifest, selection: _ERRORS,
            current=lambda selection: selection.settings.errors or NO_ERRORS,
            choose=lambda selection, manifest, index: _with(
                selection, errors=_ERRORS[index] if index else None
            ),
        ),
    )
}


def stepped_eps(eps: float, by: int) -> float:
    """The next ε of a geometric series, ten steps a decade, above (`by` > 0) or below."""
    decade = math.floor(math.log10(eps))
    around = [float(f"{value}e{exponent}") for exponent in range(decade - 1, decade + 2) for value in _SERIES]
    if by > 0:
        return min(value for value in around if value > eps * (1 + 1e-9))
    return max(value for value in around if value < eps * (1 - 1e-9))


def nearest_of_series(value: float) -> float:
    """The value of the geometric series that is nearest by ratio."""
    above = stepped_eps(value * (1 - 1e-6), 1)
    below = stepped_eps(value * (1 + 1e-6), -1)
    return above if above * below < value**2 else below


def with_iso_rate(selection: Selection, rate: float | None) -> Selection:
    """The selection with each layer's ε chosen so that R is this many nats; None for one ε.

    Raises:
        SettingsError: if it is not a positive number.
    """
    return _with(selection, iso_rate=rate)


def with_eps(selection: Selection, eps: float) -> Selection:
    """The selection at another ε.

    Raises:
        SettingsError: if it is not a positive number.
    """
    return _with(selection, eps=eps)


def parse_eps(text: str) -> float:
    """The ε that was typed.

    Raises:
        SettingsError: with one line, if it is not a positive number.
    """
    try:
        eps = float(text.strip().replace(",", "."))
    except ValueError:
        raise SettingsError(f"ε must be a positive number, not {text.strip()!r}") from None
    return Settings(eps=eps).eps


def parse_rate(text: str) -> float:
    """The rate in nats that was typed.

    Raises:
        SettingsError: with one line, if it is not a positive number.
    """
    try:
        rate = float(text.strip().replace(",", "."))
    except ValueError:
        raise SettingsError(f"R must be a positive number of nats, not {text.strip()!r}") from None
    return Settings(iso_rate=rate).iso_rate or rate


def with_configuration(selection: Selection, manifest: Manifest, step: int, guidance: float) -> Selection:
    """The selection at another captured step and guidance scale; of all images if the scale is another."""
    images = selection.settings.images if guidance == selection.settings.guidance else None
    return _settled(_with(selection, step=step, guidance=guidance, images=images), manifest)


def with_captured(selection: Selection, before: Manifest, now: Manifest) -> Selection:
    """The selection once the recorder knows which steps run: the last stays the last, and so on.

    What branches there are is known then, too.
    """
    selection = _settled(selection, now)
    old, new, step = before.capture_steps, now.capture_steps, selection.settings.step
    if old == new or step is None:
        return selection
    if step == old[-1]:
        return _with(selection, step=new[-1])
    if step in new:
        return selection
    place = old.index(step) if step in old else 0
    return _with(selection, step=new[min(place, len(new) - 1)])


def with_images(selection: Selection, images: int | None) -> Selection:
    """The selection of only the first so many images; None follows the recording."""
    return _with(selection, images=images)


def with_subspace_dim(selection: Selection, subspace_dim: int | None) -> Selection:
    """The selection with class subspaces of this dimension; None leaves it to the number of images."""
    return _with(selection, subspace_dim=subspace_dim)


def with_labels(selection: Selection, scheme: str) -> Selection:
    """The selection under another label scheme."""
    return _with(selection, labels=scheme, subspace_dim=None)


def spectra_of(selection: Selection) -> Selection:
    """What the class spectra of permuted labels depend on, apart from the images."""
    settings = replace(selection.settings, eps=1.0, iso_rate=None, errors=None)
    return replace(selection, settings=settings)
