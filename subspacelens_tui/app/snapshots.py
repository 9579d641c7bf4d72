"""What the background thread hands to the screen: immutable records, nothing that reads a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from subspacelens_tui.analysis.class_pairs import Pairs
from subspacelens_tui.analysis.compare import Comparison, Difference, compare
from subspacelens_tui.analysis.least_overlap_by_step import Separations
from subspacelens_tui.analysis.metrics import METRICS, Cost
from subspacelens_tui.analysis.over_eps import OverEps
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.sparse_results import SparseResult
from subspacelens_tui.app.selection import Selection, Which
from subspacelens_tui.sessions import Branch, Manifest, RunState
from subspacelens_tui.sessions.control import Request
from subspacelens_tui.sparse.trainings import Finished, Trainings

_DEFERRED = [metric.key for metric in METRICS.values() if metric.cost is Cost.DEFERRED]


@dataclass(frozen=True)
class Recording:
    """How a session stands.

    Attributes:
        name: of the session.
        manifest: what `session.json` says (replaced when the recorder has loaded the model).
        blocks: number of blocks known.
        state: phase, progress, rate, device.
        asked: what viewers last asked of the recorder.
        problems: one line for each thing that is wrong with it, as of `Session`.
        log: the last events, oldest first.
        recorded: images on disk, by guidance scale.
        trainings: of sparse autoencoders beside it.
        control: when its control at random weights was finished; 0 if it has none that is.
    """

    name: str
    manifest: Manifest = field(compare=False)
    blocks: int
    state: RunState
    asked: Request
    problems: tuple[str, ...]
    log: tuple[Mapping[str, Any], ...]
    recorded: Mapping[float, int]
    trainings: Trainings = field(default_factory=Trainings)
    control: int = 0


@dataclass(frozen=True)
class Analysis:
    """The metrics of a selection.

    Attributes:
        selection: what they are metrics of.
        results: by label scheme and branch; empty if the analysis failed.
        permutations: of the null.
        refining: whether the same with more permutations is on its way.
        error: why there are no metrics, in one line.
        closer: layers of the main metrics with what costs seconds, as far as they were looked at.
        halves: for each layer the overlap of halves of one class, and of two, once asked for.
        separation: where the classes overlap least at each step, once asked for.
        alike: the main metrics with the CKA of all layers, once asked for.
        pairs: a layer and the tests of all pairs of classes at it, or why there are none, once asked for.
        over_eps: a layer and its excess at other ε, or why there is none, once asked for.
        sparse: what tokens take under each lens, in the layers that are done; or why that is not known.
        closer_images, halves_images, sparse_images: how many images these are of: fewer than the metrics
            where more have come since.
        control: what the main metrics are at random weights, where the session has a control, once asked for.
        sparse_without_position: whether these lenses were asked for without the position of tokens.
        sparse_trained: the autoencoders, by layer, that there were when its lenses were measured.
    """

    selection: Selection
    results: Mapping[Which, Result]
    permutations: int = 0
    refining: bool = False
    error: str | None = None
    closer: Mapping[int, LayerResult] = field(default_factory=dict)
    closer_images: int = 0
    halves: tuple[tuple[float | None, float | None], ...] = ()
    halves_images: int = 0
    separation: Separations | None = None
    alike: Result | None = None
    pairs: tuple[int, Pairs | str] | None = None
    over_eps: tuple[int, OverEps | str] | None = None
    sparse: SparseResult | str | None = None
    sparse_images: int = 0
    sparse_without_position: bool = False
    sparse_trained: Mapping[int, Finished] = field(default_factory=dict)
    control: Result | None = None

    def with_deferred_of(self, before: "Analysis") -> "Analysis":
        """The metrics with what costs seconds of those before, until it is computed anew."""
        return replace(
            self,
            closer=before.closer,
            closer_images=before.closer_images,
            halves=before.halves,
            halves_images=before.halves_images,
            separation=before.separation,
            alike=before.alike,
            pairs=before.pairs,
            over_eps=before.over_eps,
            sparse=before.sparse,
            sparse_images=before.sparse_images,
            sparse_without_position=before.sparse_without_position,
            sparse_trained=before.sparse_trained,
            control=before.control,
        )

    def layer(self, index: int) -> LayerResult | None:
        """A layer of the main metrics, with what costs seconds if that is of the same images."""
        main = self.main
        if main is None or index >= len(main.layers):
            return None
        known, closer = main.layers[index], self.closer.get(index)
        if closer is None or self.closer_images != main.images:
            return known
        # The rest of the closer look may be of fewer permutations.
        return replace(
            known,
            errors={**closer.errors, **known.errors},
            nulls={**{key: closer.nulls[key] for key in _DEFERRED if key in closer.nulls}, **known.nulls},
            missing={**closer.missing, **known.missing},
            values={**known.values, **{key: closer.values[key] for key in _DEFERRED if key in closer.values}},
        )

    def older_layer(self, index: int) -> LayerResult | None:
        """The same layer as last looked at closely, if that was of other images than the metrics are."""
        is_older = self.main is not None and self.closer_images != self.main.images
        return self.closer.get(index) if is_older else None

    @property
    def main(self) -> Result | None:
        """The metrics that the list, the matrix and the inspector show."""
        return self.results.get(self.selection.main)

    @property
    def absent(self) -> str:
        """Why some of the metrics have no layers; those of the main ones first."""
        every = ([self.main] if self.main else []) + list(self.results.values())
        return next((result.absent for result in every if result.absent), "")

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of any of the metrics should know."""
        return tuple(dict.fromkeys(note for result in self.results.values() for note in result.notes))

    @property
    def losses(self) -> tuple[str, ...]:
        """Those of the notes that say what is left out."""
        return tuple(dict.fromkeys(line for result in self.results.values() for line in result.losses))

    @property
    def of_branches(self) -> list[tuple[Branch, Result]]:
        """The metrics of the main label scheme on each branch that the curves show."""
        found = [(branch, self.of(self.selection.main[0], branch)) for branch in self.selection.branches]
        return [(branch, result) for branch, result in found if result is not None]

    @cached_property
    def differences(self) -> Mapping[str, Comparison]:
        """Cond minus uncond of each label scheme of which there are both; the differences are b - a."""
        found = {}
        for scheme in dict.fromkeys(scheme for scheme, _ in self.results):
            cond, uncond = self.of(scheme, "cond"), self.of(scheme, "uncond")
            if cond and uncond and cond.layers and uncond.layers:
                found[scheme] = compare(uncond, cond)
        return found

    @property
    def is_difference(self) -> bool:
        """Whether cond minus uncond is looked at."""
        return self.selection.branch == "difference"

    @property
    def lacks_a_side(self) -> bool:
        """Whether a difference is looked at and one of its two branches has no layers."""
        return self.is_difference and any(not result.layers for _, result in self.of_branches)

    @property
    def main_branch(self) -> str:
        """The branch of the list, the matrix and the inspector, or that they show a difference."""
        return "cond − uncond" if self.is_difference else self.selection.main[1]

    @property
    def main_words(self) -> str:
        """Labels and branch of the main metrics; that they are a difference comes first, and is not cut."""
        scheme = self.selection.main[0]
        return f"{self.main_branch} · {scheme}" if self.is_difference else f"{scheme} · {self.main_branch}"

    def difference_of(self, layer: int) -> Mapping[str, Difference] | None:
        """Cond minus uncond at a layer, of the main label scheme; None as long as there is none."""
        compared = self.differences.get(self.selection.main[0])
        if compared is None or layer >= len(compared.layers):
            return None
        return compared.layers[layer]

    def of(self, scheme: str, branch: Branch) -> Result | None:
        """The metrics of one label scheme and branch, if the selection has them."""
        return self.results.get((scheme, branch))
