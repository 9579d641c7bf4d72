"""The command line as a script sees it: exit status, stdout, one clear line on stderr."""

import csv
import fcntl
import io
import json
import os
import pwd
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subspacelens_tui.cli import main
from subspacelens_tui.cli.commands import record
from subspacelens_tui.options.analysis import QUICK_PERMUTATIONS
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import MANIFEST
from tests.conftest import CATEGORIES, PlantedSessionFactory


def run(*arguments: str) -> int:
    try:
        return main(arguments)
    except SystemExit as exit:
        return int(exit.code or 0)


@pytest.fixture
def sessions(planted: PlantedSessionFactory) -> Path:
    planted("damaged").path.joinpath(MANIFEST).write_text("{")
    return planted("whole").start().record().path.parent


def test_list(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--sessions", str(sessions)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert any(line.split()[:4] == ["whole", "finished", "planted", "36/36"] for line in lines)
    assert any(line.split()[:2] == ["damaged", "damaged"] for line in lines)
    assert run("list", "--json", "--sessions", str(sessions)) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["whole"]["state"] == "finished"
    assert found["whole"]["images"] == 36
    assert "is damaged" in found["damaged"]["detail"]


def test_list_filters_and_sorts_by_what_it_shows(
    sessions: Path, planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    planted("short", layers=1, guidance=(1.0,), capture_steps=(5,)).start().record(1)

    def found(*options: str) -> list[str]:
        capsys.readouterr()
        assert run("list", "--json", "--sessions", str(sessions), *options) == 0
        return [entry["name"] for entry in json.loads(capsys.readouterr().out)]

    assert run("note", "short", "--sessions", str(sessions), "--tag", "try,b", "--text", "Too Few") == 0
    assert capsys.readouterr().out == "short: try, b\nToo Few\n"
    assert run("note", "short", "--sessions", str(sessions), "--untag", "b", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"session": "short", "tags": ["try"], "notes": "Too Few"}
    assert (
        found("--filter", "few PLANTED")
        == found("--tag", "try")
        == found("--filter", "guidance 1")
        == ["short"]
    )
    assert found("--filter", "nowhere") == found("--tag", "try,b") == []
    assert found("--sort", "name") == ["damaged", "short", "whole"]
    assert found("--sort", "images") == found("--sort", "size") == ["whole", "short", "damaged"]
    assert found("--sort", "guidance") == found("--sort", "tags") == ["short", "whole", "damaged"]
    for mistake in (
        ["list", "--sort", "colour"],
        ["list", "--tag", "a,,b"],
        ["note", "short", "--untag", "c"],
    ):
        assert run(*mistake, "--sessions", str(sessions)) in (1, 2)
        assert capsys.readouterr().err.count("\n") == 1


def test_the_folder_may_stand_before_the_command_or_in_the_environment(
    sessions: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--sessions", str(sessions), "list") == 0
    monkeypatch.setenv("SUBSPACELENS_SESSIONS", str(sessions))
    assert run("list") == 0
    first, second = capsys.readouterr().out.split("name ")[1:]
    assert first == second


def test_a_home_folder_is_found_where_the_shell_leaves_it_to_the_program(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run("list", "--sessions=~/sessions") == 0
    monkeypatch.setenv("SUBSPACELENS_SESSIONS", "~/sessions")
    assert run("list") == 0
    capsys.readouterr()
    assert run("export", "whole", "--to=~/out", "--permutations=0") == 0
    assert {Path(line).parent for line in capsys.readouterr().out.splitlines()} == {tmp_path / "out"}
    assert not (tmp_path / "~").exists()
    for mistake in (["--sessions=~nobody.here/x"], ["--to=~nobody.here/x"], ["--to="]):
        assert run("export", "whole", "--to=~/out", *mistake) in (1, 2)
        assert capsys.readouterr().err.count("\n") == 1


def test_a_user_without_a_home_folder_has_no_settings(
    sessions: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert os.path.expanduser("~") == "~"  # noqa: PTH111, what the libraries see
    assert run("settings") == 0
    assert "none, because there is no home folder" in capsys.readouterr().out
    for command in (["list"], ["show", "whole"], ["analyze", "whole"]):
        assert run(*command, "--sessions", str(sessions)) == 0
    capsys.readouterr()
    assert run("list", "--sessions=~/sessions") == 1
    assert capsys.readouterr().err == (
        "subspacelens-tui: there is no home folder for ~/sessions: write the path in full\n"
    )


def test_analyze(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["analyze", "whole", "--labels", "fine", "--eps", "0.3", "--branch", "uncond", "--step", "5"]
    arguments += ["--features", "centred", "--rank", "2", "--permutations", "4", "--sessions", str(sessions)]
    assert run(*arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    asked = {"labels": "fine", "eps": 0.3, "branch": "uncond", "step": 5, "features": "centred", "rank": 2}
    resolved = {"guidance": 3.0, "permutations": 4, "design": "within-seed", "seed": 0}
    resolved["errors"] = "seed+subject"
    assert found["settings"].items() >= (asked | resolved).items()
    assert run(*arguments) == 0
    assert "36 images, labels fine, ε 0.3, uncond, step 5" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["--subspace-dim", "--rank"])
def test_the_subspace_dimension_has_two_names(
    sessions: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run("analyze", "whole", name, "3", "--sessions", str(sessions)) == 0
    assert "class subspaces of dimension 3" in capsys.readouterr().out


def test_import_rename_and_delete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", **{"block.0": rng.normal(size=(12, 4))})
    table = tmp_path / "labels.csv"
    table.write_text("prompt,kind\n" + "".join(f"a {k},{k}\n" for k in ("cat", "dog") for _ in range(6)))
    folder = ("--sessions", str(tmp_path / "sessions"))
    assert run("import", str(tmp_path / "mine.npz"), "--table", str(table), "--name", "mine", *folder) == 0
    assert capsys.readouterr().out == f"{tmp_path}/sessions/mine\n"
    assert run("analyze", "mine", "--json", *folder) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 12
    (tmp_path / "sessions" / "mine~control").symlink_to("mine")
    assert run("rename", "mine", "yours", *folder) == 0
    told = capsys.readouterr()
    assert told.out == f"{tmp_path}/sessions/yours\n"
    assert told.err == "subspacelens-tui: its control mine~control is yours~control now\n"
    (tmp_path / "sessions" / "yours~control").unlink()
    assert open_session(tmp_path / "sessions/yours").labels("kind") == ["cat"] * 6 + ["dog"] * 6
    assert run("rename", "mine", "yours", *folder) == 1
    assert "there is no session 'mine'" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert (
        run("delete", "yours", *folder) == 2
    )  # stdin is no terminal: a script that forgot --yes loses nothing
    assert "add --yes" in capsys.readouterr().err
    assert (tmp_path / "sessions/yours").is_dir()
    assert run("delete", "yours", "--yes", *folder) == 0
    assert not list((tmp_path / "sessions").iterdir())


@pytest.mark.parametrize(("typed", "status"), [("n\n", 1), ("\n", 1), ("", 1), ("y\n", 0)])
def test_delete_asks_who_sits_at_a_terminal(
    sessions: Path, monkeypatch: pytest.MonkeyPatch, typed: str, status: int
) -> None:
    answer = io.StringIO(typed)
    monkeypatch.setattr(answer, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answer)
    assert run("delete", "whole", "--sessions", str(sessions)) == status
    assert (sessions / "whole").exists() == bool(status)


def test_export(sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "whole", "--to", str(tmp_path / "out"), "--sessions", str(sessions)) == 0
    for line in capsys.readouterr().out.splitlines():
        assert Path(line).stat().st_size > 0


def test_report(planted: PlantedSessionFactory, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sessions = planted("run", layers=2, seeds=2, guidance=(1.0,)).start().record().path.parent
    planted("random", layers=2, seeds=2, guidance=(1.0,), signal=0.0).start().record()
    to, typed = tmp_path / "run.md", ("--sessions", str(sessions), "--permutations", "19")
    assert run("report", "run", "--control", "random", "--to", str(to), *typed) == 0
    out, err = capsys.readouterr()
    assert (out.strip(), err) == (str(to), "")
    text = to.read_text(encoding="utf-8")
    assert "Control: random" in text
    assert "| ΔR grows over the layers |" in text
    for status, wrong, line in (
        (1, ("--to", str(to)), "is there already: name another file with --to"),
        (1, ("--to", str(tmp_path / "run.pdf")), "a report is .html or .md, not 'run.pdf'"),
        (2, ("--to", str(tmp_path / "new.md"), "--permutations", "5"), "5 permutations give no p of 5 %"),
        (2, ("--to", str(tmp_path / "new.md"), "--step", "3"), "step 3 was not captured"),
    ):
        assert run("report", "run", *typed, *wrong) == status
        found = capsys.readouterr()
        assert found.out == ""
        assert line in found.err
        assert found.err.count("\n") == 1
    assert to.read_text(encoding="utf-8") == text
    assert not (tmp_path / "new.md").exists()


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0
    out = capsys.readouterr().out
    for word in ("torch", "memory", "device", "any of diffusers", "subjects-25", "demo (bundled"):
        assert word in out
    assert "images at a time need" in out


@pytest.mark.parametrize(
    "raised",
    ["OSError('libcudart.so.12: cannot open shared object file')", "ImportError('undefined symbol: iJIT')"],
)
def test_a_torch_that_cannot_be_loaded_is_one_line(sessions: Path, tmp_path: Path, raised: str) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(f"raise {raised}")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    record = ["record", "--model", "demo", "--headless", "--sessions", str(tmp_path / "sessions")]
    for command in (["doctor"], record):
        done = subprocess.run(
            [sys.executable, "-m", "subspacelens_tui", *command],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        said = done.stderr.splitlines()[-1]
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert said.startswith(f"subspacelens-tui: torch cannot be loaded: {raised[: raised.index('(')]}: ")


def test_doctor_says_what_is_lacking_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    (tmp_path / "hub").touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("PIL.features.check", lambda name: False)
    assert run("doctor") == 0
    told = [line.removeprefix("lacking").strip() for line in capsys.readouterr().out.splitlines()][-2:]
    assert (
        told[0] == f"the hub's cache {tmp_path / 'hub'} cannot be read: it is a file; set HF_HOME to a folder"
    )
    assert told[1].startswith("Pillow was built without WebP, in which pictures are kept: ")


def test_doctor_says_what_recording_a_model_takes(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ["--model", "nobody/pixart", "--device", "cpu", "--sessions", str(sessions)]
    assert run("doctor", *model) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    told = [line.removeprefix("recording").strip() for line in lines if line.startswith("recording")]
    assert told[0].startswith("500 images, features ")
    assert "images at a time need" in told[1]
    assert run("doctor", "--json", *model) == 0
    found = json.loads(capsys.readouterr().out)
    recording = found["recording"]
    assert (recording["model"], recording["images"], recording["assumed"]) == ("nobody/pixart", 500, True)
    assert f"{recording['batch_size']} images at a time" in told[1]
    assert {model["id"] for model in found["models"]} >= {"demo", "PixArt-alpha/PixArt-XL-2-512x512"}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["analyze", "nothing"], 1, "there is no session 'nothing'"),
        (["analyze", "damaged"], 1, "is damaged"),
        (["analyze", "whole", "--eps", "0"], 2, "ε must be a positive number, not 0"),
        (["analyze", "whole", "--eps", "nan"], 2, "ε must be a positive number, not nan"),
        (["analyze", "whole", "--eps", "small"], 2, "'small' is not a number like 4.5"),
        (["analyze", "whole", "--labels", "weather"], 2, "no label scheme 'weather': whole has coarse, fine"),
        (
            ["record", "--capture", "1," * 500 + "x"],
            2,
            "argument --capture: a list with 'x' in it is not a list of numbers like 1,2,3",
        ),
        (["analyze", "whole", "--step", "7"], 2, "step 7 was not captured: whole has 5, 19"),
        (["analyze", "whole", "--branch", "both"], 2, "no branch 'both': use cond or uncond"),
        (["replay", "nothing"], 1, "there is no session 'nothing'"),
        (["replay", "whole"], 2, "standard input and output are not a terminal"),
        (["show", "whole", "--layer", "6"], 2, "there is no layer 6: the session has 0 to 5"),
        (["show", "whole", "--step", "6"], 2, "step 6 was not captured"),
        (["record"], 2, "add --headless to record without a screen"),
        ([], 2, "standard input and output are not a terminal"),
        (["record", "--headless", "--prompts", "nowhere"], 1, "no prompt set 'nowhere'"),
        (["record", "--headless", "--name", "whole"], 1, "there is a session"),
        (["record", "--headless", "--name", "../up"], 1, "is no name for a session"),
        (["record", "--headless", "--capture", "1,x"], 2, "'1,x' is not a list of numbers"),
        (["record", "--headless", "--guidance=-1"], 1, "guidance must be a number from 0"),
        (["frobnicate"], 2, "invalid choice: 'frobnicate'"),
        (["analyze"], 2, "the following arguments are required: SESSION"),
    ],
)
def test_mistakes_get_one_clear_line(
    sessions: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.setenv("SUBSPACELENS_SESSIONS", str(sessions))
    assert run(*arguments) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run("record", "--headless", "--sessions", str(tmp_path / "file" / "sessions")) == 1
    assert "cannot make the session" in capsys.readouterr().err


def test_a_closed_pipe_is_no_failure(sessions: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "subspacelens_tui",
        "analyze",
        "whole",
        "--json",
        "--sessions",
        str(sessions),
    ]
    done = subprocess.run(f"{' '.join(command)} | head -1", shell=True, capture_output=True, text=True)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_a_pipe_that_somebody_made_non_blocking_is_waited_for(sessions: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    command = [
        sys.executable,
        "-m",
        "subspacelens_tui",
        "analyze",
        "whole",
        "--json",
        "--sessions",
        str(sessions),
    ]
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    while select.select([reading], [], [], 0)[0] == [] and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)  # it has found the pipe full by now; if not, the test is easier to pass
    with os.fdopen(reading) as file:
        printed = file.read()
    assert len(printed) > size
    assert json.loads(printed)["images"] == 36
    assert (process.wait(), process.communicate()[1]) == (0, "")


def test_tables_sweep_and_compare(sessions: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    common = ["--permutations", "4", "--sessions", str(sessions), "--json"]
    assert run("analyze", "whole", "--tables", *common) == 0
    assert json.loads(capsys.readouterr().out).keys() >= {"ratio", "branches", "equal_size", "separation"}
    assert run("analyze", "whole", "--sweep", "excess", *common) == 0
    assert [row["step"] for row in json.loads(capsys.readouterr().out)["rows"]] == [5, 19]
    assert run("compare", "whole", "whole@branch=uncond", *common) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["paired"] is True
    assert len(found["layers"]) == 6
    for arguments in (["analyze", "whole", "--tables"], ["analyze", "whole", "--sweep", "z"]):
        assert run(*arguments, *common[:-1]) == 0
        assert "\x1b" not in capsys.readouterr().out
    assert run("compare", "whole", "whole@step=5", *common[:-1]) == 0
    assert "delta_R" in capsys.readouterr().out


def test_unasked_there_is_a_quick_null(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def layers(*options: str) -> list[dict[str, Any]]:
        assert run("analyze", "whole", *options, "--sessions", str(sessions), "--json") == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["layers"]
        return found

    unasked, without = layers(), layers("--permutations", "0")
    assert unasked[0]["nulls"]["delta_R"]["permutations"] == QUICK_PERMUTATIONS
    assert (
        unasked[0]["errors"]["excess"]["low"] < unasked[0]["excess"] < unasked[0]["errors"]["excess"]["high"]
    )
    assert "excess" not in without[0]
    assert without[0]["delta_R"] == unasked[0]["delta_R"]
    assert "nulls" not in layers("--every-image")[0]


def test_two_classes_pairs_and_other_eps(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--permutations", "4", "--sessions", str(sessions)]
    first, second, _ = CATEGORIES
    assert run("analyze", "whole", "--pair", f"{second},{first}", *common, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [of["name"] for of in found["classes"]] == [first, second]
    assert found["multiple_tests"]["metrics"]["delta_R"]["count"] == 6
    assert run("analyze", "whole", "--pair", f"{first},dragons", *common) == 2
    assert "there is no class 'dragons'" in capsys.readouterr().err
    assert run("analyze", "whole", "--pairs", "--layer", "1", *common, "--json") == 0
    pairs = json.loads(capsys.readouterr().out)
    assert (pairs["layer"], len(pairs["pairs"])) == (1, 3)
    [of_two] = [pair for pair in pairs["pairs"] if pair["classes"] == [first, second]]
    assert of_two["delta_R"]["value"] == pytest.approx(found["layers"][1]["delta_R"])
    assert run("analyze", "whole", "--over-eps", *common, "--json") == 0
    over = json.loads(capsys.readouterr().out)["eps"]
    assert [layer["eps"] for layer in over] == sorted(layer["eps"] for layer in over)
    assert over[6]["eps"] == pytest.approx(0.5)
    for kind in ("--pairs", "--over-eps"):
        assert run("analyze", "whole", kind, *common) == 0
        assert "95 % confidence interval" in capsys.readouterr().out
        assert run("analyze", "whole", kind, "--layer", "9", *common) == 2
        assert "there is no layer 9: the session has 0 to 5" in capsys.readouterr().err


def test_a_label_file_adds_a_scheme_to_analyze(
    sessions: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.toml"
    subjects = ("lion", "penguin", "octopus", "pizza", "apple", "sushi", "car", "rocket", "sailboat")
    labels.write_text("[side]\n" + "".join(f'"a {s}" = "{s[0] < "o"}"\n' for s in subjects))
    arguments = ["analyze", "whole", "--labels-file", str(labels), "--labels", "side", "--json"]
    assert run(*arguments, "--sessions", str(sessions)) == 0
    found = json.loads(capsys.readouterr().out)
    assert {entry["name"] for entry in found["classes"]} == {"True", "False"}


def test_labels_that_were_taken_as_one_are_said_on_stderr(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUBSPACELENS_SESSIONS", str(sessions))
    monkeypatch.setattr(record, "_start", lambda *_: 0)
    prompts, labels = tmp_path / "prompts.toml", tmp_path / "labels.toml"
    written = "".join(
        f'[[prompts]]\ntext = "{n}"\nlabels = {{ kind = "{label}" }}\n'
        for n, label in enumerate(("café", "cafe\u0301", "tea"))
    )
    prompts.write_text(f'name = "drinks"\nschemes = ["kind"]\n{written}', encoding="utf-8-sig")
    told = r"the labels 'caf\xe9' and 'cafe\u0301' of 'kind' look alike: they are taken as one class, 'café'"
    assert run("record", "--headless", "--prompts", str(prompts), "--name", "drinks") == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == f"subspacelens-tui: prompt set {prompts}: {told}"
    assert said.out == ""
    assert {prompt.labels["kind"] for prompt in open_session(sessions / "drinks").manifest.prompts} == {
        "café",
        "tea",
    }
    subjects = ("lion", "penguin", "octopus", "pizza", "apple", "sushi", "car", "rocket", "sailboat")
    kinds = ("café", "cafe\u0301", *["tea"] * 7)
    lines = "".join(f'"a {s}" = "{kind}"\n' for s, kind in zip(subjects, kinds, strict=True))
    labels.write_text(f"[kind]\n{lines}", encoding="utf-16")
    for command in (
        ["analyze", "whole", "--json"],
        ["compare", "whole", "whole@step=5", "--json"],
        ["export", "whole", "--to", str(tmp_path / "out"), "--permutations", "0"],
    ):
        assert run(*command, "--labels-file", str(labels)) == 0
        said = capsys.readouterr()
        assert said.err == f"subspacelens-tui: label file {labels}: {told}\n"
        assert "look alike" not in said.out


def test_what_is_asked_of_a_recording_is_in_its_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_start", lambda *_: 0)
    for command in ("record", "demo"):
        asked = ["--name", command, "--seeds", "2", "--random-init", "--compile", "--sessions", str(tmp_path)]
        assert run(command, "--headless", "--seeds-per-subject", "independent", *asked) == 0
        manifest = open_session(tmp_path / command).manifest
        assert (manifest.model.id, manifest.model.random_init, manifest.model.compiled) == (
            "demo",
            True,
            True,
        )
        assert len({image.seed for image in manifest.images}) == len(manifest.images) == 50


def test_settings_given_as_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("settings", "--curves", "tol-bright", "--ramp=greys", "--refresh", "0.5", "--no-digits") == 0
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {
        'curves = "tol-bright" # --curves',
        'ramp = "greys" # --ramp',
        "refresh = 0.5 # --refresh",
        "digits = false # --digits",
    } <= set(printed)
    assert run("settings", "--digits") == 0
    assert "digits = true" in capsys.readouterr().out


def test_show_prints_the_panes_once(sessions: Path) -> None:
    command = [sys.executable, "-m", "subspacelens_tui", "show", "whole", "--layer", "4", "--labels", "fine"]
    done = subprocess.run(
        [*command, "--sessions", str(sessions)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "finished 36/36" in done.stdout
    assert "transformer_blocks.4" in done.stdout
    assert "Overlap · fine" in done.stdout
    assert "\x1b" not in done.stdout


MISLABELLED = "steps are mislabelled: its scheduler ran more than the 20 counted here"


@pytest.mark.parametrize(
    "command",
    [
        ["analyze", "older"],
        ["analyze", "older", "--json"],
        ["analyze", "older", "--every-image"],
        ["analyze", "older", "--sweep", "delta_R"],
        ["analyze", "older", "--sweep", "delta_R", "--json"],
        ["analyze", "older", "--tables", "--permutations", "4"],
        ["compare", "older", "whole"],
        ["compare", "whole", "older", "--json"],
        ["export", "older", "--permutations", "0", "--to", "{}/out"],
        ["show", "older"],
        ["list"],
        ["list", "--json"],
    ],
    ids=" ".join,
)
def test_every_command_says_where_steps_are_mislabelled(
    sessions: Path, planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    older = planted("older").start().record()
    EventWriter(older.path).write("heartbeat", step=33, images=[0], device=None)
    assert run(*(word.format(sessions) for word in command), "--sessions", str(sessions)) == 0
    said = capsys.readouterr()
    aside = command[0] in ("export", "show")
    assert MISLABELLED in (said.err if aside else said.out)
    assert all(MISLABELLED in line for line in said.err.splitlines())
    if command[0] == "export":
        assert MISLABELLED in (sessions / "out" / "figures.json").read_text()


def test_steps_have_their_timesteps(
    planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    timesteps = [950.0 - 50 * step for step in range(20)]
    session = planted("known", layers=2, seeds=2, timesteps=timesteps).start().record()
    folder = session.path.parent
    options = ["--permutations", "4", "--sessions", str(folder)]

    def printed(*command: str) -> str:
        assert run(*command, *options) == 0
        return capsys.readouterr().out

    assert ", step 19 (t 0), " in printed("analyze", "known")
    assert ", step 5 (t 700), " in printed("analyze", "known", "--step", "5", "--every-image")
    assert json.loads(printed("analyze", "known", "--step", "5", "--json"))["settings"]["timestep"] == 700.0
    assert ["5 (t 700)", "19 (t 0)"] == re.findall(
        r"\d+ \(t \d+\)", printed("analyze", "known", "--sweep", "R")
    )
    rows = json.loads(printed("analyze", "known", "--sweep", "R", "--json"))["rows"]
    assert [row["timestep"] for row in rows] == [700.0, 0.0]
    assert "5 (t 700)" in printed("analyze", "known", "--tables")
    assert [
        row["timestep"] for row in json.loads(printed("analyze", "known", "--tables", "--json"))["separation"]
    ] == [700.0, 0.0]
    assert "B  known@step=5: 18 images, step 5 (t 700)" in printed("compare", "known", "known@step=5")
    sides = json.loads(printed("compare", "known", "known@step=5", "--json"))
    assert [(sides[side]["step"], sides[side]["timestep"]) for side in "ab"] == [(19, 0.0), (5, 700.0)]
    printed("export", "known", "--to", str(folder / "out"), "--format", "csv,svg")
    for table in ("figures.csv", "overlap.csv", "plots/sweep-excess-cond-coarse.csv"):
        with (folder / "out" / table).open(encoding="utf-8") as file:
            assert {(row["step"], row["timestep"]) for row in csv.DictReader(file)} == {
                ("5", "700.0"),
                ("19", "0.0"),
            }
    assert "step 5 (t 700)" in (folder / "out/plots/sweep-excess-cond-coarse.svg").read_text()


def test_a_step_of_a_session_whose_model_is_not_loaded_is_not_known_yet(
    planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    session = planted("loading")
    plan = session.manifest.model_copy(update={"blocks": [], "default_capture": True})
    (session.path / MANIFEST).write_text(plan.to_json())
    assert run("analyze", str(session.path), "--step", "38") == 2
    assert (
        capsys.readouterr().err
        == "subspacelens-tui: loading has no step 38 yet: its steps come with its model\n"
    )


def test_doctor_works_without_assertions() -> None:
    command = [sys.executable, "-O", "-m", "subspacelens_tui", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"]
