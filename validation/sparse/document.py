"""docs/sparse.md, made of the words in template.md and the numbers in results.json."""

from pathlib import Path
from typing import Any

from validation import results_file
from validation.markdown import table

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
TEMPLATE = HERE / "template.md"
DOCUMENT = HERE.parents[1] / "docs" / "sparse.md"
_DEMO = ("class", "position_known", "subspaces_25", "subspaces_64", "scales_8", "sparse")
_SESSIONS = {
    "trained": "demo-tokens",
    "random": "demo-random",
    "mmdit": "mmdit-tokens",
    "mmdit-random": "mmdit-random",
}
_NAMES = {
    "gauss": "gauss",
    "class": "class",
    "position_known": "place",
    "subspaces_25": "25 sub",
    "subspaces_64": "64 sub",
    "scales_8": "8 scales",
    "sparse": "SAE",
}


def read_results() -> dict[str, Any]:
    """The committed results: part → what its `run` returned."""
    return results_file.read(RESULTS)


def write_results(results: dict[str, Any]) -> None:
    """Replace the results."""
    results_file.write(RESULTS, results, digits=5)


def document(results: dict[str, Any]) -> str:
    """The text of docs/sparse.md."""
    planted, sessions = results["planted"], results["demo"]["sessions"]
    words = {
        "planted": _planted(planted["rows"]),
        "planted-steps": str(planted["steps"]),
        "hoyer-gaussian": f"{planted['hoyer_gaussian']:.3f}",
        "hoyer-sparse": f"{planted['rows'][2]['hoyer']:.3f}",
        "demo-steps": str(results["demo"]["steps"]),
        **{name: _demo(sessions[session]) for name, session in _SESSIONS.items()},
        **{
            f"{name}-without-position": _demo(results["demo"]["without_position"][session])
            for name, session in _SESSIONS.items()
        },
        "autoencoders": _autoencoders(sessions["demo-tokens"][0]["layers"]),
        "mmdit-autoencoders": _autoencoders(sessions["mmdit-tokens"][0]["layers"]),
        "checks": _checks(sessions["demo-tokens"][0]["checks"]),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in words.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def write_document() -> None:
    """Write docs/sparse.md from the results."""
    DOCUMENT.write_text(document(read_results()), encoding="utf-8")


def _planted(rows: list[dict[str, Any]]) -> str:
    lenses = ("gauss", "class", "subspaces_25", "scales_8", "sparse")
    head = ["planted", *(_NAMES[key] for key in lenses), "atoms", "EV fit/held out", "Hoyer", "verdict"]
    return table(
        head,
        [
            [
                row["case"],
                *(f"{row['bits'][key]:.1f}" if key in row["bits"] else "–" for key in lenses),
                str(row["atoms"]),
                f"{row['ev'][0]:.2f}/{row['ev'][1]:.2f}",
                f"{row['hoyer']:.3f}",
                row["verdict"],
            ]
            for row in rows
        ],
    )


def _demo(splits: list[dict[str, Any]]) -> str:
    head = ["layer", "seed", "gauss", *(_NAMES[key] for key in _DEMO), "verdict"]
    rows = []
    for place in range(len(splits[0]["layers"])):
        for seed, split in enumerate(splits):
            layer = split["layers"][place]
            saved = [_saved(layer["lenses"].get(key)) for key in _DEMO]
            verdict = layer["verdict"]
            words = f"undecided: {verdict['reason']}" if verdict["word"] == "undecided" else verdict["word"]
            rows.append(
                [str(layer["layer"]), str(seed), f"{layer['lenses']['gauss']['rate']:.1f}", *saved, words]
            )
    return table(head, rows)


def _saved(lens: dict[str, float] | None) -> str:
    return "–" if lens is None else f"{lens['saved']:.1f} ± {lens['saved_error']:.1f}".replace("-", "−")


def _autoencoders(layers: list[dict[str, Any]]) -> str:
    head = [
        "layer",
        "atoms",
        "EV fit",
        "EV held out",
        "dead",
        "stable",
        "top atoms with more position than class",
    ]
    return table(
        head,
        [
            [
                str(layer["layer"]),
                str(of["atoms"]),
                f"{of['training_ev']:.3f}",
                f"{of['held_out_ev']:.3f}",
                str(of["dead"]),
                f"{100 * of['stable']:.0f} %",
                f"{layer['of_position']} of {layer['atoms']}",
            ]
            for layer in layers
            if (of := layer["autoencoder"])
        ],
    )


def _checks(checks: list[dict[str, Any]]) -> str:
    lenses = ("gauss", "subspaces_25", "sparse")
    head = ["planted", *(_NAMES[key] for key in lenses), "expected", "verdict"]
    return table(
        head,
        [
            [
                check["planted"],
                *(f"{check['lenses'][key]['rate']:.1f}" for key in lenses),
                check["right"],
                check["verdict"]["word"]
                + (f": {check['verdict']['reason']}" if check["verdict"]["word"] == "undecided" else ""),
            ]
            for check in checks
        ],
    )
