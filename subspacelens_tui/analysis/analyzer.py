"""From a session and settings to figures per layer, with everything that can be kept between calls kept."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.analysis.growing import Configuration, Float64Array, GrowingGrams
from subspacelens_tui.analysis.sample import Permutations, Sample
from subspacelens_tui.analysis.settings import DEFAULT_RANK, Settings, SettingsError
from subspacelens_tui.geometry import GeometryError, mean_off_diagonal
from subspacelens_tui.geometry.errors import Cancelled
from subspacelens_tui.geometry.nulls import NullSummary, summarize_null
from subspacelens_tui.sessions import Session

K = TypeVar("K")
V = TypeVar("V")

_CONFIGURATIONS_KEPT = 4
_SAMPLES_KEPT = 8
_ROUNDING = 1e-10


class Analyzer:
    """Figures of one session. To be used from one thread at a time.

    Gram matrices grow with the session; spectra are kept, so that another ε costs milliseconds.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._growing: OrderedDict[Configuration, GrowingGrams] = OrderedDict()
        self._samples: OrderedDict[tuple[Settings, int], Sample] = OrderedDict()
        self._pooled: OrderedDict[tuple[Settings, int], dict[int, Float64Array]] = OrderedDict()

    def refresh(self) -> bool:
        """Take in what the recorder added; True if features were."""
        return self.session.refresh()

    def figures(self, settings: Settings, cancelled: Callable[[], bool] | None = None) -> Figures:
        """The figures of all layers.

        Args:
            settings: what to compute.
            cancelled: asked before each layer; once it says True, the computation ends with `Cancelled`.

        Raises:
            SettingsError: if the session lacks what is asked.
            Cancelled: see above.
        """
        settings = settings.resolve(self.session)
        growing = self._configuration(settings)
        positions = growing.order(settings.images)
        notes = tuple(_notes(growing, self.session, len(positions)))
        if not positions:
            return Figures(settings, 0, (), (), (), None, notes)
        sample = self._sample(settings, growing, positions)
        if settings.rank is None:
            settings = replace(settings, rank=default_rank(sample.sizes))
        hoyer = growing.hoyer(positions)
        layers, overlaps = [], []
        for index in range(len(self.session.manifest.blocks)):
            if cancelled is not None and cancelled():
                raise Cancelled
            layer, overlap = self._layer(index, settings, sample, hoyer[index])
            layers.append(layer)
            overlaps.append(overlap)
        if settings.permutations:
            layers = _with_nulls(layers, settings, sample, cancelled)
        return Figures(
            settings=settings,
            images=sample.count,
            classes=sample.classes,
            class_sizes=sample.sizes,
            layers=tuple(layers),
            overlap=_stack(overlaps, len(sample.classes)),
            notes=notes,
        )

    def _configuration(self, settings: Settings) -> GrowingGrams:
        assert settings.step is not None
        assert settings.guidance is not None
        key = Configuration(settings.branch, settings.step, settings.guidance)
        growing = _recent(self._growing, key, _CONFIGURATIONS_KEPT, lambda: GrowingGrams(self.session, key))
        growing.extend()
        return growing

    def _sample(self, settings: Settings, growing: GrowingGrams, positions: list[int]) -> Sample:
        # The sample does not depend on ε, rank or permutations: one sample serves all of them.
        same = replace(
            settings, eps=1.0, rank=None, permutations=0, design="free", seed=0, images=len(positions)
        )
        return _recent(
            self._samples,
            (same, len(growing.images)),
            _SAMPLES_KEPT,
            lambda: self._new_sample(same, growing, positions),
        )

    def _new_sample(self, settings: Settings, growing: GrowingGrams, positions: list[int]) -> Sample:
        assert settings.labels is not None
        # Only the class-centred view depends on the labels: the others share their spectra between schemes.
        shared = settings if settings.features == "class-centred" else replace(settings, labels=None)
        pooled = _recent(self._pooled, (shared, len(growing.images)), _SAMPLES_KEPT, dict[int, Float64Array])
        manifest = self.session.manifest
        of_prompt = [prompt.labels[settings.labels] for prompt in manifest.prompts]
        images = [manifest.images[growing.images[position]] for position in positions]
        labels = [of_prompt[image.prompt] for image in images]
        classes = tuple(name for name in dict.fromkeys(of_prompt) if name in set(labels))
        widths = [block.width for block in manifest.blocks]
        try:
            return Sample(
                growing.grams(positions),
                widths,
                labels,
                classes,
                settings.features,
                pooled,
                prompts=[image.prompt for image in images],
                seeds=[image.seed for image in images],
                other_labels=[
                    [manifest.prompts[image.prompt].labels[scheme] for image in images]
                    for scheme in manifest.label_schemes
                    if scheme != settings.labels
                ],
            )
        except GeometryError as error:
            raise SettingsError(f"the {settings.features} view cannot be had: {error}") from None

    def _layer(
        self, index: int, settings: Settings, sample: Sample, hoyer: Float64Array
    ) -> tuple[LayerFigures, Float64Array | None]:
        block = self.session.manifest.blocks[index]
        figures = _Collected()
        overlap: Float64Array | None = None
        if len(sample.classes) < 2:
            figures.miss(
                f"there is one class only ({sample.classes[0]})", "Rc", "delta_R", "ratio", "overlap_mean"
            )
        else:
            assert settings.rank is not None
            rank = settings.rank
            figures.take("overlap_mean", lambda: float(mean_off_diagonal(sample.overlap(index, rank))))
            if "overlap_mean" in figures.values:
                overlap = sample.overlap(index, rank)
        if sample.count < 2:
            figures.miss("one image has no geometry yet", "R", "Rc", "delta_R", "ratio", "effective_rank")
        else:
            self._rates(index, settings, sample, figures)
            figures.take("effective_rank", lambda: sample.effective_rank(index))
        if np.isnan(hoyer).any():
            figures.miss("an image has all-zero features", "hoyer")
        else:
            figures.values["hoyer"] = float(hoyer.mean())
        return figures.layer(index, block.name, block.width), overlap

    def _rates(self, index: int, settings: Settings, sample: Sample, figures: "_Collected") -> None:
        R = sample.coding_rate(index, settings.eps)
        figures.values["R"] = R
        if len(sample.classes) < 2:
            return
        Rc = sample.class_rate(index, settings.eps)
        figures.values |= {"Rc": Rc, "delta_R": R - Rc}
        if R > 0:
            figures.values["ratio"] = Rc / R
        else:
            figures.miss("R is 0: all features are zero", "ratio")


