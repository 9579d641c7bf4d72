"""How often a permutation test at 5 % rejects, where its null hypothesis holds and where images depend.

Every data set is a session of its own with permutations of its own, since data sets that share permutations
would not be independent.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from subspacelens_tui.analysis import Settings
from subspacelens_tui.geometry import VIEWS, Design, View
from validation.markdown import binomial_interval, percent, table
from validation.planted_sessions import Effects, Layout, analyzer_of

LAYOUT = Layout()
WIDTH = 48
PERMUTATIONS = 99
LEVEL = 0.05
COLUMNS = {
    "ΔR, Rc, Rc/R": ("delta_R", "Rc", "ratio"),
    "overlap": ("overlap_mean",),
}
STATISTICS = tuple(name for names in COLUMNS.values() for name in names)


@dataclass(frozen=True)
class PermutationTest:
    """Labels, permutation design and feature view."""

    labels: str
    design: Design = "free"
    features: View = "raw"


FREE = PermutationTest("coarse")
FREE_FINE = PermutationTest("fine")
WITHIN_SEED = PermutationTest("coarse", "within-seed")
WITHIN_COARSE = PermutationTest("fine", "fine-within-coarse")
SUBJECTS = PermutationTest("coarse", "subjects")
OTHER_VIEWS = tuple(PermutationTest("coarse", features=view) for view in VIEWS if view != "raw")


@dataclass(frozen=True)
class Scenario:
    """Data of one law and the tests made of it.

    Attributes:
        valid: tests whose null hypothesis holds: they must reject 5 %.
        other: tests that are often read as if it did.
    """

    name: str
    effects: Effects
    valid: tuple[PermutationTest, ...] = ()
    other: tuple[PermutationTest, ...] = ()


SCENARIOS = (
    Scenario(
        "independent images",
        Effects(),
        (FREE, FREE_FINE, WITHIN_SEED, WITHIN_COARSE, SUBJECTS, *OTHER_VIEWS),
    ),
    Scenario("categories differ", Effects(category=0.5), (WITHIN_COARSE,)),
    Scenario("seed effect 0.5", Effects(seed=0.5), (WITHIN_SEED, SUBJECTS), (FREE, FREE_FINE, WITHIN_COARSE)),
    Scenario("subject effect 0.1", Effects(subject=0.1), (SUBJECTS,), (FREE, WITHIN_SEED)),
    Scenario("subject effect 0.2", Effects(subject=0.2), (SUBJECTS,), (FREE, WITHIN_SEED)),
    Scenario("subject effect 0.5", Effects(subject=0.5), (SUBJECTS,), (FREE, WITHIN_SEED)),
    Scenario("subject and seed effect 0.5", Effects(subject=0.5, seed=0.5), (SUBJECTS,), (FREE, WITHIN_SEED)),
    # About what the demo model has at its last step.
    Scenario(
        "subject effect 1.5, seed effect 1", Effects(subject=1.5, seed=1), (SUBJECTS,), (FREE, WITHIN_SEED)
    ),
)


def run(data_sets: int = 400) -> dict[str, Any]:
    """Rejections at 5 % for every scenario, test and statistic."""
    return {
        "data_sets": data_sets,
        "permutations": PERMUTATIONS,
        "layout": asdict(LAYOUT),
        "images": LAYOUT.images,
        "width": WIDTH,
        "rows": [row for number, scenario in enumerate(SCENARIOS) for row in _rows(number, data_sets)],
    }


def _rows(number: int, data_sets: int) -> list[dict[str, Any]]:
    scenario = SCENARIOS[number]
    rejected = {test: Counter[str]() for test in (*scenario.valid, *scenario.other)}
    for data_set in range(data_sets):
        features = scenario.effects.draw(LAYOUT, WIDTH, np.random.default_rng([number, data_set]))
        with analyzer_of(LAYOUT, [features]) as analyzer:
            for test, counter in rejected.items():
                settings = Settings(**vars(test), permutations=PERMUTATIONS, seed=data_set)
                (layer,) = analyzer.result(settings).layers
                counter.update(name for name in STATISTICS if layer.nulls[name].p <= LEVEL)
    return [
        {
            "data": scenario.name,
            "effects": asdict(scenario.effects),
            **asdict(test),
            "valid": test in scenario.valid,
            "rejected": {name: counter[name] for name in STATISTICS},
        }
        for test, counter in rejected.items()
    ]


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    data_sets = result["data_sets"]

    def rows(valid: bool) -> list[list[str]]:
        return [
            [row["data"], row["design"], row["labels"], row["features"]]
            + [_cell(row["rejected"], names, data_sets) for names in COLUMNS.values()]
            for row in result["rows"]
            if row["valid"] == valid
        ]

    headings = ["data", "design", "labels", "features", *COLUMNS]
    sizes = {name: str(result[name]) for name in ("data_sets", "permutations", "images", "width")}
    # ΔR stands for Rc and Rc/R too: in a column they are one test.
    intervals = [
        binomial_interval(row["rejected"][names[0]], data_sets)
        for row in result["rows"]
        if row["valid"]
        for names in COLUMNS.values()
    ]
    sizes |= {
        "intervals": str(len(intervals)),
        "above": str(sum(low > LEVEL for low, _ in intervals)),
        "below": str(sum(high < LEVEL for _, high in intervals)),
    }
    return {**sizes, "valid": table(headings, rows(True)), "dependent": table(headings, rows(False))}


def _cell(rejected: dict[str, int], names: tuple[str, ...], data_sets: int) -> str:
    """The share of one statistic, or of each where they differ."""
    shares = [percent(rejected[name], data_sets) for name in names]
    return shares[0] if len(set(shares)) == 1 else "; ".join(shares)
