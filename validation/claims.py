"""How often each claim's verdict is right on sessions where it is planted, and on sessions with
nothing in them."""

from typing import Any

from subspacelens_tui.analysis import Settings
from subspacelens_tui.analysis.claims import CLAIMS, Evidence, Verdict
from subspacelens_tui.analysis.claims.judge import finding
from subspacelens_tui.analysis.progress import Watch
from validation.claim_sessions import CASES, LAYERS, LAYOUT, NO, NULL, NULLS, OPEN, WIDTH, YES, Case, planted
from validation.markdown import percent, table

PERMUTATIONS = 99


def verdicts(case: Case, data_set: int) -> dict[str, Verdict]:
    """What is said of the claims of a case."""
    with planted(case, data_set) as analyzer:
        evidence = Evidence(analyzer, Settings(permutations=PERMUTATIONS, seed=data_set), Watch())
        return {key: finding(CLAIMS[key], evidence).verdict for key in case.right}


def run() -> dict[str, Any]:
    """Every case; for each claim how often each verdict was given, and how often it was right."""
    said: dict[tuple[str, str], list[Verdict]] = {}
    for case in CASES:
        for data_set in range(case.data_sets):
            for key, verdict in verdicts(case, data_set).items():
                said.setdefault((key, case.name), []).append(verdict)
    return {
        "images": LAYOUT.images,
        "width": WIDTH,
        "layers": LAYERS,
        "permutations": PERMUTATIONS,
        "rows": [_row(key, case, said[key, case.name]) for case in CASES for key in case.right],
    }


def _row(key: str, case: Case, said: list[Verdict]) -> dict[str, Any]:
    return {
        "claim": key,
        "case": case.name,
        "right": [verdict.value for verdict in case.right[key]],
        "data_sets": len(said),
        "said": {verdict.value: said.count(verdict) for verdict in Verdict},
        "as_it_should": sum(verdict in case.right[key] for verdict in said),
    }


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    planted_rows = [row for row in result["rows"] if row["case"] not in NULLS]
    nulls = [row for row in result["rows"] if row["case"] in NULLS]
    order = list(CLAIMS)
    planted_rows.sort(key=lambda row: order.index(row["claim"]))
    nulls.sort(key=lambda row: order.index(row["claim"]))
    return {
        **{name: str(result[name]) for name in ("images", "width", "layers", "permutations")},
        "planted": table(
            ["claim", "planted", "expected verdict", "data sets", "given, %"],
            [
                [
                    row["claim"],
                    row["case"],
                    " or ".join(row["right"]) if len(row["right"]) < 3 else "anything but supported",
                    str(row["data_sets"]),
                    percent(row["as_it_should"], row["data_sets"]),
                ]
                for row in planted_rows
            ],
        ),
        "nulls": table(
            ["claim", "data", "data sets", *(f"{verdict.value}, %" for verdict in Verdict)],
            [
                [
                    row["claim"],
                    row["case"],
                    str(row["data_sets"]),
                    percent(row["said"][YES.value], row["data_sets"]),
                    *(
                        f"{100 * row['said'][verdict.value] / row['data_sets']:.0f}"
                        for verdict in (NULL, NO, OPEN)
                    ),
                ]
                for row in nulls
            ],
        ),
    }
