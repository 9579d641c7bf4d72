"""Steering the bundled models: 6 pairs of classes, 10 new seeds each; `python -m validation.steering FOLDER`.

Records what is not there yet (three sessions to fit to, then 39 for each pair: an hour and a half on two cores;
of the first pair also atoms and each layer in turn, with fewer seeds), judges it, and writes
`steering_results.json` and the tables and pictures of docs/steering.md. What the folder does not have stays as
it is known.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from subspacelens_tui.analysis import SettingsError
from subspacelens_tui.analysis.output.steering import layer_table
from subspacelens_tui.analysis.steered_images import SteeredImages
from subspacelens_tui.analysis.steering_results import steering_result
from subspacelens_tui.cli import main as cli
from subspacelens_tui.cli.commands.steer import record_sessions
from subspacelens_tui.planning import Request, plan
from subspacelens_tui.planning.steering import PlannedSession, SteeringRequest, plan_steering
from subspacelens_tui.planning.steering_fit import fit
from subspacelens_tui.planning.steering_statistics import Classes, Statistics
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.writer import image_path

PAIRS = (
    ("lion", "panda"),
    ("car", "tractor"),
    ("church", "pagoda"),
    ("frog", "hamburger"),
    ("doughnut", "sunrise"),
    ("house", "rocket"),
)
SEEDS = 10
# All tokens of 32 seeds of these 12 classes; and what `record --tokens` keeps: 16 of 20 seeds of 25.
ALL, DEFAULT = "all-tokens", "default-tokens"
# The same 12 classes by the other model, and the layer at which it is steered.
MMDIT, MMDIT_LAYER = "mmdit-all-tokens", 4
DOCUMENT = Path(__file__).parents[1] / "docs" / "steering.md"
_HEADER = "| setting | B | A | C | clean | B by classifier | of | latent NN | image NN | last NN | energy |"
_ROWS = {
    "target": "natural B",
    "s0": "natural A, strength 0",
    "s1": "**transport, layer {layer}, strength 1**",
    "s0.5": "strength 0.5",
    "s0.75": "strength 0.75",
    "s1.25": "strength 1.25",
    "s1.5": "strength 1.5",
    "rotation": "control: rotation",
    "noise": "control: noise",
    "pattern": "control: pattern",
    "class": "control: another class C",
    "mixture": "control: mixture of 11 classes with B",
    "patch": "patch, layer {layer}",
}
_WORDS = {
    **{f"L8 {row}": words.format(layer=8) for row, words in _ROWS.items()},
    "patch-L6 s1": "patch, layer 6",
    "patch-L1 s1": "patch, layer 1",
    "patch-L0 s1": "patch, layer 0",
    "L6 s1": "transport, layer 6",
    "L4 s1": "transport, layer 4",
    "L2 s1": "transport, layer 2",
    "default s1": "transport, layer 6, from `record --tokens`",
    "steps-0-9 s1": "transport, layer 6, steps 0-9",
    "steps-5-19 s1": "transport, layer 6, steps 5-19",
    "itself s1": "transport, layer 8, A to A",
    "mean s1": "mean, layer 6",
    "project s1": "project, layer 6",
    "interchange s1": "interchange, layer 6",
    "atom8 s0.5": "atom, layer 8, strength 0.5",
    "atom8 s1": "atom, layer 8, strength 1",
    "atom8 s2": "atom, layer 8, strength 2",
    "atom8 s4": "atom, layer 8, strength 4",
    "atom8 rotation": "control of atom: rotation",
    "atom8 noise": "control of atom: noise",
    "atom8 transport": "transport beside atom, same seeds",
}
_WORDS_OF_MMDIT = {
    **{f"mmdit {row}": words.format(layer=MMDIT_LAYER) for row, words in _ROWS.items()},
    "mmdit-mean s1": f"mean, layer {MMDIT_LAYER}",
}
_TABLES = {"table": _WORDS, "table of demo-mmdit": _WORDS_OF_MMDIT}
_LAYERS = {"layers": ALL, "mmdit-layers": MMDIT}
RESULTS = Path(__file__).with_name("steering_results.json")
STRENGTHS = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5)
# Of the first pair only, and few seeds: the session each is fitted to, and what is asked.
FEW: dict[str, tuple[str, dict[str, Any]]] = {
    "atom8": (ALL, {"layers": [8], "method": "atom", "strengths": (0.5, 1.0, 2.0, 4.0), "seeds": 6}),
    **{name: (fitted_to, {"layers": "all", "seeds": 4}) for name, fitted_to in _LAYERS.items()},
}


def record_natural(folder: Path) -> None:
    """The three sessions that everything is fitted to."""
    words = [name for pair in PAIRS for name in pair]
    prompts = folder / "twelve.toml"
    folder.mkdir(parents=True, exist_ok=True)
    entries = (f'[[prompts]]\ntext = "a {name}"\nlabels = {{ fine = "{name}" }}\n' for name in words)
    prompts.write_text('name = "twelve"\nschemes = ["fine"]\n' + "".join(entries), encoding="utf-8")
    all_tokens = Request(prompts=str(prompts), seeds=32, tokens=64, batch_size=24)
    of_mmdit = replace(all_tokens, model="demo-mmdit")
    for name, request in {ALL: all_tokens, DEFAULT: Request(tokens=16), MMDIT: of_mmdit}.items():
        if not (folder / name).exists():
            record_sessions(folder, [PlannedSession(name, plan(request), None)])


def settings() -> Iterator[tuple[str, str, Sequence[str], dict[str, Any]]]:
    """Each setting: its name, the session it is fitted to, which sessions of a run, and what is asked."""
    yield "L8", ALL, (), {"layers": [8], "strengths": STRENGTHS}
    yield "default", DEFAULT, ("s1",), {"layers": [6]}
    yield "mean", ALL, ("s1",), {"layers": [6], "method": "mean"}
    for layer in (0, 1, 6):
        yield f"patch-L{layer}", ALL, ("s1",), {"layers": [layer], "method": "patch"}
    for layer in (6, 4, 2):
        yield f"L{layer}", ALL, ("s1",), {"layers": [layer]}
    for method in ("project", "interchange"):
        yield method, ALL, ("s1",), {"layers": [6], "method": method}
    for steps in ((0, 9), (5, 19)):
        yield f"steps-{steps[0]}-{steps[1]}", ALL, ("s1",), {"layers": [6], "steps": steps}
    yield "mmdit", MMDIT, (), {"layers": [MMDIT_LAYER], "strengths": (0.0, 0.5, 1.0, 1.5)}
    yield "mmdit-mean", MMDIT, ("s1",), {"layers": [MMDIT_LAYER], "method": "mean"}


def record_setting(
    folder: Path, name: str, fitted_to: str, keys: Sequence[str], asked: Mapping[str, Any]
) -> None:
    """The sessions of a setting, for each pair, under names that start with both classes."""
    for source, target in PAIRS:
        run = f"{source}-{target}-{name}"
        request = SteeringRequest(source, target, labels="fine", seeds=SEEDS, name=run, **asked)
        found = plan_steering(open_session(folder / fitted_to), request).sessions
        record_sessions(folder, [one for one in found if not keys or one.name.rpartition("~")[2] in keys])


def _to_itself(folder: Path, source: str, target: str) -> PlannedSession:
    """A to A, which should change nothing."""
    every = open_session(folder / ALL)
    request = SteeringRequest(
        source, target, layers=[8], strengths=[1.0], seeds=SEEDS, name=f"{source}-{target}-itself"
    )
    [like] = [one for one in plan_steering(every, request).sessions if one.name.endswith("~s1")]
    assert like.manifest.steering is not None
    steering = like.manifest.steering.model_copy(update={"target": source})
    itself = Classes("fine", source, source, ())
    fits = fit(Statistics(every, "fine"), itself, [8], "transport", steering.steps)
    manifest = like.manifest.model_copy(update={"steering": steering})
    return replace(like, manifest=manifest, intervention=fits.method)


def record_few(folder: Path) -> None:
    """Atoms of an autoencoder that is trained on the session, and each layer in turn."""
    cli(["sparse", ALL, "--sae", "train", "--layers", "8", "--sessions", str(folder)])
    source, target = PAIRS[0]
    for name, (fitted_to, asked) in FEW.items():
        request = SteeringRequest(source, target, labels="fine", name=f"{source}-{target}-{name}", **asked)
        record_sessions(folder, plan_steering(open_session(folder / fitted_to), request).sessions)


def main(folder: Path) -> None:
    """Record, judge and write."""
    record_natural(folder)
    for setting in settings():
        record_setting(folder, *setting)
        if setting[0] == "L8":
            for pair in PAIRS:
                record_sessions(folder, [_to_itself(folder, *pair)])
    record_few(folder)
    write(folder)


def write(folder: Path) -> None:
    """Judge what is there, and write numbers, tables and pictures."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    found = known | results(folder)
    found |= {name: of for name in _LAYERS if (of := over_layers(folder, name)) is not None}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    DOCUMENT.write_text(document(), encoding="utf-8")
    for name, rows in pictures(folder).items():
        sheet(rows).save(DOCUMENT.with_suffix("") / name, quality=85)


