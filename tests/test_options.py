"""Every option: what it is when typed, what it is when not, and its line in docs/cli.md."""

import argparse
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from subspacelens_tui.analysis import Settings
from subspacelens_tui.cli.analysis import settings_of
from subspacelens_tui.cli.command import given
from subspacelens_tui.cli.commands import rename
from subspacelens_tui.cli.commands.record import asked
from subspacelens_tui.cli.parser import parser
from subspacelens_tui.options.option import layer_numbers
from subspacelens_tui.options.recording import FIELDS, PRESET
from subspacelens_tui.planning import PRESETS, Request, plan
from tools.cli_page import PAGE, page

# What is typed after a flag, the attribute it goes to, and what it is there.
TYPED: dict[str, tuple[str | None, str, Any]] = {
    "--sessions": ("here", "sessions", "here"),
    "--theme": ("nord", "theme", "nord"),
    "--markers": ("ascii", "markers", "ascii"),
    "--pictures": ("off", "pictures", "off"),
    "--curves": ("tol-bright", "curves", "tol-bright"),
    "--ramp": ("greys", "ramp", "greys"),
    "--refresh": ("0.5", "refresh", "0.5"),
    "--digits": (None, "digits", True),
    "--no-digits": (None, "digits", False),
    "--layers": ("0,4-6", "layers", (0, 4, 5, 6)),
    "--distortion": ("0.2", "distortion", 0.2),
    "--bits": (None, "bits", True),
    "--sae": ("train", "sae", "train"),
    "--atoms": ("64", "atoms", 64),
    "--k": ("4", "k", 4),
    "--train-steps": ("100", "train_steps", 100),
    "--batch-topk": (None, "batch_topk", True),
    "--check": (None, "check", True),
    "--without-position": (None, "without_position", True),
    "--json": (None, "json", True),
    "--to": ("out", "to", "out"),
    "--format": ("csv,svg", "format", "csv,svg"),
    "--layer": ("14", "layer", 14),
    "--labels": ("fine", "labels", "fine"),
    "--branch": ("uncond", "branch", "uncond"),
    "--step": ("5", "step", 5),
    "--eps": ("0.25", "eps", 0.25),
    "--features": ("unit", "features", "unit"),
    "--subspace-dim": ("3", "subspace_dim", 3),
    "--rank": ("3", "subspace_dim", 3),
    "--permutations": ("9", "permutations", 9),
    "--seed": ("7", "seed", 7),
    "--errors": ("none", "errors", None),
    "--labels-file": ("labels.toml", "labels_file", "labels.toml"),
    "--design": ("free", "design", "free"),
    "--iso-rate": ("120", "iso_rate", 120.0),
    "--metrics": ("cka, R", "metrics", ("cka", "R")),
    "--thorough": (None, "thorough", True),
    "--sweep": ("R", "sweep", "R"),
    "--tables": (None, "tables", True),
    "--pairs": (None, "pairs", True),
    "--over-eps": (None, "over_eps", True),
    "--pair": ("animals,vehicles", "classes", ("animals", "vehicles")),
    "--every-image": (None, "every_image", True),
    "--table": ("of.csv", "table", "of.csv"),
    "--yes": (None, "yes", True),
    "--metric": ("R,excess", "only_metrics", ("R", "excess")),
    "--force": (None, "force", True),
    "--filter": ("20 steps", "filter", "20 steps"),
    "--tag": ("a, b", "tag", ("a", "b")),
    "--untag": ("a,b", "untag", ("a", "b")),
    "--sort": ("size", "sort", "size"),
    "--text": ("two\nlines", "text", "two\nlines"),
    "--control": ("other", "control", "other"),
    "--preset": ("article", "preset", "article"),
    "--prompts": ("subjects-25", "prompts", "subjects-25"),
    "--seeds": ("3", "seeds", 3),
    "--steps": ("30", "steps", 30),
    "--capture": ("0,29", "capture", [0, 29]),
    "--batch-size": ("4", "batch_size", 4),
    "--name": ("run", "name", "run"),
    "--headless": (None, "headless", True),
    "--with-control": (None, "with_control", True),
    "--random-init": (None, "random_init", True),
    "--compile": (None, "compiled", True),
    "--allow-nonfinite": (None, "allow_nonfinite", True),
    "--seeds-per-subject": ("independent", "seeds_per_subject", "independent"),
    "--resume": ("run", "resume", "run"),
    "--model": ("demo-mmdit", "model", "demo-mmdit"),
    "--revision": ("main", "revision", "main"),
    "--variant": ("fp16", "variant", "fp16"),
    "--components-from": ("other", "components_from", "other"),
    "--size": ("1024x768", "size", (1024, 768)),
    "--negative": ("blurry", "negative", "blurry"),
    "--call": ("num_frames=17", "call", {"num_frames": 17}),
    "--scheduler": ("DDIMScheduler", "scheduler", "DDIMScheduler"),
    "--lora": ("style.safetensors:0.8", "loras", [("style.safetensors", 0.8)]),
    "--input": ("pose=/p.png", "inputs", {"pose": "/p.png"}),
    "--image": ("lion.png", "image", "lion.png"),
    "--quantize": ("int8", "quantize", "int8"),
    "--offload": ("group", "offload", "group"),
    "--device": ("cuda:1", "device", "cuda:1"),
    "--dtype": ("bfloat16", "dtype", "bfloat16"),
    "--from": ("lion", "source", "lion"),
    "--method": ("mean", "method", "mean"),
    "--strengths": ("0,.5,1", "strengths", [0.0, 0.5, 1.0]),
    "--atom": ("17,204", "atoms", [17, 204]),
    "--value": ("2.5,0", "values", [2.5, 0.0]),
    "--allow-pickle": (None, "allow_pickle", True),
}
OF_A_COMMAND: dict[tuple[str, str], tuple[str | None, str, Any]] = {
    ("record", "--guidance"): ("1,4.5", "guidance", [1.0, 4.5]),
    ("record", "--tokens"): ("9", "tokens", 9),
    ("record", "--moments"): ("8,2-3", "moments", (2, 3, 8)),
    ("analyze", "--guidance"): ("4.5", "guidance", 4.5),
    ("import", "--guidance"): ("4.5", "guidance", 4.5),
    ("export", "--labels"): ("fine,coarse", "only_labels", ("fine", "coarse")),
    ("export", "--branch"): ("cond", "only_branches", ("cond",)),
    ("export", "--step"): ("5,19", "only_steps", (5, 19)),
    ("export", "--guidance"): ("1,4.5", "only_guidance", (1.0, 4.5)),
    ("analyze", "--tokens"): (None, "tokens", True),
    ("steer", "--layer"): ("8,6", "layers", [6, 8]),
    ("steer", "--steps"): ("5-19", "steps", (5, 19)),
    ("steer", "--to"): ("panda", "target", "panda"),
}
# Commands of which another one's options are taken, and what must be typed anyway.
LIKE = {"demo": "record"} | dict.fromkeys(("compare", "replay", "report", "show", "sparse"), "analyze")
WITH = {
    "steer": ["run", "--from", "lion", "--to", "panda"],
    "compare": ["a", "b"],
    "rename": ["a", "b"],
    "export": ["run", "--to", "x"],
}
_OF_A_SESSION = ("analyze", "replay", "report", "show", "sparse", "stop", "import", "delete", "note")
WITH |= {command: ["run"] for command in _OF_A_SESSION}


