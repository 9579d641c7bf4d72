"""Sessions of which little can be computed, through every command that reads: reasons, no tracebacks."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui.analysis.metrics import METRICS, Cost
from subspacelens_tui.cli import main
from subspacelens_tui.geometry import VIEWS
from subspacelens_tui.sessions.format import MANIFEST
from tests.analysis import token_sessions
from tests.conftest import PlantedSession

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A session, and what must be said of it.

    Attributes:
        name: of the session.
        says: what `analyze --json` says of a metric, or in its notes.
        options: of `PlantedSession`.
        batches: how many are recorded; all.
        spoil: changes the tensors of every feature file.
        relabel: the labels of the n-th prompt.
    """

    name: str
    says: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    batches: int | None = None
    spoil: Callable[[Tensors], None] | None = None
    relabel: Callable[[int], dict[str, str]] | None = None


def blocks(change: Callable[[np.ndarray], Any]) -> Callable[[Tensors], None]:
    def spoil(tensors: Tensors) -> None:
        for name, tensor in tensors.items():
            if name.startswith("blocks"):
                tensor[:] = change(tensor)

    return spoil


def not_finite(tensors: Tensors) -> None:
    tensors["blocks.01"][0, 0, 1, 3] = np.nan
    tensors["blocks.00"][2, 0, 1, 0] = np.inf


LEFT_OUT = (
    "images are left out: their features are not finite "
    "(step 19, cond, first in layer 0, transformer_blocks.0)"
)
CASES = (
    Case("no-image", batches=0),
    Case("one-image", ("one image has no geometry yet",), {"batch": 1}, 1),
    Case("two-images", ("there is one class only (animals)",), {"batch": 2}, 1),
    Case("one-class", ("there is one class only (all)",), relabel=lambda n: {"coarse": "all", "fine": "all"}),
    Case("empty-classes", ("class 'food' has a single image and cannot spare it",), {"batch": 4}, 1),
    Case(
        "one-image-class",
        ("a single image and cannot spare it",),
        {"seeds": 1},
        relabel=lambda n: {"coarse": "few" if n == 0 else "many", "fine": str(n)},
    ),
    Case(
        "narrower-than-the-rank",
        ("numerical rank 3, below the subspace dimension",),
        {"width": 3, "seeds": 4},
    ),
    Case("width-one", ("needs features of width 2 or more",), {"width": 1}),
    Case("equal", ("numerical rank 1, below the subspace dimension",), spoil=blocks(lambda X: 1.5)),
    Case(
        "zero", ("an image has all-zero features", "R is 0: all features are zero"), spoil=blocks(lambda X: 0)
    ),
    Case(
        "some-not-finite",
        (f"6 of 27 {LEFT_OUT}",),
        spoil=not_finite,
    ),
    Case("none-finite", spoil=blocks(lambda X: np.nan)),
    Case("near-overflow", spoil=blocks(lambda X: X * 1e37)),
    Case("near-underflow", spoil=blocks(lambda X: X * 1e-40)),
)
COMMANDS = {
    "text": ["analyze", "{}", "--permutations", "4", "--rank", "2"],
    "iso": ["analyze", "{}", "--iso-rate", "3"],
    "both errors": ["analyze", "{}", "--thorough", "--errors", "seed+subject", "--json"],
    "tables": ["analyze", "{}", "--tables", "--permutations", "4"],
    "tables as JSON": ["analyze", "{}", "--tables", "--permutations", "4", "--json"],
    "sweep": ["analyze", "{}", "--sweep", "excess", "--permutations", "4", "--json"],
    "compare": ["compare", "{}", "{}@step=5", "--permutations", "4"],
    "compare as JSON": ["compare", "{}", "{}@step=5", "--json"],
    "export": ["export", "{}", "--to", "out", "--permutations", "4", "--format", "csv,json,parquet"],
    "tokens": ["analyze", "{}", "--tokens"],
}
# What these cannot do for a session is said on stderr, with status 1 or 2.
EMPTY = {
    "no-image": "no image was recorded yet (recording)",
    "none-finite": "all 27 images have features that are not finite (step ",
}
REFUSED = {command: set(EMPTY) for command in COMMANDS} | {"tokens": {case.name for case in CASES}}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad") / "sessions"
    for case in CASES:
        writer = PlantedSession(folder / case.name, **{"layers": 2, "seeds": 3, "width": 12} | case.options)
        if case.relabel is not None:
            path = writer.path / MANIFEST
            manifest = json.loads(path.read_text())
            for number, prompt in enumerate(manifest["prompts"]):
                prompt["labels"] = case.relabel(number)
            path.write_text(json.dumps(manifest))
        writer.start().record(case.batches)
        for file in (writer.path / "features").glob("*.safetensors") if case.spoil else ():
            tensors = load_file(file)
            case.spoil(tensors)
            save_file(tensors, file)
    return folder


