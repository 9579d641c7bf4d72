"""Plots for publication through matplotlib, an optional extra: each with the numbers behind it beside it.

Colours are Okabe and Ito's for curves and cividis for matrices: both hold for colour-blind eyes and in grey.
"""

import math
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.output.files import PLOT_FORMATS, Row, need, write_table
from subspacelens_tui.analysis.output.provenance import Provenance
from subspacelens_tui.analysis.output.rows import (
    curve_point_rows,
    layer_pair_rows,
    overlap_rows,
    spectrum_rows,
    sweep_rows,
)
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.sweep import Sweep
from subspacelens_tui.geometry.contraction import fitted_gains
from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.steps import step_name

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":")
# At seven points, along a colour bar beside a heatmap.
_LETTERS_AN_INCH = 11
POINTS = ("o", "D", "s", "^")
_SETTINGS: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    # A tick says its value, not what to add to a number in the corner.
    "axes.formatter.useoffset": False,
    "svg.fonttype": "none",
    # The same numbers give the same file, byte for byte.
    "svg.hashsalt": "subspacelens",
    "savefig.dpi": 200,
}


@dataclass(frozen=True)
class Plot:
    """A plot that is not drawn yet.

    Attributes:
        name: stem of its files.
        size: width and height in inches.
        draw: draws it on an empty `matplotlib.figure.Figure`.
        rows: the numbers behind it.
    """

    name: str
    size: tuple[float, float]
    draw: Callable[[Any], None]
    rows: tuple[Row, ...]


def write_plot(
    plot: Plot,
    folder: Path,
    formats: Iterable[str] = PLOT_FORMATS,
    data: Iterable[str] = ("csv",),
    about: Provenance | None = None,
) -> list[Path]:
    """Write a plot in some formats, and the numbers behind it in some; the paths.

    Every file says where its numbers come from, if that is given.

    Raises:
        ExportError: matplotlib, or what a data format needs, is not installed.
        OSError: a file cannot be written.
    """
    formats = tuple(formats)
    for name in formats:
        need(name)
    paths = [folder / f"{plot.name}.{name}" for name in formats]
    if formats:
        _draw(plot, paths, about.text() if about else "")
    rows = about.rows(plot.rows) if about else plot.rows
    said = about.text() if about else ""
    return [*paths, *(write_table(folder / f"{plot.name}.{name}", rows, said) for name in data)]


def plot_svg(plot: Plot) -> str:
    """A plot as the text of an SVG file.

    Raises:
        ExportError: matplotlib is not installed.
    """
    need("svg")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{plot.name}.svg"
        _draw(plot, [path])
        return path.read_text(encoding="utf-8")


def _draw(plot: Plot, paths: Sequence[Path], description: str = "") -> None:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        # Not what a matplotlibrc says, such as LaTeX: the same numbers give the same file everywhere.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        # A label in a script that the font lacks is drawn as boxes; there is nobody to tell.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=plot.size, layout="constrained")
        plot.draw(figure)
        for path in paths:
            metadata: dict[str, str | None] = {"Date": None} if path.suffix == ".svg" else {"Software": None}
            if description:
                metadata["Description"] = description
            with whole_file(path) as temporary:
                figure.savefig(temporary, format=path.suffix.removeprefix("."), metadata=metadata)


def matrix_plot(name: str, result: Result, layer: int) -> Plot:
    """The overlap matrix of one layer."""

    def draw(canvas: Any) -> None:
        axes = canvas.add_subplot()
        image = _draw_matrix(axes, result, layer)
        if image is not None:
            canvas.colorbar(image, ax=axes, shrink=0.8, label=f"overlap, r = {result.settings.subspace_dim}")

    side = 2.4 + 0.12 * len(result.classes)
    return Plot(name, (side + 0.8, side), draw, tuple(overlap_rows(result, layer)))


