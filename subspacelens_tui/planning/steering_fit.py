"""Interventions and their controls, fitted to the tokens of a session."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.steering_atoms import AskedAtoms, FoundAutoencoder, autoencoder_of
from subspacelens_tui.planning.steering_statistics import Classes, Statistics
from subspacelens_tui.sessions.sanitise import some_of
from subspacelens_tui.steering import (
    CONTROLS,
    DEFAULT,
    METHODS,
    Change,
    Control,
    Edit,
    Fitted,
    Intervention,
    Origin,
    SteeringError,
    TokenStatistics,
)

# Of what is random in the controls.
_SEED = 0
ALL_CONTROLS = tuple(control.key for control in CONTROLS)
# Of each layer in turn: that which a single fit gives, and which is as large token by token.
SWEPT = ("rotation",)


@dataclass(frozen=True)
class Fits:
    """The interventions of one pair of classes at strength 1.

    Attributes:
        classes: from which to which.
        method: that of the method.
        controls: by key.
        missing: why there is no control of a key.
        notes: what may be wrong with the statistics, a line each.
    """

    classes: Classes
    method: Intervention
    controls: dict[str, Intervention]
    missing: dict[str, str]
    notes: tuple[str, ...]


def fit(
    statistics: Statistics,
    classes: Classes,
    layers: Sequence[int],
    method: str,
    steps: tuple[int, int],
    on_fitted: Callable[[int, int], None] = lambda done, total: None,
    wanted: Sequence[str] = ALL_CONTROLS,
    atoms: AskedAtoms = AskedAtoms(),  # noqa: B008 - frozen
) -> Fits:
    """Fit a method and its controls at every captured step; atoms at that of their autoencoder.

    Args:
        statistics: what to fit to.
        classes: from which to which; the same twice is no mistake here, but a check: it must change nothing.
        layers: where to steer.
        method: by its key.
        steps: the first and the last at which to steer.
        on_fitted: called with the layers and steps done and their total.
        wanted: the controls to fit, by key.
        atoms: of a method that takes an autoencoder, which of its atoms are to be clamped.

    Raises:
        PlanningError: the statistics do not suffice.
    """
    controls, missing = possible_controls(classes, method, wanted)
    found: dict[str, dict[int, dict[int, Change]]] = {}
    notes: dict[str, None] = {}
    saes = (
        {layer: autoencoder_of(statistics.session, layer, atoms, statistics.guidance) for layer in layers}
        if METHODS[method].sparse
        else {}
    )
    places = [(layer, step) for layer in layers for step in statistics.steps]
    for done, (layer, step) in enumerate(places, 1):
        fitting = _Fitting(statistics, classes, method, controls, layer, step, saes.get(layer), atoms)
        try:
            for key, change in fitting.changes():
                found.setdefault(key, {}).setdefault(layer, {})[step] = change
            notes |= dict.fromkeys(fitting.notes())
        except SteeringError as error:
            raise PlanningError(f"{statistics.session.name}: {error}") from None
        on_fitted(done, len(places))
    origin = Origin(statistics.session.name, method, classes.scheme, classes.source, classes.target)
    made = {
        key: Intervention(found[key], statistics.model, steps=steps, origin=origin)
        for key in (method, *(control.key for control in controls))
    }
    return Fits(classes, made.pop(method), made, missing, tuple(notes))


def possible_controls(
    classes: Classes, method: str, wanted: Sequence[str] = ALL_CONTROLS
) -> tuple[list[Control], dict[str, str]]:
    """Those of the wanted controls that a method can have, and why there is none of a key."""
    every = [control for control in CONTROLS if control.key != method and control.key in wanted]
    controls = [control for control in every if len(classes.others) >= control.other_classes]
    return controls, {c.key: "there is no other class" for c in every if c not in controls}


@dataclass(frozen=True)
class _Fitting:
    """A method and its controls at one layer and step."""

    session: Statistics
    classes: Classes
    method: str
    controls: Sequence[Control]
    layer: int
    step: int
    sae: FoundAutoencoder | None
    atoms: AskedAtoms

    @functools.cached_property
    def statistics(self) -> TokenStatistics:
        """Of the natural images there, with the autoencoder if there is one."""
        if self.sae is None:
            return self.session.at(self.layer, self.step, METHODS[self.method].tokens)
        found = self.session.examples(self.layer, self.step)
        return replace(found, dictionary=self.sae.dictionary(self.classes.target, self.atoms, found.cond))

    @property
    def elsewhere(self) -> bool:
        """Whether this is not the step of the autoencoder: then only what takes none is fitted."""
        return self.sae is not None and self.step != self.sae.step

    def changes(self) -> Iterator[tuple[str, Change]]:
        """By the keys of the method and its controls."""
        if not self.elsewhere:
            yield self.method, Change(self._toward(self.classes.target))
        for control in self.controls:
            if control.key == DEFAULT or not self.elsewhere:
                yield control.key, control.make(self._fitted)

    def notes(self) -> Iterator[str]:
        """What may be wrong with the statistics, and what is clamped, a line each."""
        if (few := self.statistics.few(self.classes.target)) is not None:
            yield few
        if not self.elsewhere and (clamp := self._toward(self.classes.target).clamp) is not None:
            set_to = [f"{atom} to {value:.3g}" for atom, value in zip(clamp.atoms, clamp.values, strict=True)]
            yield f"layer {self.layer}: atoms set at strength 1: {some_of(set_to)}"

    @functools.cached_property
    def _fitted(self) -> Fitted:
        return Fitted(
            edit=lambda: self._toward(self.classes.target),
            toward=self._toward,
            others=self.classes.others,
            other=self.classes.other,
            target=self.classes.target,
            patch=self._by("patch"),
            transport=lambda: self._by(DEFAULT),
            shape=(self.statistics.count, self.statistics.width),
            layer=self.layer,
            seed=_SEED,
        )

    def _by(self, method: str) -> Edit:
        return METHODS[method].fit(self.statistics, self.classes.source, self.classes.target)

    @functools.cached_property
    def _edits(self) -> dict[str, Edit]:
        return {}

    def _toward(self, target: str) -> Edit:
        """The method's edit towards a class, fitted once."""
        if target not in self._edits:
            fitted = METHODS[self.method].fit(self.statistics, self.classes.source, target)
            self._edits[target] = fitted
        return self._edits[target]
