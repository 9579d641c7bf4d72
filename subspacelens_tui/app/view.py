"""What the user has chosen to look at, and the choices there are. Immutable: a choice makes a new view."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

from subspacelens_tui.analysis.errors import ErrorsBy
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.geometry import DESIGNS, VIEWS
from subspacelens_tui.sessions import Branch, Manifest
from subspacelens_tui.sessions.plain import some_of

BranchChoice = Literal["cond", "uncond", "both", "difference"]
Measure = Literal["excess", "delta_R", "both"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Which = tuple[str, Branch]
"""A set of figures of the view: its label scheme and branch."""

_T = TypeVar("_T")
# The design that fits the label scheme, or one for all.
_DESIGNS = ("auto", *DESIGNS)
# The design that fits the label scheme, see `analysis.settings.default_design`.
_AUTO = "auto"
NO_ERRORS = "off"
_ERRORS = (NO_ERRORS, *get_args(ErrorsBy))
_TOGETHER_AT_MOST = 3
# Renard's R10 series: ten steps a decade, as even in log ε as two digits allow.
_SERIES = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)


@dataclass(frozen=True)
class View:
    """One way to look at a session.

    Attributes:
        settings: of the analysis, resolved; its `images` is None while the view follows the recording.
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
        """The figures that the list, the matrix and the inspector show."""
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
        """The analyses this view needs, the main one first."""
        pairs = [(scheme, branch) for scheme in self.schemes(manifest) for branch in self.branches]
        pairs.sort(key=lambda pair: pair != self.main)
        return {
            (scheme, branch): replace(self.settings, labels=scheme, branch=branch) for scheme, branch in pairs
        }


def first_view(settings: Settings, manifest: Manifest) -> tuple[View, list[str]]:
    """The view a session opens with, and a line for each thing that was asked but that it does not have."""
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
        errors=settings.errors or "image",
    )
    return _settled(View(resolved, branch=resolved.branch)), complaints


def _settled(view: View) -> View:
    """The view without an uncond branch where its guidance scale has none."""
    if (view.settings.guidance or 0) > 1:
        return view
    return replace(view, branch="cond", settings=replace(view.settings, branch="cond"))


@dataclass(frozen=True)
class Choice:
    """A control with a few values to choose from.

    Attributes:
        name: of the control, as in the key table.
        values: all values in a session, as text.
        current: the value of a view, as text.
        choose: the view with the value of this index.
    """

    name: str
    values: Callable[[Manifest, View], Sequence[str]]
    current: Callable[[View], str]
    choose: Callable[[View, Manifest, int], View]

    def index(self, view: View, manifest: Manifest) -> int:
        """The index of the current value."""
        values = list(self.values(manifest, view))
        return values.index(self.current(view)) if self.current(view) in values else 0

    def moved(self, view: View, manifest: Manifest, by: int) -> View:
        """The view with the next value (or the one before); after the last comes the first."""
        count = len(self.values(manifest, view))
        return self.choose(view, manifest, (self.index(view, manifest) + by) % count)


def _with(view: View, **changes: object) -> View:
    return _settled(replace(view, settings=replace(view.settings, **changes)))  # type: ignore[arg-type]


def _branch_values(manifest: Manifest, view: View) -> Sequence[str]:
    return get_args(BranchChoice) if (view.settings.guidance or 0) > 1 else ("cond",)


def _choose_branch(view: View, manifest: Manifest, index: int) -> View:
    chosen = _branch_values(manifest, view)[index]
    branch: Branch = "uncond" if chosen == "uncond" else "cond"
    return replace(view, branch=chosen, settings=replace(view.settings, branch=branch))  # type: ignore[arg-type]


CHOICES: dict[str, Choice] = {
    choice.name: choice
    for choice in (
        Choice(
            "labels",
            values=lambda manifest, view: manifest.label_schemes,
            current=lambda view: view.main[0],
            choose=lambda view, manifest, index: _with(view, labels=manifest.label_schemes[index], rank=None),
        ),
        Choice(
            "branch",
            values=_branch_values,
            current=lambda view: view.branch,
            choose=_choose_branch,
        ),
        Choice(
            "step",
            values=lambda manifest, view: [str(step) for step in manifest.capture_steps],
            current=lambda view: str(view.settings.step),
            choose=lambda view, manifest, index: _with(view, step=manifest.capture_steps[index]),
        ),
        Choice(
            "guidance",
            values=lambda manifest, view: [f"{scale:g}" for scale in manifest.guidance],
            current=lambda view: f"{view.settings.guidance:g}",
            choose=lambda view, manifest, index: _with(view, guidance=manifest.guidance[index], images=None),
        ),
        Choice(
            "features",
            values=lambda manifest, view: VIEWS,
            current=lambda view: view.settings.features,
            choose=lambda view, manifest, index: _with(view, features=VIEWS[index]),
        ),
        Choice(
            "null",
            values=lambda manifest, view: _DESIGNS,
            current=lambda view: view.settings.design or _DESIGNS[0],
            choose=lambda view, manifest, index: _with(view, design=_DESIGNS[index] if index else None),
        ),
        Choice(
            "intervals",
            values=lambda manifest, view: _ERRORS,
            current=lambda view: view.settings.errors or NO_ERRORS,
            choose=lambda view, manifest, index: _with(view, errors=_ERRORS[index] if index else None),
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


def with_iso_rate(view: View, rate: float | None) -> View:
    """The view with each layer's ε chosen so that R is this many nats; None for one ε.

    Raises:
        SettingsError: if it is not a positive number.
    """
    return _with(view, iso_rate=rate)


def with_eps(view: View, eps: float) -> View:
    """The view at another ε.

    Raises:
        SettingsError: if it is not a positive number.
    """
    return _with(view, eps=eps)


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


def with_configuration(view: View, step: int, guidance: float) -> View:
    """The view at another captured step and guidance scale; of all images if the scale is another."""
    images = view.settings.images if guidance == view.settings.guidance else None
    return _with(view, step=step, guidance=guidance, images=images)


def with_captured(view: View, before: Manifest, now: Manifest) -> View:
    """The view once the recorder knows which steps its scheduler runs: the last stays the last, and so on."""
    old, new, step = before.capture_steps, now.capture_steps, view.settings.step
    if old == new or step is None:
        return view
    if step == old[-1]:
        return _with(view, step=new[-1])
    if step in new:
        return view
    place = old.index(step) if step in old else 0
    return _with(view, step=new[min(place, len(new) - 1)])


def with_images(view: View, images: int | None) -> View:
    """The view of only the first so many images; None follows the recording."""
    return _with(view, images=images)


def with_rank(view: View, rank: int | None) -> View:
    """The view with class subspaces of this dimension; None leaves it to the number of images."""
    return _with(view, rank=rank)