def numbers(content: Any) -> Iterator[float]:
    """All floats in what JSON gave: NaN and infinity pass Python's parser, and must not be there."""
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from numbers(item)
    elif isinstance(content, float):
        yield content


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_command(
    case: Case,
    command: str,
    sessions: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [word.replace("{}", case.name) for word in COMMANDS[command]]
    status = main([*arguments, "--sessions", str(sessions)])
    said = capsys.readouterr()
    assert (status > 0) == (case.name in REFUSED[command])
    some_left_out = case.name == "some-not-finite" and command != "tokens"
    assert len(said.err.splitlines()) == (status > 0 or some_left_out)
    if case.name in EMPTY and command != "tokens":
        assert (status, said.out) == (1, "")
        assert EMPTY[case.name] in said.err
        assert not (tmp_path / "out").exists()
    if "--json" in arguments and status == 0:
        assert np.isfinite(list(numbers(json.loads(said.out)))).all()
    assert "nan" not in said.out.lower().replace("nanm", "")
    if some_left_out:
        assert "6 of 27 images are left out" in said.err
        assert command == "export" or LEFT_OUT in said.out


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_missing_has_its_reason(
    case: Case, view: str, sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--permutations", "4", "--thorough", "--features", view, "--json"]
    status = main(["analyze", case.name, *words, "--sessions", str(sessions)])
    said = capsys.readouterr()
    if case.name in EMPTY:
        assert (status, said.out) == (1, "")
        return
    if status:
        # Of all-zero features there is no such view at all.
        assert (case.name, view) in {("zero", "unit"), ("zero", "trace")}
        assert "view cannot be had" in said.err
        return
    found = json.loads(said.out)
    assert np.isfinite(list(numbers(found))).all()
    for layer in found["layers"]:
        missing = layer.get("missing", {})
        for metric in (metric.key for metric in METRICS.scalars):
            assert layer.get(metric) is not None or metric in missing, metric
            assert layer.get(metric) is None or metric not in missing, metric
        assert ("delta_R" in layer.get("nulls", {})) != ("nulls" in missing or "delta_R" in missing)
        assert {"R", "Rc", "delta_R", "ratio"} <= set(layer.get("errors", {})) or {
            "errors",
            "ratio",
        } & set(missing)
    if view == "raw":
        text = json.dumps(found, ensure_ascii=False)
        for words_ in case.says:
            assert words_ in text


def test_tokens_of_one_class_and_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sessions"
    tokens = np.random.default_rng(0).normal(size=(token_sessions.IMAGES, 6, 8))
    token_sessions.plant(folder / "zero", [tokens, 0 * tokens], 3)
    broken = tokens.copy()
    broken[2, :, 1] = np.nan
    token_sessions.plant(folder / "not-finite", [tokens, broken], 3)
    for name in ("zero", "not-finite"):
        words = ["analyze", name, "--tokens", "--json", "--permutations", "4", "--sessions", str(folder)]
        assert main(words) == 0
        found = json.loads(capsys.readouterr().out)
        assert np.isfinite(list(numbers(found))).all()
        for layer in found["layers"]:
            for metric in [metric.key for metric in METRICS.scalars if metric.cost is not Cost.DEFERRED]:
                assert layer[metric] is not None or metric in layer["missing"]
    assert "1 of 18 images is left out" in found["notes"][0]
    assert (found["images"], found["left_out"]) == (17, 1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "has no scheme"),
        ('size = "large"', "must be a table of lines"),
        ("[size]\n", "has one class only"),
        ('[size]\n"a lion" = "large"\n', "has one class only"),
        ("[size]\n{all}" + '"a tiger" = "large"\n', "names 'a tiger', which is no prompt of the session"),
        ("[coarse]\n{all}", "has a scheme 'coarse' already"),
        ("[size]\n{one}", "has one class only"),
        ('[size]\n"a lion" = 3\n', "must be a table of lines"),
        ("[size\n", "is not TOML"),
    ],
)
def test_label_files_that_do_not_fit_get_one_line(
    labels: str, message: str, sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [prompt["text"] for prompt in json.loads((sessions / "equal" / MANIFEST).read_text())["prompts"]]
    file = tmp_path / "labels.toml"
    every = "".join(
        f'"{text}" = "{"small" if number % 2 else "large"}"\n' for number, text in enumerate(texts)
    )
    file.write_text(labels.replace("{all}", every).replace("{one}", every.replace("small", "large")))
    for command in (["analyze"], ["compare", "equal"], ["export", "--to", str(tmp_path / "out")]):
        words = [*command, "equal", "--labels-file", str(file), "--sessions", str(sessions)]
        assert main(words) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line


def test_a_scheme_there_is_not_and_a_class_of_one_prompt(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = ["some-not-finite", "--sessions", str(sessions)]
    assert main(["analyze", *name, "--labels", "size"]) == 2
    assert "there is no label scheme 'size': some-not-finite has coarse, fine" in capsys.readouterr().err
    file = tmp_path / "labels.toml"
    texts = [p["text"] for p in json.loads((sessions / "equal" / MANIFEST).read_text())["prompts"]]
    file.write_text(
        "[size]\n" + "".join(f'"{t}" = "{"one" if t == "a penguin" else "rest"}"\n' for t in texts)
    )
    words = [
        "analyze",
        *name,
        "--labels",
        "size",
        "--labels-file",
        str(file),
        "--json",
        "--permutations",
        "4",
    ]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(c["name"], c["images"]) for c in found["classes"]] == [("rest", 18), ("one", 3)]
    assert all(layer["delta_R"] is not None for layer in found["layers"])
