"""The metrics of single tokens, and their parts within and between images.

One layer is in memory at a time: at 500 images, 16 tokens and width 1152 it takes 74 MB in float64, where a
Gram matrix of all tokens would take 512 MB.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.analyzer import fitted, timestep_of
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.evaluate import evaluate
from subspacelens_tui.analysis.excluded_images import NoImagesError, why_empty
from subspacelens_tui.analysis.layer_evaluation import Measured
from subspacelens_tui.analysis.metrics import METRICS, Metric
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.rounding import massive, rounding_notes
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.token_columns import TokenColumns, trace_factor
from subspacelens_tui.analysis.statistics.token_images import BadTokensError, TokenImages
from subspacelens_tui.analysis.statistics.token_parts import Parts, split
from subspacelens_tui.analysis.statistics.tokens import TokenLayer
from subspacelens_tui.analysis.uncertainty.permutation import add_nulls
from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.sessions import Session


@dataclass(frozen=True)
class TokenLayerResult:
    """What there is to say of the tokens of one layer.

    Attributes:
        result: of the tokens as columns.
        parts: of their second moment, within and between images.
        image_means: the rates of the images' means over all tokens, at the same ε in the same view, under the
            same permutations.
    """

    result: LayerResult
    parts: Parts
    image_means: LayerResult

    def to_json(self) -> dict[str, Any]:
        """What a layer of `analyze --tokens --json` has beside the keys of `LayerResult.to_json`."""
        means = {rate.key: self.image_means.values.get(rate.key) for rate in _rates()}
        nulls = {key: asdict(null) for key, null in self.image_means.nulls.items()}
        return {**self.parts.to_json(), "image_means": {**means, "nulls": nulls}}


@dataclass(frozen=True)
class TokenResult:
    """The metrics of the tokens of a session.

    Attributes:
        result: of the tokens as columns; `images` and `class_sizes` count images.
        tokens: T, how many of each image.
        layers: the same layer by layer, with the parts within and between images, and the rates of the means.
    """

    result: Result
    tokens: int
    layers: tuple[TokenLayerResult, ...]


def token_result(
    session: Session, settings: Settings, on_layer: Callable[[int, int], None] = lambda done, total: None
) -> TokenResult:
    """The metrics of all layers.

    Args:
        session: recorded with tokens.
        settings: what to compute; all but `thorough` applies.
        on_layer: called with the layers done and their total after each: this takes seconds a layer.

    Raises:
        SettingsError: if the session has no tokens, or lacks what is asked.
        NoImagesError: if its model is not loaded yet.
        SessionError: if its tokens cannot be read.
    """
    T = session.manifest.tokens
    if T is None:
        raise SettingsError(f"{session.name} has no tokens: record with --tokens to keep some")
    if settings.thorough:
        raise SettingsError("the thorough metrics are of token means only: ask for them without tokens")
    if not session.manifest.blocks:
        raise NoImagesError(f"{session.name}: {why_empty(session, None, (), None)}")
    settings = settings.resolve(session)
    bad_tokens: dict[int, int] = {}
    while True:
        try:
            return _of_finite(session, settings, bad_tokens, on_layer)
        except BadTokensError as error:
            # Only in a session that was altered: again, without these, for an image is in all layers or none.
            bad_tokens |= error.layers


def _of_finite(
    session: Session, settings: Settings, bad_tokens: dict[int, int], on_layer: Callable[[int, int], None]
) -> TokenResult:
    T = session.manifest.tokens
    assert T is not None
    sample = TokenImages(session, settings, bad_tokens)
    if len(sample):
        settings = fitted(settings, sample.images, [size * T for size in sample.sizes])
    with one_blas_thread():
        layers = _layers(session, sample, settings, on_layer) if len(sample) else ()
    results = tuple(layer.result for layer in layers)
    result = Result(
        settings=settings,
        images=len(sample),
        classes=sample.classes,
        class_sizes=sample.sizes,
        layers=results,
        timestep=timestep_of(session, settings),
        notes=(*sample.losses(), *sample.notes(), *rounding_notes(results)),
        left_out=sample.left_out,
        losses=sample.losses(),
        absent="" if layers else sample.why_empty(),
    )
    return TokenResult(result, T, layers)


def _layers(
    session: Session, sample: TokenImages, settings: Settings, on_layer: Callable[[int, int], None]
) -> tuple[TokenLayerResult, ...]:
    blocks = session.manifest.numbered_blocks
    layers = []
    try:
        for index, block in enumerate(blocks):
            layers.append(_layer(sample, index, block, settings))
            on_layer(index + 1, len(blocks))
        return tuple(layers)
    except GeometryError as error:
        raise SettingsError(f"the {settings.features} view cannot be had: {error}") from None


def _layer(sample: TokenImages, index: int, block: tuple[int, str], settings: Settings) -> TokenLayerResult:
    """All metrics of one layer.

    Raises:
        GeometryError: if the feature view cannot be had.
        SessionError: if the tokens cannot be read.
    """
    tokens = _statistics(sample, index, sample.tokens(index), settings)
    _ = tokens.viewed
    [found] = evaluate([tokens], [block], settings, sample.labelings, Watch())
    return _with_means(found, tokens, sample, settings)


def _statistics(
    sample: TokenImages, index: int, rows: npt.NDArray[np.float32], settings: Settings
) -> TokenLayer:
    columns = TokenColumns(rows.astype(np.float64))
    return TokenLayer(index, columns, sample.codes, sample.images, sample.classes, settings)


def _with_means(
    found: LayerResult, tokens: TokenLayer, sample: TokenImages, settings: Settings
) -> TokenLayerResult:
    """The same with the parts within and between images, and the rates of the images' means."""
    fixed = replace(settings, eps=found.eps, iso_rate=None)
    means = _statistics(sample, tokens.index, sample.means(tokens.index), fixed)
    between: npt.NDArray[np.float64] | None = means.viewed.rows[:, 0]
    if settings.features == "unit":
        between = None
    elif settings.features == "trace":
        # By the factor of the tokens, whose parts these are.
        between = means.raw.rows[:, 0] * trace_factor(tokens.raw)
    parts = split(tokens.viewed, between, sample.counts, found.eps)
    rates = _rates_of(means, sample, settings) if found.R is not None else Measured(means)
    of_means = means.rounding(rates.values)
    moved: Mapping[str, float] = {
        **found.rounding,
        **{f"{what} R": amount for what, amount in parts.moved.items()},
        **{f"image means' {key}": amount for key, amount in of_means.items()},
    }
    whole = replace(
        found,
        missing={**found.missing, **parts.missing},
        rounding=moved,
        massive=massive(tokens.raw.flat.T) if moved else "",
    )
    image_means = LayerResult(
        layer=found.layer,
        name=found.name,
        width=found.width,
        eps=found.eps,
        rank_ceiling=means.images,
        values=rates.values,
        nulls=rates.nulls,
        model_number=found.model_number,
    )
    return TokenLayerResult(whole, parts, image_means)


def _rates() -> list[Metric]:
    return METRICS["R"].family_members


def _rates_of(means: TokenLayer, sample: TokenImages, settings: Settings) -> Measured:
    """The rates of the images' means, with their nulls."""
    found = Measured(means)
    for metric in _rates():
        try:
            found.values[metric.key] = metric.value(means)
        except GeometryError as error:
            found.missing[metric.key] = str(error)
    if sample.labelings is not None:
        add_nulls([found], sample.labelings, settings, Watch())
    return found