def flags() -> list[tuple[str, str]]:
    """Every command with every option that its parser takes."""
    whole = parser()
    [commands] = (action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    return [
        (name, flag)
        for name, of in {"": whole, **commands.choices}.items()
        for action in of._actions
        for flag in action.option_strings
        if flag not in ("-h", "--help", "--version")
    ]


def parsed(command: str, *typed: str) -> argparse.Namespace:
    return parser().parse_args([*filter(None, [command]), *WITH.get(command, []), *typed])


def test_every_option_of_every_command_goes_where_it_belongs() -> None:
    seen = set()
    for command, flag in flags():
        text, name, value = OF_A_COMMAND.get((LIKE.get(command, command), flag)) or TYPED[flag]
        arguments = parsed(command, flag, *([] if text is None else [text]))
        assert getattr(arguments, name) == value, (command, flag)
        seen.add(flag)
    assert seen == TYPED.keys() | {flag for _, flag in OF_A_COMMAND}
    assert parsed("record", "--tokens").tokens == 16
    assert parsed("record", "--moments").moments == ()
    assert parsed("", "--sessions", "here", "list").sessions == "here"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        *(("17", 17), ("-2.5", -2.5), ("1e-3", 0.001), ("true", True), ("False", False), ("none", None)),
        *(("[0.9, 0.5]", [0.9, 0.5]), ('"17"', "17"), ("two words = 3", "two words = 3"), ("", "")),
    ],
)
def test_an_argument_of_the_call_is_what_it_looks_like(typed: str, value: Any) -> None:
    found = parsed("record", "--call", f"name={typed}", "--call", "other=1").call
    assert found == {"name": value, "other": 1}
    assert type(found["name"]) is type(value)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--call", "17"], "'17' is not NAME=VALUE"),
        (["--call", "a=1", "--call", "a=2"], "a is given twice"),
        (["--size", "64"], "'64' is not WIDTHxHEIGHT in pixels"),
    ],
)
def test_what_is_no_argument_is_said_in_one_line(
    typed: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed("record", *typed)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["-1,0,1", "-.5", "-1e-1,2"])