class _Collected:
    """The figures of one layer while they are computed: a value or a reason for each."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.missing: dict[str, str] = {}

    def take(self, figure: str, compute: Callable[[], float]) -> None:
        try:
            self.values[figure] = compute()
        except GeometryError as error:
            self.missing[figure] = str(error)

    def miss(self, reason: str, *figures: str) -> None:
        for figure in figures:
            self.missing.setdefault(figure, reason)

    def layer(self, index: int, name: str, width: int) -> LayerFigures:
        return LayerFigures(
            layer=index,
            name=name,
            width=width,
            R=self.values.get("R"),
            Rc=self.values.get("Rc"),
            delta_R=self.values.get("delta_R"),
            ratio=self.values.get("ratio"),
            effective_rank=self.values.get("effective_rank"),
            overlap_mean=self.values.get("overlap_mean"),
            hoyer=self.values.get("hoyer"),
            missing=self.missing,
        )


def default_rank(class_sizes: Iterable[int]) -> int:
    """Half the smallest class, at most 10: a subspace must be well below what its images can span."""
    return max(1, min(DEFAULT_RANK, min(class_sizes) // 2))


def _with_nulls(
    layers: list[LayerFigures], settings: Settings, sample: Sample, cancelled: Callable[[], bool] | None
) -> list[LayerFigures]:
    """The layers with the nulls of their rates; where there can be none, with the reason."""
    if any(layer.delta_R is None for layer in layers):
        return layers
    permutations = Permutations(settings.design, settings.permutations, settings.seed)
    try:
        R, Rc = sample.permuted_class_rates(settings.eps, permutations, cancelled)
    except GeometryError as error:
        return [replace(layer, missing={**layer.missing, "null": str(error)}) for layer in layers]
    return [
        replace(layer, nulls=dict(_nulls(layer, R[:, index], Rc[:, index])))
        for index, layer in enumerate(layers)
    ]


def _nulls(layer: LayerFigures, R: Float64Array, Rc: Float64Array) -> Iterator[tuple[str, NullSummary]]:
    assert layer.R is not None
    assert layer.Rc is not None
    # ΔR is the difference of large numbers: what is left of rounding must not pass for an excess.
    rounding = _ROUNDING * max(layer.R, float(np.max(R)))
    yield "delta_R", summarize_null(layer.R - layer.Rc, R - Rc, "greater", rounding)
    yield "Rc", summarize_null(layer.Rc, Rc, "smaller", rounding)
    if layer.ratio is not None and np.min(R) > 0:
        yield "ratio", summarize_null(layer.ratio, Rc / R, "smaller", _ROUNDING)


def _stack(overlaps: list[Float64Array | None], classes: int) -> Float64Array | None:
    if all(overlap is None for overlap in overlaps):
        return None
    missing = np.full((classes, classes), np.nan)
    return np.stack([missing if overlap is None else overlap for overlap in overlaps])


def _notes(growing: GrowingGrams, session: Session, count: int) -> Iterator[str]:
    """What the reader of the figures should know."""
    yield from session.problems
    yield from growing.problems
    if growing.left_out:
        image, why = next(iter(growing.left_out.items()))
        yield f"{len(growing.left_out)} images are left out, the first is image {image}: {why}"
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