def matrices_plot(name: str, result: Result, layers: Sequence[int] | None = None) -> Plot:
    """The overlap matrices of some layers (default: all) side by side, on one scale."""
    shown = range(len(result.layers)) if layers is None else layers
    columns = min(7, max(1, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))

    def draw(canvas: Any) -> None:
        grid = canvas.subplots(rows, columns, squeeze=False)
        image = None
        for index, axes in enumerate(grid.flat):
            if index >= len(shown):
                axes.axis("off")
                continue
            below = index + columns >= len(shown)
            image = _draw_matrix(axes, result, shown[index], index % columns == 0, below, size) or image
        if image is not None:
            canvas.colorbar(image, ax=grid, shrink=0.6, label=f"overlap, r = {result.settings.subspace_dim}")

    # A row of a matrix is as high as its name.
    size = 4.0
    side = max(1.1, 1.15 * size / 72 * len(result.classes))
    names = 0.6 * size / 72 * max((len(plain(name)) for name in result.classes), default=0)
    wide, high = side * columns + names + 1, (side + 0.2) * rows + names + 0.2
    behind = tuple(row for layer in shown for row in overlap_rows(result, layer))
    return Plot(name, (wide, high), draw, behind)


def _draw_matrix(
    axes: Any, result: Result, layer: int, beside: bool = True, below: bool = True, size: float = 6.0
) -> Any:
    """The image, or None where the layer's overlap is missing, with the reason in its place.

    Args:
        axes: to draw on.
        result: whose overlap.
        layer: which.
        beside, below: whether the classes are named there.
        size: of their names, in points.
    """
    axes.set_title(f"layer {result.numbers[layer]}", fontsize=7)
    axes.spines[:].set_visible(False)
    ticks = range(len(result.classes))
    axes.set_xticks(ticks if below else ())
    axes.set_yticks(ticks if beside else ())
    axes.tick_params(length=2, width=0.5)
    if result.overlap is None or math.isnan(result.overlap[layer, 0, 0]):
        axes.text(0.5, 0.5, "missing", ha="center", va="center", transform=axes.transAxes, fontsize=7)
        return None
    shown = [plain(name) for name in result.classes]
    if below:
        literal(axes.set_xticklabels(shown, rotation=90, fontsize=size))
    if beside:
        literal(axes.set_yticklabels(shown, fontsize=size))
    return axes.imshow(result.overlap[layer], vmin=0, vmax=1, cmap="cividis")


def spectrum_plot(name: str, result: Result, layer: int) -> Plot:
    """The eigenvalues of a layer's Gram matrix, the largest first."""
    rows = tuple(spectrum_rows(result, layer))

    def draw(canvas: Any) -> None:
        axes = canvas.add_subplot()
        axes.plot(
            [row["number"] for row in rows],
            [row["eigenvalue"] for row in rows],
            ".-",
            color=COLOURS[0],
            ms=3,
            lw=0.8,
        )
        positive = [row["eigenvalue"] for row in rows if row["eigenvalue"] > 0]
        # Closer together, the ticks of a logarithmic axis would all say the same.
        if positive and max(positive) >= 2 * min(positive):
            axes.set_yscale("log")
            # From a power of ten to another: each end has a tick that says its value.
            decades = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
            axes.set_ylim(*(10.0**decade for decade in decades))
        if not rows:
            say_why_empty(axes, result.why_missing("effective_rank"))
        name_places(axes, "number", range(1, len(rows) + 1))
        axes.set_ylabel(f"eigenvalue, layer {result.numbers[layer]}")

    return Plot(name, (4.0, 2.8), draw, rows)


def gains_plot(name: str, result: Result, layer: int) -> Plot:
    """The gains of a layer over the eigenvalues of its input, with their errors and the fitted curve."""
    rows = tuple(curve_point_rows(result, "gains", layer))
    fit = result.layers[layer].values.get("contraction_fit")
    slope = result.layers[layer].values.get("contraction")

    def draw(canvas: Any) -> None:
        axes = canvas.add_subplot()
        values = np.array([row["eigenvalue"] for row in rows])
        axes.errorbar(
            values,
            [row["gain"] for row in rows],
            [1.96 * row["standard_error"] for row in rows],
            fmt=".",
            color=COLOURS[0],
            ms=3,
            lw=0.5,
        )
        if fit is not None and slope is not None and len(values):
            at = np.geomspace(values.min(), values.max(), 200)
            axes.plot(
                at,
                fitted_gains(at, fit.offset, slope, fit.noise),
                color=COLOURS[1],
                lw=1.2,
                label="1 + a + b σ²/(λ + σ²)",
            )
            literal(axes.legend(frameon=False, fontsize=7).get_texts())
        axes.axhline(1, color="0.5", lw=0.8)
        if rows:
            axes.set_xscale("log")
        else:
            say_why_empty(axes, result.layers[layer].why_missing("contraction"))
        axes.set_xlabel("variance λ/N along an eigenvector of the input")
        axes.set_ylabel(f"gain, layer {result.numbers[layer]}")

    return Plot(name, (4.0, 2.8), draw, rows)


