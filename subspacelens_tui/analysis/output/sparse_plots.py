"""What tokens take under each lens, as plots for publication: saved by layer, rate against distortion."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from subspacelens_tui.analysis.layer_gaps import layer_gaps, runs
from subspacelens_tui.analysis.output.files import Row
from subspacelens_tui.analysis.output.plots import COLOURS, Plot, literal, name_layers, say_why_empty
from subspacelens_tui.analysis.output.sparse import LENS_NAMES
from subspacelens_tui.analysis.sparse_results import SparseLayer, SparseResult
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sparse import LENSES, Lens

_PER_NAT = 1 / math.log(2)
# Those that are judged are solid; what their edges are held against is dashed.
_SOLID = ("gauss", "subspaces_25", "subspaces_64", "sparse")
# The label's price an image is a constant below its price a token.
_SHOWN = tuple(key for key in LENSES if key not in ("class_per_image", "position"))
_COLOURS = dict(zip(_SHOWN, ("0.5", *COLOURS), strict=True))
_COLUMNS, _WIDE, _HIGH = 4, 2.3, 1.9


def saved_plot(name: str, found: SparseResult) -> Plot:
    """Bits a token that each lens saves against one Gaussian, over the layers."""

    def draw(canvas: Any) -> None:
        axes = canvas.add_subplot()
        axes.axhline(0, color="0.5", lw=0.8)
        for key in _SHOWN[1:]:
            _draw_saved(axes, found.layers, key)
        name_layers(axes, [layer.layer for layer in found.layers])
        axes.set_ylabel(f"bits a token saved at D = {found.distortion:g}")
        if not any(_lens(layer, "gauss") for layer in found.layers):
            say_why_empty(axes, _why_empty(found.layers))
        _legend(canvas, axes)
        says = ("bars: 95 % CI, jackknife (held-out images)", *_less_position(found))
        axes.set_title("\n".join(says), fontsize=6, color="0.4")

    return Plot(name, (4.8, 3.3), draw, tuple(_saved_rows(found)))


def rate_plot(name: str, found: SparseResult, layers: Sequence[int] | None = None) -> Plot:
    """Bits a token against distortion under each lens, a panel for each layer.

    Args:
        name: stem of its files.
        found: the lenses.
        layers: numbers of the blocks; default: all.
    """
    shown = [layer for layer in found.layers if layers is None or layer.layer in layers]
    columns = min(_COLUMNS, max(1, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))

    def draw(canvas: Any) -> None:
        grid = canvas.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.axis("off")
        for place, layer in enumerate(shown):
            axes = grid.flat[place]
            _draw_rates(axes, layer, found.distortion)
            if place % columns == 0:
                axes.set_ylabel("bits a token")
            if place + columns >= len(shown):
                axes.set_xlabel("distortion D")
        for words in _less_position(found):
            canvas.suptitle(words, fontsize=6, color="0.4")
        # Not every layer has every lens.
        _legend(canvas, max(grid.flat, key=lambda axes: len(axes.get_legend_handles_labels()[0])))

    size = max(4.0, _WIDE * columns), max(3.0, _HIGH * rows + 0.8)
    return Plot(name, size, draw, tuple(_rate_rows(shown, found.without_position)))


def _less_position(found: SparseResult) -> tuple[str, ...]:
    return ("tokens minus the mean at their position",) if found.without_position else ()


def _lens(layer: SparseLayer, key: str) -> Lens | None:
    return None if isinstance(layer.found, str) else layer.found.lenses.get(key)


def _why_empty(layers: Sequence[SparseLayer]) -> str:
    return next((plain(layer.found) for layer in layers if isinstance(layer.found, str)), "no layer")


def _line(key: str) -> dict[str, Any]:
    """How the curve of a lens is drawn."""
    return {
        "color": _COLOURS[key],
        "linestyle": "-" if key in _SOLID else "--",
        "lw": 1.2,
        "label": LENS_NAMES[key],
    }


def _draw_saved(axes: Any, layers: Sequence[SparseLayer], key: str) -> None:
    lenses = [_lens(layer, key) for layer in layers]
    if not any(lenses):
        return
    saved = [math.nan if lens is None else _PER_NAT * lens.saved for lens in lenses]
    line, places = _line(key), range(len(saved))
    for run in runs(len(saved), layer_gaps([layer.layer for layer in layers])):
        axes.plot(places[run], saved[run], marker="o", ms=3, **line)
        line = {**line, "label": ""}
    ends = [(place, lens) for place, lens in enumerate(lenses) if lens is not None]
    axes.vlines(
        [place for place, _ in ends],
        [_PER_NAT * (lens.saved - lens.saved_error) for _, lens in ends],
        [_PER_NAT * (lens.saved + lens.saved_error) for _, lens in ends],
        color=_line(key)["color"],
        lw=0.8,
        alpha=0.7,
    )


def _draw_rates(axes: Any, layer: SparseLayer, distortion: float) -> None:
    for key in _SHOWN:
        if (lens := _lens(layer, key)) is not None:
            axes.plot(lens.distortions, [_PER_NAT * rate for rate in lens.rates], **_line(key))
    if isinstance(layer.found, str):
        say_why_empty(axes, plain(layer.found))
        return
    # What lies further out nobody would send.
    axes.set_xscale("log")
    axes.set_xlim(0.01, 1)
    axes.axvline(distortion, color="0.8", lw=0.8, zorder=0)
    axes.set_title(f"layer {layer.layer}", fontsize=7)


def _legend(canvas: Any, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        legend = canvas.legend(
            handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=7
        )
        literal(legend.get_texts())


def _saved_rows(found: SparseResult) -> Iterator[Row]:
    for layer in found.layers:
        for key in _SHOWN:
            if (lens := _lens(layer, key)) is not None:
                yield {
                    "layer": layer.layer,
                    "without_position": found.without_position,
                    "lens": key,
                    "distortion": found.distortion,
                    "bits": _PER_NAT * lens.rate,
                    "saved": _PER_NAT * lens.saved,
                    "saved_error": _PER_NAT * lens.saved_error,
                    "verdict": layer.verdict.words,
                }


def _rate_rows(layers: Sequence[SparseLayer], without_position: bool) -> Iterator[Row]:
    for layer in layers:
        for key in _SHOWN:
            if (lens := _lens(layer, key)) is not None:
                for distortion, rate in zip(lens.distortions, lens.rates, strict=True):
                    yield {
                        "layer": layer.layer,
                        "without_position": without_position,
                        "lens": key,
                        "distortion": distortion,
                        "bits": _PER_NAT * rate,
                    }