def document() -> str:
    """docs/steering.md with the tables of the results."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    tables = {name: "\n".join(_rows(found, words)) for name, words in _TABLES.items()}
    tables |= {name: "\n".join(_layer_rows(found[name])) for name in _LAYERS if name in found}
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, table in tables.items():
        between = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        text = re.sub(
            between, lambda said, table=table: f"{said[1]}{table}\n{said[2]}", text, flags=re.DOTALL
        )
    return text


def _rows(found: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[str]:
    yield _HEADER
    yield "|---" * (_HEADER.count("|") - 1) + "|"
    for setting, says in words.items():
        if setting in found:
            yield f"| {says} | {' | '.join(_cells(found[setting]))} |"


def _layer_rows(of: Mapping[str, Any]) -> Iterator[str]:
    yield f"| layer | {' | '.join(of['headers'])} |"
    yield "|---" * (1 + len(of["headers"])) + "|"
    for name, cells in of["rows"]:
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield f"{of['verdict']}; {of['geometry']}."


def over_layers(folder: Path, name: str) -> dict[str, Any] | None:
    """What came of a run at each layer in turn, as its table has it; None if it is not there."""
    try:
        found = steering_result(folder, "-".join([*PAIRS[0], name]))
    except SettingsError:
        return None
    if found.layers is None:
        return None
    headers, rows = layer_table(found.layers)
    return {
        "headers": headers[1:],
        "rows": [[row[0], row[1:]] for row in rows],
        "verdict": found.verdict,
        "geometry": found.layers.verdict,
    }


def _cells(of: Mapping[str, Any]) -> Iterator[str]:
    for count in ("target", "source", "other", "clean", "by_classifier"):
        yield "" if of.get(count) is None else f"{of[count]}"
    yield f"{of['images']}"
    for number in ("latent_ratio", "image_ratio", "last_ratio", "energy"):
        yield "" if of[number] is None else f"{of[number]:.2f}"


def results(folder: Path) -> dict[str, Any]:
    """Of each setting the images of all pairs together."""
    of_settings: dict[str, list[SteeredImages]] = {}
    for source, target in PAIRS:
        prefix = f"{source}-{target}-"
        runs = dict.fromkeys(p.name.rpartition("~")[0] for p in sorted(folder.glob(f"{prefix}*~*")))
        for run in runs:
            if run.removeprefix(prefix) in _LAYERS:  # a table of its own
                continue
            try:
                rows = steering_result(folder, run).rows
            except SettingsError:  # recorded no further than its folder
                continue
            for row in rows:
                of_settings.setdefault(f"{run.removeprefix(prefix)} {row.key}", []).append(row)
    return {setting: _together(rows) for setting, rows in of_settings.items()}


def _together(rows: Sequence[SteeredImages]) -> dict[str, Any]:
    images = sum(row.images for row in rows)

    def count(share: str) -> int | None:
        shares = [getattr(row, share) for row in rows]
        return (
            None
            if None in shares
            else round(sum(s.value * row.images for s, row in zip(shares, rows, strict=True)))
        )

    def mean(name: str) -> float | None:
        values = [getattr(row, name) for row in rows]
        return None if None in values else round(float(np.mean(values)), 3)

    shares = ("target", "source", "clean", "other", "by_latents", "by_classifier")
    numbers = ("disagreement", "latent_ratio", "image_ratio", "last_ratio", "energy", "angle", "norm")
    return {"images": images, **{s: count(s) for s in shares}, **{n: mean(n) for n in numbers}}


def pictures(folder: Path) -> Mapping[str, list[list[Image.Image]]]:
    """Rows of pictures of each sheet whose sessions are all there."""
    keys = ("s0", "target", *(f"s{s:g}" for s in STRENGTHS[1:]))
    controls = ("rotation", "noise", "pattern", "class", "mixture", "patch")
    of_pairs, of_mmdit = (
        [(f"{a}-{b}-{name}~{key}", SEEDS) for a, b in PAIRS for key in ("s0", "s1", "target")]
        for name in ("L8", "mmdit")
    )
    of_first = ("target", "s0", "s0.5", "s1", "s1.5", *controls)
    atoms = ("s0", "s0.5", "s1", "s2", "s4", "rotation", "transport", "target")
    sheets = {
        "lion-panda.webp": [
            *((f"lion-panda-L8~{key}", SEEDS) for key in (*keys, *controls)),
            ("lion-panda-mean~s1", SEEDS),
            ("lion-panda-itself~s1", SEEDS),
        ],
        "pairs.webp": of_pairs,
        "pairs-mmdit.webp": of_mmdit,
        "lion-panda-mmdit.webp": [(f"lion-panda-mmdit~{key}", SEEDS) for key in of_first],
        "atoms.webp": [(f"lion-panda-atom8~{key}", FEW["atom8"][1]["seeds"]) for key in atoms],
    }
    return {
        name: [
            [Image.open(image_path(folder / session, image)) for image in range(seeds)]
            for session, seeds in rows
        ]
        for name, rows in sheets.items()
        if all((folder / session).exists() for session, _ in rows)
    }


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Pictures in rows."""
    width, height = rows[0][0].size
    made = Image.new("RGB", ((width + 2) * max(map(len, rows)), (height + 2) * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            made.paste(picture, (x * (width + 2), y * (height + 2)))
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]))