def layers_plot(name: str, result: Result, key: str) -> Plot:
    """A matrix, layers × layers."""

    def draw(canvas: Any) -> None:
        axes = canvas.add_subplot()
        image = axes.imshow(result.matrices[key], vmin=0, vmax=1, cmap="cividis")
        canvas.colorbar(image, ax=axes, shrink=0.8, label=METRICS[key].label)
        name_layers(axes, result.numbers)
        axes.set_ylabel("layer")

    return Plot(name, (4.2, 3.4), draw, tuple(layer_pair_rows(result, key)))


def sweep_plot(name: str, sweep: Sweep) -> Plot:
    """A heatmap of configurations by layers, with the peak (▲) and the dip (▼) of each row.

    Where zero says something, it is the middle of the colours, which diverge from it.
    """
    height = max(2.6, 1.2 + 0.22 * len(sweep.rows))

    def draw(canvas: Any) -> None:
        axes = canvas.add_subplot()
        known = np.abs(sweep.values[np.isfinite(sweep.values)])
        colours: dict[str, Any] = {"cmap": "cividis"}
        if quantity(sweep.metric).has_zero_line and known.size:
            largest = float(known.max()) or 1.0
            colours = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}
        image = axes.imshow(sweep.values, aspect="auto", interpolation="nearest", **colours)
        if known.size:
            # A label longer than its bar would be cut off at the edge of the picture.
            words = textwrap.fill(quantity(sweep.metric).words, max(16, int(height * _LETTERS_AN_INCH)))
            canvas.colorbar(image, ax=axes).set_label(words, fontsize=7)
        else:
            say_why_empty(axes, "")
        for row, (peak, dip) in enumerate(zip(sweep.peaks, sweep.dips, strict=True)):
            for layer, marker in ((peak, "^"), (dip, "v")):
                if layer is not None:
                    axes.plot(layer, row, marker, color="white", mec="black", ms=5, mew=0.6)
        name_layers(axes, sweep.numbers)
        axes.set_yticks(range(len(sweep.rows)))
        axes.set_yticklabels(
            [
                f"guidance {row.guidance:g}, step {step_name(row.step, timestep)}"
                for row, timestep in zip(sweep.rows, sweep.timesteps, strict=True)
            ],
            fontsize=6,
        )

    return Plot(name, (5.5, height), draw, tuple(sweep_rows(sweep)))


def name_places(axes: Any, label: str, places: range) -> None:
    """An axis of places: they have whole numbers, and none between them."""
    axes.set_xlabel(label)
    if len(places) < 2:
        axes.set_xticks(places)
    else:
        axes.set_xlim(places.start - 0.5, places.stop - 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)


def name_layers(axes: Any, numbers: Sequence[int]) -> None:
    """An axis of layers by the numbers of their blocks in the model."""
    name_places(axes, "layer", range(len(numbers)))
    if tuple(numbers) != tuple(range(len(numbers))):
        named = lambda place, _: str(numbers[int(place)]) if 0 <= place < len(numbers) else ""  # noqa: E731
        axes.xaxis.set_major_formatter(named)


def say_why_empty(axes: Any, why: str) -> None:
    """That there are no values, in their place; without the scale that they would have."""
    axes.yaxis.set_ticks(())
    words = f"no values: {plain(why)}" if why else "no values"
    text = axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes, fontsize=7)
    literal([text])


def literal(texts: Iterable[Any]) -> None:
    """Names are shown as they are: a $ in one does not begin a formula."""
    for text in texts:
        text.set_parse_math(False)
