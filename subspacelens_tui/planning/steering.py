"""From what was asked to the sessions of a steering run: one for each strength and each control."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.steering_atoms import AskedAtoms
from subspacelens_tui.planning.steering_fit import (
    ALL_CONTROLS,
    SWEPT,
    Fits,
    fit,
    possible_controls,
)
from subspacelens_tui.planning.steering_sessions import PlannedSession, RunSessions
from subspacelens_tui.planning.steering_statistics import Classes, Statistics, scheme_of
from subspacelens_tui.sessions import Session
from subspacelens_tui.sparse.layouts import ReadPickle
from subspacelens_tui.steering import DEFAULT, METHODS, Intervention, SteeringError

STRENGTHS = (0.0, 0.5, 0.75, 1.0, 1.25)
# At each layer in turn what makes the curves comparable.
_SWEPT_STRENGTHS = (1.0,)
SEEDS = 10
_OTHERS = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 80


@dataclass(frozen=True)
class SteeringRequest:
    """What the user asked for.

    Attributes:
        source, target: classes.
        labels: their label scheme; default: the first that has both.
        layers: where to steer; default: where the classes are furthest apart; "all": at each layer in turn.
        method: by its key.
        strengths: each a session; 0, the unsteered twin, is one in any case. At each layer in turn one, by
            default 1; else 0.5 to 1.25.
        atoms: of the method that clamps some, which; by default that which tells the target class best.
        values: what each is set to at strength 1; by default its mean where it is active in the target class.
        sae: folder of the autoencoder; the one trained on the session.
        read_pickle: from a pickled autoencoder to its tensors; None where pickles are not allowed.
        seeds: for each prompt of the source class, none of them in the statistics.
        steps: the first and the last at which to steer; default: all.
        name: of the run; default: the session and both classes.
    """

    source: str
    target: str
    labels: str | None = None
    layers: Sequence[int] | Literal["all"] | None = None
    method: str = DEFAULT
    strengths: Sequence[float] | None = None
    atoms: Sequence[int] = ()
    values: Sequence[float] = ()
    sae: str | None = None
    read_pickle: ReadPickle | None = None
    seeds: int = SEEDS
    steps: tuple[int, int] | None = None
    name: str | None = None

    @property
    def swept(self) -> bool:
        """Whether each layer is steered in turn."""
        return self.layers == "all"

    @property
    def strengths_or_default(self) -> Sequence[float]:
        """The strengths, 0 apart if it was not named."""
        return self.strengths if self.strengths is not None else _SWEPT_STRENGTHS if self.swept else STRENGTHS


@dataclass(frozen=True)
class SteeringPlan:
    """A run.

    Attributes:
        name: of the run, before the `~` in the names of its sessions.
        classes: from which to which.
        layers: where.
        shifts: the relative shift of each layer, if the layer was chosen by it.
        sessions: in the order in which they are recorded.
        notes: what the user should know, a line each.
    """

    name: str
    classes: Classes
    layers: tuple[int, ...]
    shifts: tuple[float, ...]
    sessions: tuple[PlannedSession, ...]
    notes: tuple[str, ...]


def plan_steering(
    session: Session,
    request: SteeringRequest,
    on_fitted: Callable[[int, int], None] = lambda done, total: None,
) -> SteeringPlan:
    """Fit the method and its controls, and plan their sessions.

    Raises:
        PlanningError: it cannot be done as asked, in one line.
    """
    if (why := session.manifest.not_resumable) is not None:
        raise PlanningError(
            f"{session.name} has no model that can be run again: {why}; `subspacelens_tui.steer` steers a "
            "pipeline of one's own"
        )
    fits, statistics, shifts = _fitted(session, request, on_fitted)
    classes, layers = fits.classes, fits.method.layers
    runs = _layer_by_layer(fits, request) if request.swept else _by_strength(fits, request)
    name = request.name or default_name(session, classes, request)
    planned = RunSessions(statistics, classes, request.seeds, name)
    return SteeringPlan(
        name,
        classes,
        layers,
        shifts,
        (planned.natural_target(), *(planned.steered(suffix, *run) for suffix, run in runs.items())),
        tuple(_notes(fits, shifts, layers)),
    )


# By what follows the ~ in the name of its session: the key of the control, if it is one, and what is done.
_Runs = dict[str, tuple[str | None, Intervention]]


def _by_strength(fits: Fits, request: SteeringRequest) -> _Runs:
    """The method at each strength, then the controls at strength 1."""
    strengths = sorted({0.0, *request.strengths_or_default}, key=abs)
    runs: _Runs = {f"s{strength:g}": (None, fits.method.with_strength(strength)) for strength in strengths}
    return runs | {key: (key, intervention) for key, intervention in fits.controls.items()}


def _layer_by_layer(fits: Fits, request: SteeringRequest) -> _Runs:
    """Nothing; then at each layer the method, and its control of equal energy."""
    [strength] = {*request.strengths_or_default} - {0.0}
    runs: _Runs = {"s0": (None, fits.method.with_strength(0.0))}
    for layer in fits.method.layers:
        for control, of in ((None, fits.method), *fits.controls.items()):
            name = f"L{layer}" if control is None else f"L{layer}-{control}"
            alone = replace(of, changes={layer: of.changes[layer]})
            runs[name] = (control, alone.with_strength(strength))
    return runs


def fit_intervention(
    session: Session,
    source: str,
    target: str,
    *,
    layers: Sequence[int] | None = None,
    method: str = DEFAULT,
    labels: str | None = None,
    strength: float = 1.0,
    steps: tuple[int, int] | None = None,
) -> Intervention:
    """What turns images of one class into those of another, fitted to a session with tokens.

    Args:
        session: recorded with tokens and guidance.
        source, target: classes.
        layers, method, labels, steps: as of `SteeringRequest`.
        strength: times the change.

    Raises:
        PlanningError: it cannot be done as asked, in one line.
    """
    request = SteeringRequest(source, target, labels, layers, method, [strength], steps=steps)
    fits, _, _ = _fitted(session, request, controls=False)
    return fits.method.with_strength(strength)


def _fitted(
    session: Session,
    request: SteeringRequest,
    on_fitted: Callable[[int, int], None] = lambda done, total: None,
    controls: bool = True,
) -> tuple[Fits, Statistics, tuple[float, ...]]:
    """The interventions, what they are fitted to, and the shifts by which the layer was chosen, if it was."""
    statistics, classes, steps = _asked(session, request)
    shifts = tuple(statistics.shifts(classes)) if request.layers is None else ()
    if request.layers == "all":
        layers = tuple(range(len(session.manifest.blocks)))
    else:
        layers = tuple(request.layers or [max(statistics.layers, key=shifts.__getitem__)])
    wanted = (SWEPT if request.swept else ALL_CONTROLS) if controls else ()
    try:
        atoms = AskedAtoms(tuple(request.atoms), tuple(request.values), request.sae, request.read_pickle)
        fits = fit(statistics, classes, layers, request.method, steps, on_fitted, wanted, atoms)
    except SteeringError as error:
        raise PlanningError(str(error)) from None
    return fits, statistics, shifts


def _asked(session: Session, request: SteeringRequest) -> tuple[Statistics, Classes, tuple[int, int]]:
    """What to fit to, from which class to which, and the first and the last step, once all is checked."""
    _check(request)
    statistics = Statistics(session, request.labels or scheme_of(session, request.source, request.target))
    classes = statistics.classes(request.source, request.target)
    if classes.source == classes.target:
        raise PlanningError(f"--from and --to are both {classes.source!r}: name two classes")
    count = len(session.manifest.blocks)
    for layer in range(count) if request.layers == "all" else request.layers or ():
        statistics.need_layer(layer)
    if METHODS[request.method].tokens and session.manifest.tokens is None:
        raise PlanningError(
            f"{session.name} has sums over its tokens, and {request.method} takes the tokens themselves: "
            "record --tokens"
        )
    last = session.manifest.steps - 1
    steps = request.steps or (0, last)
    if steps[1] > last:
        raise PlanningError(f"there is no step {steps[1]}: the session has 0 to {last}")
    return statistics, classes, steps


def check_request(session: Session, request: SteeringRequest) -> Classes:
    """The classes of a request, as the session spells them, if it can be fitted; nothing is fitted yet.

    Raises:
        PlanningError: it cannot be done as asked, in one line.
        SessionError: the session has no such label scheme.
    """
    return _asked(session, request)[1]


def size_of(session: Session, request: SteeringRequest) -> tuple[int, int]:
    """How many sessions and images a run that can be done will have."""
    classes = check_request(session, request)
    if request.swept:
        controls, _ = possible_controls(classes, request.method, SWEPT)
        steered = 1 + len(session.manifest.blocks) * (1 + len(controls))
    else:
        controls, _ = possible_controls(classes, request.method)
        steered = len({0.0, *request.strengths_or_default}) + len(controls)
    labels = [prompt.labels[classes.scheme] for prompt in session.manifest.prompts]
    a, b = labels.count(classes.source), labels.count(classes.target)
    return steered + 1, request.seeds * (steered * a + b)


def _notes(fits: Fits, shifts: Sequence[float], layers: Sequence[int]) -> Iterator[str]:
    yield from fits.notes
    for key, why in fits.missing.items():
        yield f"no control {key}: {why}"
    if shifts:
        yield (
            f"layer {layers[0]} has the largest relative shift between the classes, {shifts[layers[0]]:.2f}: "
            "a heuristic, not a finding; --layer takes others"
        )


def _check(request: SteeringRequest) -> None:
    if isinstance(request.layers, str | int) and request.layers != "all":
        raise PlanningError(
            f"layers cannot be {request.layers!r}: give numbers in a list, [6, 8], or None for the one with "
            "the largest shift"
        )
    if request.method not in METHODS:
        raise PlanningError(f"there is no method {request.method!r}: use {', '.join(METHODS)}")
    if request.seeds < 2:
        raise PlanningError(
            f"--seeds {request.seeds}: a single image tells nothing of other seeds, take 2 or more"
        )
    for strength in request.strengths_or_default:
        if not abs(strength) <= 100:
            raise PlanningError(f"a strength must be a number from -100 to 100, not {strength:g}")
    if request.swept and len({*request.strengths_or_default} - {0.0}) != 1:
        raise PlanningError("--layer all takes one strength, of all layers: --strengths 1")
    if not METHODS[request.method].sparse and (request.atoms or request.values or request.sae):
        raise PlanningError("--atom, --value and --sae are of --method atom")
    if request.atoms and (request.layers is None or len(request.layers) != 1 or request.swept):
        raise PlanningError("atoms are of one layer's autoencoder: name that layer with --layer")
    for value in request.values:
        if not math.isfinite(value):
            raise PlanningError(f"an atom can be set to a finite number, not to {value:g}")
    if request.layers is not None and not request.layers:
        raise PlanningError("no layer is named: --layer takes auto, all, or numbers like 6,8")


def default_name(session: Session, classes: Classes, request: SteeringRequest) -> str:
    """What a run is called: by its session and classes, and by what is not the default."""
    words = [session.name, classes.source, classes.target]
    words += [request.method] * (request.method != DEFAULT) + ["layers"] * request.swept
    letters = unicodedata.normalize("NFKD", "-".join(words)).encode("ascii", "ignore").decode()
    return _OTHERS.sub("-", letters)[:_LONGEST].strip("-._")
