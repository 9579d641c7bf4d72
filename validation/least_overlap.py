"""How often the layer of least overlap is said to move with the step, where it does and where it does not."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.least_overlap import moves, separation
from validation.markdown import percent, table
from validation.planted_sessions import Effects, Layout, analyzer_of

LAYOUT = Layout(seeds=16)
WIDTH = 48
STEPS, LAYERS = 2, 6
RANK = 4


@dataclass(frozen=True)
class Scenario:
    """How much each category has directions of its own, by step and layer: 0 none, 1 all."""

    name: str
    strengths: tuple[tuple[float, ...], ...]


SCENARIOS = (
    Scenario("no structure", ((0,) * LAYERS,) * STEPS),
    Scenario("the same at every layer", ((0.5,) * LAYERS,) * STEPS),
    Scenario("layer 3 at both steps", ((0, 0.2, 0.4, 0.6, 0.4, 0.2),) * STEPS),
    Scenario("layers 2 and 3, equally, at both steps", ((0, 0.2, 0.6, 0.6, 0.4, 0.2),) * STEPS),
    Scenario("layer 1, then layer 4", ((0.2, 0.6, 0.4, 0.2, 0.1, 0), (0, 0.1, 0.2, 0.4, 0.6, 0.2))),
)


def run(data_sets: int = 400) -> dict[str, Any]:
    """For each scenario how often the layer differs between steps, and is said to move."""
    return {
        "data_sets": data_sets,
        "layers": LAYERS,
        "steps": STEPS,
        "seeds": LAYOUT.seeds,
        "rows": [_row(number, scenario, data_sets) for number, scenario in enumerate(SCENARIOS)],
    }


def _row(number: int, scenario: Scenario, data_sets: int) -> dict[str, Any]:
    differs, said, size = 0, 0, 0
    for data_set in range(data_sets):
        rng = np.random.default_rng([7, number, data_set])
        features = [_features(strength, rng) for step in scenario.strengths for strength in step]
        # A session holds one step here; its layers are those of all steps, one step after the other.
        with analyzer_of(LAYOUT, features) as analyzer:
            found = _separations(analyzer)
        differs += len({of.layer for of in found}) > 1
        said += moves(found)
        size += sum(len(of.candidates) for of in found)
    return {
        "data": scenario.name,
        "differs": differs,
        "moves": said,
        "candidates": size / (STEPS * data_sets),
    }


def _features(strength: float, rng: np.random.Generator) -> Any:
    """Independent images whose categories have `RANK` strong directions each: own ones in part."""
    shared = np.linalg.qr(rng.standard_normal((WIDTH, RANK)))[0]
    own = [np.linalg.qr(rng.standard_normal((WIDTH, RANK)))[0] for _ in range(LAYOUT.categories)]
    features = Effects(subject=0.3, seed=0.3).draw(LAYOUT, WIDTH, rng)
    for category in range(LAYOUT.categories):
        rows = np.flatnonzero(LAYOUT.category_of == category)
        axes = np.linalg.qr((1 - strength) * shared + strength * own[category])[0]
        features[rows] += 3 * rng.standard_normal((len(rows), RANK)) @ axes.T
    return features


def _separations(analyzer: Analyzer) -> list[Any]:
    bars = analyzer.overlap_errors(Settings(subspace_dim=RANK), "seed+subject")
    overlap = np.array([(bar.low + bar.high) / 2 for bar in bars]).reshape(STEPS, LAYERS)
    kinds = [np.stack([bar.left_out[k] for bar in bars], axis=1) for k in range(2)]
    return [
        separation(overlap[step], [kind[:, step * LAYERS : (step + 1) * LAYERS] for kind in kinds], STEPS)
        for step in range(STEPS)
    ]


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    data_sets = result["data_sets"]
    return {
        **{name: str(result[name]) for name in ("data_sets", "layers", "steps", "seeds")},
        "table": table(
            [
                "layer of least expected overlap",
                "layers differ, %",
                "said to move, %",
                "layers not excluded",
            ],
            [
                [
                    row["data"],
                    percent(row["differs"], data_sets),
                    percent(row["moves"], data_sets),
                    f"{row['candidates']:.1f}",
                ]
                for row in result["rows"]
            ],
        ),
    }