def test_negative_numbers_need_no_equals_sign(typed: str) -> None:
    words = ["steer", "x", "--from", "a", "--to", "b"]
    with_sign, without = (
        parser().parse_args([*words, *strengths, "--json"])
        for strengths in ([f"--strengths={typed}"], ["--strengths", typed])
    )
    assert without.strengths == with_sign.strengths == [float(part) for part in typed.split(",")]
    assert without.json is True


def test_layers_are_numbers_and_ranges_of_them() -> None:
    assert layer_numbers("4-6, 0,5") == (0, 4, 5, 6)
    for text in ("", "a", "1-", "-1", "3-2"):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a list of layers"):
            layer_numbers(text)


def test_what_is_not_typed_is_as_in_python() -> None:
    assert Request(**given(parsed("record"), Request)) == Request()
    assert Request(**given(parsed("demo"), Request)) == Request()
    assert settings_of(parsed("replay")) == Settings()
    assert settings_of(parsed("analyze")) == settings_of(parsed("compare")) == Settings(errors="auto")
    assert settings_of(parsed("export")) == Settings(errors="auto", permutations=200)
    assert settings_of(parsed("analyze", "--errors", "none")) == Settings()
    assert settings_of(parsed("report")) == Settings(permutations=200)


def test_a_preset_gives_way_to_what_is_typed() -> None:
    assert PRESET.choices == tuple(PRESETS)
    article = asked(parsed("record", "--preset", "article"))
    assert article == Request(seeds=20, steps=20, capture=(0, 5, 10, 15, 19))
    sweep = asked(parsed("demo", "--preset", "article-sweep", "--seeds", "2", "--guidance", "3"))
    assert sweep == Request(seeds=2, capture=(5, 10, 15, 19), guidance=[3.0])
    assert len(plan(asked(parsed("record", "--preset", "article-sweep"))).images) == 25 * 20 * 3
    assert len(plan(asked(parsed("record", "--preset", "article"))).images) == 500
    assert asked(parsed("record")) == Request()


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_field_of_the_form_takes_what_the_flag_takes(field: Any) -> None:
    text, name, value = OF_A_COMMAND.get(("record", field.flag)) or TYPED[field.flag]
    assert text is not None
    assert (field.name, field.parse(text)) == (name, value)
    assert field.name == "name" or hasattr(Request(), field.name)


def test_the_page_is_that_of_the_declarations() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "run python -m tools.cli_page"
    every: dict[str, set[str]] = defaultdict(set)
    for line in written.splitlines():
        if line.startswith("| `--"):
            typed, of = line.replace("\\|", "/").split("|")[1:3]
            for flag in re.findall(r"--[a-z-]+", typed):
                every[flag] |= {name.strip() for name in of.split(",")}
    for command, flag in flags():
        assert f"    subspacelens-tui {command} " in written
        assert every[flag] & {"all", command or "the app"}, (command, flag)


def test_extending_shows_a_command_as_it_is() -> None:
    shown = (PAGE.parent / "extending.md").read_text(encoding="utf-8")
    file = Path(rename.__file__).read_text(encoding="utf-8")
    assert "\n".join(f"    +{line}" for line in file.splitlines()) in shown
