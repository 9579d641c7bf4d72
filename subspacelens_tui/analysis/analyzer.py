"""From a session and settings to metrics per layer, with everything that can be kept between calls kept."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy.typing as npt

from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.classes import ordered_classes
from subspacelens_tui.analysis.evaluate import evaluate, of_all_layers
from subspacelens_tui.analysis.excluded_images import NoImagesError, left_out_lines, why_empty
from subspacelens_tui.analysis.image_subset import MOST_IMAGES
from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.incremental_grams import Configuration, GrowingGrams
from subspacelens_tui.analysis.layers import layer_notes
from subspacelens_tui.analysis.progress import IsCancelled, Progress, Watch
from subspacelens_tui.analysis.result import Result, Subset
from subspacelens_tui.analysis.rounding import rounding_notes
from subspacelens_tui.analysis.settings import (
    DEFAULT_SUBSPACE_DIM,
    ErrorsBy,
    Settings,
    SettingsError,
    fitting_errors,
)
from subspacelens_tui.analysis.statistics.base import Labelings
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.gram import GramLayer
from subspacelens_tui.analysis.statistics.gram_sample import Sample
from subspacelens_tui.analysis.statistics.kept import Kept
from subspacelens_tui.analysis.statistics.pairs_of_layers import Elsewhere, LayersTogether
from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar, overlap_error
from subspacelens_tui.analysis.uncertainty.permutation import labelings_of
from subspacelens_tui.analysis.used_images import unused_lines, used_prompts
from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.sessions import Branch, Session
from subspacelens_tui.sessions.caveats import notable_lines

K = TypeVar("K")
V = TypeVar("V")

_CONFIGURATIONS_KEPT = 4
_SAMPLES_KEPT = 8


class Analyzer:
    """The metrics of one session. To be used from one thread at a time.

    Gram matrices grow with the session; spectra are kept, so that another ε costs milliseconds.

    Attributes:
        session: read as it grows.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._growing: OrderedDict[tuple[Configuration, int], GrowingGrams] = OrderedDict()
        self._samples: OrderedDict[tuple[Settings, int], Sample] = OrderedDict()
        self._pooled: OrderedDict[tuple[Settings, int, tuple[int, ...]], Kept] = OrderedDict()

    def refresh(self) -> bool:
        """Take in what the recorder added; True if features were."""
        return self.session.refresh()

    def result(
        self,
        settings: Settings,
        cancelled: IsCancelled | None = None,
        progress: Progress | None = None,
        layer: int | None = None,
    ) -> Result:
        """The metrics of all layers, or of one.

        Args:
            settings: what to compute.
            cancelled: asked many times a second; once it says True, the computation ends with `Cancelled`.
            progress: called a few times a second, on this thread, with what is computed, how much of it is
                done and how much there is: ("permutations", 1200, 5600).
            layer: the only one that the result is to have; all.

        Raises:
            SettingsError: if the session lacks what is asked.
            Cancelled: see above.
        """
        with one_blas_thread(scipy=_needs_scipy(settings)):
            return self._result(settings.resolve(self.session), Watch(cancelled, progress), layer)

    def rates_at(self, settings: Settings, eps: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
        """R and Rc (E, layers), in nats, of the same images at E values of ε: a whole sweep in milliseconds.

        Raises:
            SettingsError: if the session lacks what is asked, or an ε is not positive.
        """
        with one_blas_thread(scipy=False):
            sample, _, _ = self._all_of(settings.resolve(self.session))
            try:
                return sample.rates_at(eps)
            except GeometryError as error:
                raise SettingsError(str(error)) from None

    def layers_of(self, result: Result, watch: Watch = Watch()) -> list[GramLayer]:  # noqa: B008 - frozen
        """The statistics of the images that a result is of, layer by layer, with its permuted labels.

        Raises:
            SettingsError: if the session has lost them.
        """
        settings = result.settings
        growing = self._configuration(settings)
        if self._takes_all(settings):
            settings = replace(settings, images=result.images)
        positions = self._positions(settings, growing)[: result.images]
        if len(positions) != result.images:
            raise SettingsError("the images that the metrics are of are no longer there")
        sample = self._sample(settings, growing, positions)
        labelings = labelings_of(sample.images, settings)
        return self._layers(sample, settings, growing, positions, labelings, watch)

    def _takes_all(self, settings: Settings) -> bool:
        """Whether the images of all classes and prompts are used."""
        return len(used_prompts(self.session.manifest, settings)) == len(self.session.manifest.prompts)

    def _positions(self, settings: Settings, growing: GrowingGrams) -> list[int]:
        """The images of resolved settings in recording order."""
        positions = growing.order(settings.images)
        if self._takes_all(settings):
            return positions
        used, images = used_prompts(self.session.manifest, settings), self.session.manifest.images
        return [at for at in positions if images[growing.images[at]].prompt in used]

    def _layers(
        self,
        sample: Sample,
        settings: Settings,
        growing: GrowingGrams,
        positions: list[int],
        labelings: Labelings | str | None = None,
        watch: Watch = Watch(),  # noqa: B008 - it is frozen
    ) -> list[GramLayer]:
        columns = growing.columns(positions)
        elsewhere = self._elsewhere(settings, growing, positions)
        return [
            GramLayer(sample, layer, settings, columns, elsewhere, labelings, watch)
            for layer in range(len(sample.widths))
        ]

    def _elsewhere(self, settings: Settings, growing: GrowingGrams, positions: list[int]) -> Elsewhere:
        """The same images on the other branch and at the other captured steps."""
        here, step = settings.branch, settings.step
        assert settings.guidance is not None
        assert step is not None
        other: Branch = "uncond" if here == "cond" else "cond"
        both = other in self.session.manifest.branches_at(settings.guidance)
        return Elsewhere(
            inputs=lambda: growing.inputs(positions),
            branch=(lambda layer: growing.features_at(layer, positions, other, step)) if both else None,
            steps=self.session.manifest.capture_steps,
            at_step=lambda at, layer: growing.features_at(layer, positions, here, at),
            numbers=self.session.manifest.block_numbers,
        )

    def overlap_errors(
        self,
        settings: Settings,
        by: ErrorsBy,
        cancelled: IsCancelled | None = None,
        progress: Progress | None = None,
    ) -> list[ErrorBar]:
        """The error bar of the mean overlap of each layer, with the overlaps without each seed or subject.

        Raises:
            SettingsError: if the session lacks what is asked, or a layer has no overlap.
            Cancelled: as of `result`.
        """
        watch = Watch(cancelled, progress)
        with one_blas_thread():
            settings = settings.resolve(self.session)
            sample, growing, positions = self._all_of(settings)
            asked = replace(settings, errors=by, iso_rate=None)
            settings = fitted(asked, sample.images, sample.sizes)
            assert settings.errors is not None
            by = settings.errors
            layers = self._layers(sample, settings, growing, positions)
            try:
                return [
                    overlap_error(layer, by, watch, place, len(layers)) for place, layer in enumerate(layers)
                ]
            except GeometryError as error:
                raise SettingsError(f"the overlap has no error bar: {error}") from None

    def _result(self, settings: Settings, watch: Watch, only: int | None = None) -> Result:
        timestep = timestep_of(self.session, settings)
        if not self.session.manifest.blocks:  # the model is not loaded
            absent = why_empty(self.session, None, (), None)
            return Result(settings, 0, (), (), (), timestep=timestep, absent=absent)
        growing = self._configuration(settings)
        positions = self._positions(settings, growing)
        left_out = growing.left_out
        asked = [growing.images[at] for at in growing.order(settings.images)]
        losses = left_out_lines(self.session, growing.problems, left_out)
        unused = unused_lines(self.session.manifest, settings, asked)
        notes = (*losses, *unused, *_notes(growing, self.session, settings, len(positions)))
        if not positions:
            absent = why_empty(self.session, settings.guidance, growing.problems, left_out)
            absent = f"none of the {len(asked)} images is of these classes" if asked else absent
            found = Result(settings, 0, (), (), (), timestep=timestep, notes=notes)
            return replace(found, left_out=left_out, losses=losses, absent=absent)
        sample = self._sample(settings, growing, positions)
        settings = fitted(settings, sample.images, sample.sizes)
        knows = sample.knows_eigenvalues(settings.subspace_dim)
        labelings = labelings_of(sample.images, settings)
        blocks = self.session.manifest.numbered_blocks
        chosen = range(len(blocks)) if only is None else [only]
        of_layers = self._layers(sample, settings, growing, positions, labelings, watch)
        layers = evaluate(
            [of_layers[layer] for layer in chosen],
            [blocks[layer] for layer in chosen],
            settings,
            labelings,
            watch,
            spectra=not settings.quick or knows,
        )
        together = LayersTogether(
            sample.features, len(layers), settings.permutations, settings.seed, watch.cancelled
        )
        matrices, matrix_nulls, missing = of_all_layers(together, settings)
        return Result(
            settings=settings,
            images=sample.count,
            classes=sample.classes,
            class_sizes=sample.sizes,
            layers=tuple(layers),
            image_keys=tuple(self._keys(sample)),
            timestep=timestep,
            subset=Subset(growing.recorded, settings.seed) if growing.is_subset else None,
            notes=(*notes, *rounding_notes(layers)),
            left_out=left_out,
            losses=losses,
            matrices=matrices,
            matrix_nulls=matrix_nulls,
            missing=missing,
        )

    def _all_of(self, settings: Settings) -> tuple[Sample, GrowingGrams, list[int]]:
        growing = self._configuration(settings)
        positions = self._positions(settings, growing)
        if not positions:
            raise NoImagesError(
                why_empty(self.session, settings.guidance, growing.problems, growing.left_out)
            )
        if len(positions) < 2:
            raise SettingsError("there are not two images yet: one image has no geometry")
        return self._sample(settings, growing, positions), growing, positions

    def _keys(self, sample: Sample) -> Iterator[tuple[str, int]]:
        prompts = self.session.manifest.prompts
        for prompt, seed in zip(sample.images.prompts, sample.images.seeds, strict=True):
            yield prompts[prompt].text, seed

    def _configuration(self, settings: Settings) -> GrowingGrams:
        assert settings.step is not None
        assert settings.guidance is not None
        key = Configuration(settings.branch, settings.step, settings.guidance)
        # The seed matters to which images are drawn, where they are too many.
        seed = settings.seed if len(self.session.manifest.images) > MOST_IMAGES else 0
        growing = _recent(
            self._growing,
            (key, seed),
            _CONFIGURATIONS_KEPT,
            lambda: GrowingGrams(self.session, key, seed),
        )
        growing.extend()
        return growing

    def _sample(self, settings: Settings, growing: GrowingGrams, positions: list[int]) -> Sample:
        # The sample does not depend on ε, rank or permutations: one sample serves all of them.
        same = Settings(
            labels=settings.labels,
            branch=settings.branch,
            step=settings.step,
            guidance=settings.guidance,
            features=settings.features,
            images=len(positions),
            classes=settings.classes,
            seed=settings.seed if growing.is_subset else 0,
        )
        return _recent(
            self._samples,
            (same, growing.version),
            _SAMPLES_KEPT,
            lambda: self._new_sample(same, growing, positions),
        )

    def _new_sample(self, settings: Settings, growing: GrowingGrams, positions: list[int]) -> Sample:
        assert settings.labels is not None
        # Only the class-centred view depends on the labels: the others share their spectra between schemes.
        shared = settings if settings.features == "class-centred" else replace(settings, labels=None)
        # Schemes may leave different prompts without a class.
        pooled = _recent(self._pooled, (shared, growing.version, tuple(positions)), _SAMPLES_KEPT, Kept)
        manifest = self.session.manifest
        of_prompt = [prompt.labels[settings.labels] for prompt in manifest.prompts]
        images = [manifest.images[growing.images[position]] for position in positions]
        labels = [of_prompt[image.prompt] for image in images]
        classes = ordered_classes(manifest, settings.labels, set(labels))
        widths = [block.width for block in manifest.blocks]
        try:
            return Sample(
                growing.grams(positions),
                widths,
                Images(
                    prompts=[image.prompt for image in images],
                    seeds=[image.seed for image in images],
                    labels=labels,
                    other_labels=[
                        [manifest.prompts[image.prompt].labels[scheme] for image in images]
                        for scheme in manifest.label_schemes
                        if scheme != settings.labels
                    ],
                ),
                classes,
                settings.features,
                pooled,
                lambda layer: growing.features(layer, positions),
            )
        except GeometryError as error:
            raise SettingsError(f"the {settings.features} view cannot be had: {error}") from None


def _needs_scipy(settings: Settings) -> bool:
    """Whether its import pays; the first curves of the app are not kept waiting by it."""
    overlap = settings.overlap_permutations is None or settings.overlap_permutations > 1
    permuted = settings.permutations and (overlap or not settings.quick)
    pairs = settings.between_layers and not settings.quick
    return bool(permuted or pairs or settings.errors or settings.thorough or settings.metrics)


def timestep_of(session: Session, settings: Settings) -> float | None:
    """The scheduler's timestep at the step of resolved settings; None where the session does not say."""
    assert settings.step is not None
    return session.manifest.timestep(settings.step)


def fitted(settings: Settings, images: Images, class_sizes: Iterable[int]) -> Settings:
    """Resolved settings with what depends on the images filled in."""
    if settings.subspace_dim is None:
        settings = replace(settings, subspace_dim=default_subspace_dim(class_sizes))
    if settings.errors == "auto":
        settings = replace(settings, errors=fitting_errors(images.prompts, images.seeds))
    return settings


def default_subspace_dim(class_sizes: Iterable[int]) -> int:
    """Half the smallest class, at most 10: a subspace must be well below what its images can span."""
    return max(1, min(DEFAULT_SUBSPACE_DIM, min(class_sizes) // 2))


def _notes(growing: GrowingGrams, session: Session, settings: Settings, count: int) -> Iterator[str]:
    """What the reader of the metrics should know."""
    if growing.is_subset:
        of = min(growing.recorded, settings.images or growing.recorded)
        yield (
            f"a seeded subset: {count} of {of} images, in whole rounds of the prompts, seed {settings.seed}; "
            "`analyze --every-image` takes all"
        )
    yield from notable_lines(session.manifest)
    yield from layer_notes(session.manifest)
    widths = [block.width for block in session.manifest.blocks]
    if widths and count and count < max(widths):
        yield f"N = {count} images < d = {max(widths)}: ranks are at most {count}"


def _recent(kept: "OrderedDict[K, V]", key: K, most: int, make: Callable[[], V]) -> V:
    """The value under `key`, made if need be; of the others only the `most` used last are kept."""
    if key not in kept:
        kept[key] = make()
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
    return kept[key]
