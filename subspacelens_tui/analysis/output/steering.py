"""What came of a steering run, as a table and as JSON."""

import io
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from subspacelens_tui.analysis.output.console import PlainTable, console, number, print_json
from subspacelens_tui.analysis.steered_images import SteeredImages, percent
from subspacelens_tui.analysis.steering_layers import OverLayers
from subspacelens_tui.analysis.steering_results import JudgeError, SteeringResult
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.steering.share_interval import Share

_WIDTH = 10_000


def print_steering(found: SteeringResult, as_json: bool) -> None:
    """Print a run on stdout."""
    if as_json:
        print_json(steering_json(found))
        return
    _print(found, console())


def steering_text(found: SteeringResult) -> str:
    """A run as it is printed."""
    out = Console(file=io.StringIO(), width=_WIDTH, highlight=False)
    _print(found, out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def _print(found: SteeringResult, out: Console) -> None:
    of = found.steering
    first, last = of.steps
    where = f"layer {', '.join(map(str, of.layers))}" if found.layers is None else "each layer in turn"
    lines = [
        f"{plain(found.name)}: {plain(of.source)} → {plain(of.target)}, {of.method_words} at {where}, "
        f"steps {first}-{last}, fitted to {plain(found.statistics)}",
        f"judge: {judge_words(found.judge)}; it looks at layer {found.layer}, step {found.step}",
        *([] if found.second is None else [f"second judge: {judge_words(found.second)}"]),
        *([] if found.classifier is None else [f"third judge: {judge_words(found.classifier)}"]),
    ]
    out.print(Text("\n".join(lines)))
    shares = ["B", "95 % CI", "A", "clean", "B by latents"]
    if found.classifier is not None:
        shares.append("B by classifier")
    distances = ["latent NN", "image NN", "last NN"]
    headers = ["name", "images", *shares, *distances, "energy", "angle", "norm"]
    third = found.classifier is not None
    out.print(PlainTable(headers, [_cells(row, third) for row in found.rows]))
    if found.layers is not None:
        out.print(PlainTable(*layer_table(found.layers)))
    out.print(Text(plain(found.verdict)))
    for note in found.notes:
        out.print(Text(plain(note)))


def judge_words(judge: JudgeError) -> str:
    """Its name and its errors."""
    return (
        f"{judge.name}, wrong on {judge.errors} of {judge.images} natural images across seeds and on "
        f"{judge.new_errors} of {judge.new_images} of this run"
    )


def _cells(row: SteeredImages, third: bool) -> list[str]:
    marks = ("*" if row.off_manifold else "") + ("?" if row.disputed else "")
    numbers = (row.latent_ratio, row.image_ratio, row.last_ratio, row.energy, row.angle, row.norm)
    return [
        row.key + marks,
        str(row.images),
        percent(row.target.value),
        f"{percent(row.target.low)}–{percent(row.target.high)}",
        percent(row.source.value),
        *map(_percent, (row.clean, row.by_latents, *([row.by_classifier] if third else []))),
        *(number(None) if value is None else f"{value:.2f}" for value in numbers),
    ]


def layer_table(of: OverLayers) -> tuple[list[str], list[list[str]]]:
    """A row for each layer: what came of it, beside the geometry of both classes; then the correlations."""
    headers = ["layer", "B", "clean", "latent NN", "B by control", *(p.key for p in of.predictors)]
    rows = []
    for layer, (own, control) in enumerate(zip(of.method, of.control, strict=True)):
        clean, ratio = (None, None) if own is None else (own.clean, own.latent_ratio)
        rows.append(
            [
                str(layer),
                _percent(None if own is None else own.target),
                _percent(clean),
                "–" if ratio is None else f"{ratio:.2f}",
                _percent(None if control is None else control.target),
                *(number(p.values[layer]) for p in of.predictors),
            ]
        )
    correlations = ("–" if p.correlation is None else f"{p.correlation:+.2f}" for p in of.predictors)
    rows.append(["ρ", *[""] * 4, *correlations])
    rows.append(["p", *[""] * 4, *("–" if p.p is None else f"{p.p:.3f}" for p in of.predictors)])
    return headers, rows


def _percent(share: Share | None) -> str:
    return "–" if share is None else percent(share.value)


def steering_json(found: SteeringResult) -> dict[str, Any]:
    """The one object that `steer --json` prints."""
    return {
        "name": found.name,
        "statistics": found.statistics,
        "steering": found.steering.model_dump(exclude={"blocks", "partners", "control", "strength"}),
        "judge": asdict(found.judge) | {"layer": found.layer, "step": found.step},
        "second_judge": None if found.second is None else asdict(found.second),
        "classifier": None if found.classifier is None else asdict(found.classifier),
        "intervals": "95 %, Clopper-Pearson over seeds",
        "sessions": [_json(row) for row in found.rows],
        "layers": None if found.layers is None else _layers_json(found.layers),
        "verdict": found.verdict,
        "notes": list(found.notes),
    }


def _layers_json(of: OverLayers) -> dict[str, Any]:
    """Which session is of which layer, the geometry, and how far it tells where steering works."""
    return {
        "method": [None if row is None else row.key for row in of.method],
        "control": [None if row is None else row.key for row in of.control],
        "outcome": of.outcome,
        "predictors": [asdict(predictor) for predictor in of.predictors],
        "depth": of.depth,
        "null": "the outcome shifted around the layers by every number of them, as it is and reflected",
        "moved": of.moved,
        "least_p": of.least_p,
        "p": of.p,
        "verdict": of.verdict,
    }


def _json(row: SteeredImages) -> dict[str, Any]:
    return asdict(row) | {"off_manifold": row.off_manifold, "disputed": row.disputed}
