"""The figures of single tokens: every token a column, the tokens of an image kept together.

One layer is in memory at a time: at 500 images, 16 tokens and width 1152 it takes 74 MB in float64, where a
Gram matrix of all tokens would take 512 MB.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from subspacelens_tui.analysis.analyzer import default_rank, timestep_of
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.figures import Figures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.left_out import NoImagesError, why_empty
from subspacelens_tui.analysis.rounding import rounding_notes
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.tokens.layer import TokenLayer, token_layer
from subspacelens_tui.analysis.tokens.sample import BadTokensError, TokenImages
from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.sessions import Session


@dataclass(frozen=True)
class TokenFigures:
    """The figures of the tokens of a session.

    Attributes:
        figures: of the tokens as columns; `images` and `class_sizes` count images.
        tokens: T, how many of each image.
        layers: the same layer by layer, with the parts within and between images, and the rates of the means.
    """

    figures: Figures
    tokens: int
    layers: tuple[TokenLayer, ...]


def token_figures(
    session: Session, settings: Settings, on_layer: Callable[[int, int], None] = lambda done, total: None
) -> TokenFigures:
    """The figures of all layers.

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
        raise SettingsError("the thorough figures are of token means only: ask for them without tokens")
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
) -> TokenFigures:
    T = session.manifest.tokens
    assert T is not None
    sample = TokenImages(session, settings, bad_tokens)
    if settings.rank is None and len(sample):
        settings = replace(settings, rank=default_rank(size * T for size in sample.sizes))
    with one_blas_thread():
        layers = _layers(session, sample, settings, on_layer) if len(sample) else ()
    figures = Figures(
        settings=settings,
        images=len(sample),
        classes=sample.classes,
        class_sizes=sample.sizes,
        layers=tuple(layer.figures for layer in layers),
        overlap=_stack([layer.overlap for layer in layers]),
        explained=_stack([layer.explained for layer in layers]),
        timestep=timestep_of(session, settings),
        notes=(
            *sample.losses(),
            *sample.notes(),
            *rounding_notes([layer.figures for layer in layers]),
        ),
        left_out=sample.left_out,
        losses=sample.losses(),
        absent="" if layers else sample.why_empty(),
    )
    return TokenFigures(figures, T, layers)


def _layers(
    session: Session, sample: TokenImages, settings: Settings, on_layer: Callable[[int, int], None]
) -> tuple[TokenLayer, ...]:
    blocks = session.manifest.blocks
    layers = []
    try:
        for index, block in enumerate(blocks):
            layers.append(token_layer(sample, index, block.name, settings))
            on_layer(index + 1, len(blocks))
        return tuple(layers)
    except GeometryError as error:
        raise SettingsError(f"the {settings.features} view cannot be had: {error}") from None


def _stack(matrices: Sequence[Float64Array | None]) -> Float64Array | None:
    """The matrices of all layers; NaN where a layer has none."""
    found = next((matrix for matrix in matrices if matrix is not None), None)
    if found is None:
        return None
    missing = np.full_like(found, np.nan)
    return np.stack([missing if matrix is None else matrix for matrix in matrices])
