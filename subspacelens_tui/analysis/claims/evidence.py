"""What claims are judged by: the curves of one session, each computed once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.claims.claim import CannotTell
from subspacelens_tui.analysis.claims.curves import Curve, curve_of
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.settings import Settings, SettingsError, default_design, fitting_errors
from subspacelens_tui.analysis.statistics.base import Labelings
from subspacelens_tui.analysis.statistics.gram import GramLayer
from subspacelens_tui.analysis.uncertainty.permutation import labelings_of
from subspacelens_tui.analysis.widths import width_notes
from subspacelens_tui.geometry import Design, GeometryError
from subspacelens_tui.sessions.steps import step_name

# With fewer, no p reaches 5 %.
LEAST_PERMUTATIONS = 19


@dataclass(frozen=True)
class Schemes:
    """The two label schemes of the article.

    Attributes:
        coarse: groups the classes of the other.
        fine: has the most classes.
    """

    coarse: str
    fine: str


class Evidence:
    """The curves of a session at one ε, step and guidance scale, with their nulls and errors.

    Args:
        analyzer: of the session.
        settings: ε, step, guidance, permutations and random seed; what is not given is the session's default.
        watch: progress and cancellation.
    """

    def __init__(self, analyzer: Analyzer, settings: Settings, watch: Watch) -> None:
        if settings.permutations < LEAST_PERMUTATIONS:
            raise SettingsError(
                f"{settings.permutations} permutations give no p of 5 %: use {LEAST_PERMUTATIONS} or more"
            )
        self.analyzer, self.watch = analyzer, watch
        self.settings = replace(settings, errors=None).resolve(analyzer.session)
        self._curves: dict[tuple[str, Settings, bool], Curve] = {}
        self._lacking: dict[tuple[str, Settings, bool], str] = {}

    @property
    def layers(self) -> int:
        """How many blocks there are."""
        return len(self.analyzer.session.manifest.blocks)

    @property
    def steps(self) -> list[int]:
        """The captured steps."""
        return list(self.analyzer.session.manifest.capture_steps)

    def step_name(self, step: int) -> str:
        """A step with its timestep, for people."""
        return step_name(step, self.analyzer.session.manifest.timestep(step))

    @property
    def coarse_or_first(self) -> str:
        """The coarse label scheme; the first where there are no two."""
        try:
            return self.schemes.coarse
        except CannotTell:
            return self.analyzer.session.manifest.label_schemes[0]

    @property
    def finest(self) -> str:
        """The label scheme with the most classes; the first of several."""
        manifest = self.analyzer.session.manifest
        return max(
            manifest.label_schemes, key=lambda name: len({prompt.labels[name] for prompt in manifest.prompts})
        )

    def design_of(self, labels: str) -> Design:
        """The permutation design that fits a label scheme."""
        return default_design(self.analyzer.session, labels)

    @property
    def has_uncond(self) -> bool:
        """Whether the guidance scale has an unconditional branch."""
        return (self.settings.guidance or 1) > 1

    @cached_property
    def kinds(self) -> Sequence[str]:
        """What the jackknife leaves out: what the images share."""
        session = self.analyzer.session
        images = [session.manifest.images[index] for index in session.images(self.settings.guidance)]
        by = fitting_errors([image.prompt for image in images], [image.seed for image in images])
        return by.split("+")

    @cached_property
    def schemes(self) -> Schemes:
        """The finest label scheme, and the coarsest that groups its classes.

        Raises:
            CannotTell: if there are no two such schemes.
        """
        manifest = self.analyzer.session.manifest
        classes = {
            name: [prompt.labels[name] for prompt in manifest.prompts] for name in manifest.label_schemes
        }
        counts = {name: len(set(labels)) for name, labels in classes.items()}
        fine = self.finest
        nested = [
            name
            for name in counts
            if 1 < counts[name] < counts[fine] == len(set(zip(classes[fine], classes[name], strict=True)))
        ]
        if not nested:
            raise CannotTell("there are no coarse and fine labels: no scheme groups the classes of another")
        return Schemes(min(nested, key=lambda name: counts[name]), fine)

    def refuse_empty(self) -> None:
        """Raise `NoImagesError` where there is nothing to judge by."""
        found = self.analyzer.result(replace(self.settings, permutations=0, quick=True))
        if not found.layers:
            raise NoImagesError(found.absent)

    def refuse_widths(self) -> None:
        """Raise `CannotTell` where layers differ in width, so that rates at one ε are no curve."""
        for note in width_notes(self.analyzer.session.manifest.blocks):
            raise CannotTell(note)

    def result(self, **changes: Any) -> Result:
        """The metrics of all layers under changed settings.

        Raises:
            CannotTell: if the session lacks what is asked.
        """
        try:
            asked = replace(self.settings, design=None, **{"subspace_dim": None, **changes})
            found = self.analyzer.result(asked, self.watch.cancelled, self.watch.progress)
        except SettingsError as error:
            raise CannotTell(str(error)) from None
        if not found.layers:
            raise CannotTell(found.absent)
        return found

    def curve(self, key: str, null: bool = True, logarithm: bool = False, **changes: Any) -> Curve:
        """A metric over the layers, jointly, under changed settings; with its null unless not wanted.

        Raises:
            CannotTell: if it cannot be had.
        """
        asked = replace(self.settings, **{"design": None, **changes})
        # One with a null has everything that one without has.
        name = f"log {key}" if logarithm else key
        where = name, asked, null or (name, asked, True) in self._curves
        if where in self._lacking:
            raise CannotTell(self._lacking[where])
        if where not in self._curves:
            try:
                self._curves[where] = self._curve(key, null, logarithm, **changes)
            except (GeometryError, SettingsError, NoImagesError) as error:
                self._lacking[where] = str(error)
                raise CannotTell(str(error)) from None
        return self._curves[where]

    def _curve(self, key: str, null: bool, logarithm: bool, **changes: Any) -> Curve:
        layers, settings = self.layers_under(**changes)
        labelings = self.labelings(layers, settings) if null else None
        with one_blas_thread():
            return curve_of(layers, key, self.kinds, labelings, self.watch, logarithm)

    def layers_under(self, design: Design | None = None, **changes: Any) -> tuple[list[GramLayer], Settings]:
        """The statistics of all layers under changed settings, and these settings.

        Raises:
            CannotTell: if the session lacks what is asked, or has one layer.
        """
        found = self.result(permutations=0, **changes)
        if len(found.layers) < 2:
            raise CannotTell("there is one layer only")
        layers = self.analyzer.layers_of(found)
        asked = replace(found.settings, permutations=self.settings.permutations)
        return layers, replace(asked, design=design or asked.design)

    def labelings(self, layers: Sequence[GramLayer], settings: Settings) -> Labelings:
        """The permuted labels under settings.

        Raises:
            CannotTell: if the design permutes nothing.
        """
        found = labelings_of(layers[0].sample.images, settings)
        if not isinstance(found, Labelings):
            raise CannotTell(str(found))
        return found
