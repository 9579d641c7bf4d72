"""The bands around a curve: its error, and what permuted labels give."""

from subspacelens_tui.analysis.figures import Figures, LayerFigures

Band = tuple[float | None, float | None]
"""Lower and upper end."""
Values = tuple[float | None, ...]
"""One end, layer by layer."""


def error_band(layer: LayerFigures, figure: str) -> Band:
    """The 95 % interval of a figure by the jackknife; Nones where there is none."""
    if figure == "excess" and layer.null is not None and "delta_R" in layer.errors:
        # The mean of the null is a constant beside ΔR.
        bar, mean = layer.errors["delta_R"], layer.null.mean
        return bar.low - mean, bar.high - mean
    found = layer.errors.get(figure)
    return (found.low, found.high) if found else (None, None)


def null_band(layer: LayerFigures, figure: str) -> Band:
    """The central 95 % of a figure under permuted labels; Nones where there is no null."""
    if figure == "excess" and layer.null is not None:
        return layer.null.low - layer.null.mean, layer.null.high - layer.null.mean
    found = layer.nulls.get(figure)
    return (found.low, found.high) if found else (None, None)


def error_bands(figures: Figures, figure: str) -> tuple[Values, Values]:
    """Lower and upper ends of `error_band` over the layers."""
    return _ends([error_band(layer, figure) for layer in figures.layers])


def null_bands(figures: Figures, figure: str) -> tuple[Values, Values]:
    """Lower and upper ends of `null_band` over the layers."""
    return _ends([null_band(layer, figure) for layer in figures.layers])


def _ends(bands: list[Band]) -> tuple[Values, Values]:
    return tuple(low for low, _ in bands), tuple(high for _, high in bands)
