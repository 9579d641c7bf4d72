"""Exports: every format holds the metrics that `analyze` says, and a plot the numbers behind it."""

import csv
import errno
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from pyarrow import parquet

from subspacelens_tui.analysis import Analyzer, Result, Settings, SettingsError
from subspacelens_tui.analysis.output import (
    ExportError,
    Part,
    curve_plot,
    export,
    matrices_plot,
    matrix_plot,
    parse_formats,
    plots,
    spectrum_plot,
    sweep_plot,
    write_plot,
)
from subspacelens_tui.analysis.output import files as export_files
from subspacelens_tui.analysis.output.plots import Plot
from subspacelens_tui.analysis.result import LayerResult
from subspacelens_tui.analysis.sweep import sweep
from subspacelens_tui.sessions import Session, SessionError, open_session
from tests.conftest import PlantedSessionFactory


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Session:
    return open_session(planted(layers=3).start().record().path)


@pytest.fixture
def result(session: Session) -> Result:
    return Analyzer(session).result(Settings(permutations=6, errors="image"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_step_and_branch_of_a_session(session: Session, tmp_path: Path) -> None:
    paths = export(session, tmp_path / "out", Settings(), parse_formats("csv"))
    settings = {tuple(row[name] for name in ("labels", "branch", "step")) for row in rows_of(paths[0])}
    assert settings == set(itertools.product(("coarse", "fine"), ("cond", "uncond"), ("5", "19")))


def test_every_format_of_a_session(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    session = open_session(planted(layers=3, guidance=(1.0,)).start().record().path)
    settings = Settings(permutations=6, errors="image")
    paths = export(session, tmp_path / "out", settings, parse_formats("all"))
    assert len({*paths}) == len(paths)
    assert all(path.stat().st_size > 0 for path in paths)
    table = parquet.read_table(tmp_path / "out" / "figures.parquet").to_pylist()
    for row, text in zip(table, rows_of(tmp_path / "out" / "figures.csv"), strict=True):
        assert float(text["overlap_mean_null_mean"]) == row["overlap_mean_null_mean"]
        assert float(text["delta_R_se"]) == row["delta_R_se"]
    plots = tmp_path / "out" / "plots"
    curve = rows_of(plots / "excess-cond-step19-guidance1.csv")
    assert [row["labels"] for row in curve] == ["coarse"] * 3 + ["fine"] * 3
    for kind in ("svg", "png", "csv", "parquet"):
        for name in ("overlap-cond-step5-guidance1-fine", "sweep-excess-cond-coarse"):
            assert plots / f"{name}.{kind}" in paths


def test_a_part_of_a_session_is_the_same_as_in_all_of_it(session: Session, tmp_path: Path) -> None:
    settings = Settings(permutations=6, errors="auto")
    formats = parse_formats("csv,json,svg,parquet")
    part = Part(("excess", "effective_rank"), ("fine",), ("cond",), (19, 5, 19), (3.0,))
    paths = export(session, tmp_path / "part", settings, formats, part=part)
    export(session, tmp_path / "all", settings, ["csv", "json"])
    assert not [path.name for path in paths if path.name.startswith("overlap")]
    names = {path.stem for path in paths if path.suffix == ".svg"}
    curves = {
        f"{name}-cond-step{step}-guidance3" for name in ("excess", "effective_rank") for step in (5, 19)
    }
    assert names == curves | {"sweep-excess-cond-fine", "sweep-effective_rank-cond-fine"}
    kept = rows_of(tmp_path / "part" / "figures.csv")
    every = [
        row
        for row in rows_of(tmp_path / "all" / "figures.csv")
        if (row["labels"], row["branch"]) == ("fine", "cond")
    ]
    assert kept == [{name: row[name] for name in kept[0]} for row in every]
    assert {"delta_R", "excess_low", "effective_rank"} <= kept[0].keys()
    assert not {"R", "ratio", "ratio_null_mean", "hoyer", "hoyer_se", "missing"} & kept[0].keys()
    result = json.loads((tmp_path / "part" / "figures.json").read_text())
    assert [of["settings"]["step"] for of in result] == [5, 19]
    assert result[0]["layers"][0]["nulls"].keys() == {"delta_R"}
    assert "ratio" not in result[0]["layers"][0]


def test_every_file_says_session_settings_null_and_versions(session: Session, tmp_path: Path) -> None:
    settings = Settings(permutations=6, errors="auto")
    part = Part(("excess", "overlap"), branches=("cond",), steps=(19,))
    paths = export(session, tmp_path, settings, parse_formats("all"), part=part)
    for path in paths:
        if path.suffix == ".csv":
            rows = rows_of(path)
            assert {row["session"] for row in rows} == {"planted"}
            assert {(row["labels"], row["design"]) for row in rows} <= {
                ("coarse", "subjects"),
                ("fine", "within-seed"),
            }
            assert {row["permutations"] for row in rows} == {"6"}
            assert {row["errors"] for row in rows} == {"seed+subject"}
            assert all("numpy" in row["versions"] for row in rows)
            continue
        text = path.read_text() if path.suffix in (".svg", ".json") else ""
        if path.suffix == ".parquet":
            text = parquet.read_schema(path).metadata[b"subspacelens_tui"].decode()
        elif path.suffix == ".png":
            with Image.open(path) as image:
                text = image.text["Description"]
        for words in (
            "planted",
            "within-seed" if "fine" in path.name else "subjects",
            "seed+subject",
            "scipy",
        ):
            assert words in text, (path, words)


def test_files_that_are_there_are_spared(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plots").mkdir()
    kept = tmp_path / "plots" / "excess-cond-step5-guidance3.svg"
    kept.write_text("mine")
    (tmp_path / "tables.csv").touch()
    part = Part(metrics=("excess",), steps=(5,))
    with monkeypatch.context() as patch:
        patch.setattr(Analyzer, "result", None)
        with pytest.raises(
            ExportError, match=r"excess-cond-step5-guidance3.svg is there already: .* --force"
        ):
            export(session, tmp_path, Settings(), ["svg"], part=part)
    assert export(session, tmp_path, Settings(), ["csv"], part=part)
    with pytest.raises(ExportError, match=r"figures.csv is there already: .* --force"):
        export(session, tmp_path, Settings(), ["csv"], part=part)
    export(session, tmp_path, Settings(permutations=2), ["svg"], part=part, overwrite=True)
    assert kept.read_text() != "mine"


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (Part(metrics=("rank",)), "there is no metric 'rank' to export"),
        (Part(metrics=("effective_rank.z",)), "there is no metric 'effective_rank.z'"),
        (Part(labels=("colour",)), "there is no label scheme 'colour'"),
        (Part(branches=("both",)), "there is no branch 'both': planted has cond and uncond"),
        (Part(steps=(6,)), "step 6 was not captured"),
        (Part(guidance=(4.0,)), "guidance 4 was not recorded"),
    ],
)
def test_a_part_that_the_session_lacks(session: Session, tmp_path: Path, part: Part, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        export(session, tmp_path / "out", Settings(), part=part)
    assert not (tmp_path / "out").exists()


def test_a_row_has_every_metric_with_its_error_and_its_null(result: Result, tmp_path: Path) -> None:
    write_plot(curve_plot("curve", [result], "delta_R"), tmp_path, [])
    layer, row = result.layers[2], rows_of(tmp_path / "curve.csv")[2]
    assert float(row["ratio_null_mean"]) == layer.nulls["ratio"].mean
    assert float(row["hoyer_high"]) == layer.errors["hoyer"].high
    assert float(row["excess"]) == layer.nulls["delta_R"].excess


def test_single_plots(session: Session, result: Result, tmp_path: Path) -> None:
    plots = [
        curve_plot("rank", [result], "effective_rank"),
        matrix_plot("matrix", result, 1),
        matrices_plot("matrices", result),
        spectrum_plot("spectrum", result, 2),
        sweep_plot("sweep", sweep(Analyzer(session), Settings(), "delta_R")),
    ]
    for plot in plots:
        svg, png, data = write_plot(plot, tmp_path)
        assert "<svg" in svg.read_text(encoding="utf-8")
        with Image.open(png) as image:
            assert len(set(image.convert("L").tobytes())) > 10
        assert len(rows_of(data)) == len(plot.rows) > 0
    again = write_plot(plots[1], tmp_path / "..", ["svg"], [])[0]
    assert again.read_bytes() == (tmp_path / "matrix.svg").read_bytes()


def test_names_that_look_like_formulas_are_drawn_as_they_are(
    planted: PlantedSessionFactory, tmp_path: Path
) -> None:
    writer = planted(layers=2).start().record()
    manifest = json.loads((writer.path / "session.json").read_text())
    for prompt in manifest["prompts"]:
        prompt["labels"] = {"$\\frac{": f"$x_{prompt['labels']['coarse']}^{{$\x1b["}
    (writer.path / "session.json").write_text(json.dumps(manifest))
    result = Analyzer(open_session(writer.path)).result(Settings())
    for plot in (matrix_plot("matrix", result, 1), curve_plot("curve", [result], "delta_R")):
        (svg,) = write_plot(plot, tmp_path, ["svg"], [])
        assert "$" in svg.read_text(encoding="utf-8")


def test_what_is_missing_is_left_out_of_a_plot(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    result = Analyzer(open_session(planted(layers=2, batch=1).start().record(1).path)).result(Settings())
    for plot in (
        curve_plot("curve", [result], "delta_R"),
        matrix_plot("matrix", result, 0),
        matrices_plot("matrices", result),
        spectrum_plot("spectrum", result, 0),
    ):
        assert all(path.exists() for path in write_plot(plot, tmp_path))


def test_a_format_whose_package_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(export_files.importlib, "import_module", missing)
    assert parse_formats("json,csv") == ("csv", "json")
    for name, extra in (("parquet", "parquet"), ("svg", "plots"), ("png", "plots")):
        with pytest.raises(ExportError, match=rf"pip install 'subspacelens-tui\[{extra}\]'"):
            parse_formats(name)


def broken(folder: Path, *modules: str) -> dict[str, str]:
    """The environment of a process in which these packages are there and cannot be imported."""
    for name in modules:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise ImportError('GLIBCXX_3.4.29 not found\\nby it')")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}


@pytest.mark.parametrize("name", ["svg", "parquet"])
def test_a_format_whose_package_is_broken_says_why_before_anything_is_computed(
    session: Session, tmp_path: Path, name: str
) -> None:
    command = ["export", str(session.path), "--to", str(tmp_path / "out"), "--format", name]
    done = subprocess.run(
        [sys.executable, "-m", "subspacelens_tui", *command],
        capture_output=True,
        text=True,
        env=broken(tmp_path, "matplotlib", "pyarrow"),
    )
    assert done.returncode == 1
    assert done.stderr.endswith("which is installed but cannot be imported: GLIBCXX_3.4.29 not found\n")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_plots_do_not_depend_on_how_the_user_set_up_matplotlib(
    session: Session, result: Result, tmp_path: Path
) -> None:
    plot = curve_plot("plot", [result], "delta_R")
    write_plot(plot, tmp_path, ["svg"], [])
    own = tmp_path / "matplotlibrc"
    own.write_text("text.usetex: True\nlines.linewidth: 7\naxes.grid: True\n")
    script = """
import sys
from pathlib import Path
from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.output import curve_plot, write_plot
from subspacelens_tui.sessions import open_session
result = Analyzer(open_session(Path(sys.argv[1]))).result(Settings(permutations=6, errors="image"))
write_plot(curve_plot("other", [result], "delta_R"), Path(sys.argv[2]), ["svg"], [])
"""
    environment = {**os.environ, "MATPLOTLIBRC": str(own), "MPLBACKEND": "module://not.installed"}
    subprocess.run(
        [sys.executable, "-c", script, str(session.path), str(tmp_path)], check=True, env=environment
    )
    assert (tmp_path / "other.svg").read_bytes() == (tmp_path / "plot.svg").read_bytes()


def test_half_of_a_table_is_never_left_behind(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(csv.DictWriter, "writerows", full)
    with pytest.raises(SessionError, match=r"cannot write to .*: No space left on device"):
        export(session, tmp_path / "out", Settings(), ["csv"])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_computed(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def computed(*_: object, **__: object) -> None:
        raise AssertionError("it was not to be computed")

    monkeypatch.setattr(Analyzer, "result", computed)
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "inside", Path("/proc")):
        with pytest.raises(SessionError, match="cannot write to"):
            export(session, folder, Settings())


def test_a_format_there_is_not() -> None:
    with pytest.raises(
        ExportError, match="there is no format 'xlsx': use csv, json, parquet, svg, png, or all"
    ):
        parse_formats("csv,xlsx")


def test_nan_never_reaches_a_file(session: Session, tmp_path: Path) -> None:
    found = sweep(Analyzer(session), Settings(), "delta_R")
    found.values[0, 1] = np.nan
    path = write_plot(sweep_plot("sweep", found), tmp_path, [], ["json"])[0]
    assert json.loads(path.read_text())[1]["delta_R"] is None


def tick_labels(plot: Plot) -> tuple[list[str], list[str]]:
    """What the ticks of both axes of a plot say, of those that are within it."""
    figure = Figure(figsize=plot.size, layout="constrained")
    with matplotlib.rc_context(plots._SETTINGS):
        plot.draw(figure)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    found = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        found.append(
            [t.label1.get_text() for t in ticks if low <= t.get_loc() <= high and t.label1.get_text()]
        )
    return found[0], found[1]


@pytest.mark.parametrize(
    "values",
    [
        (-5e-6, 0.0, 5e-6),
        (1e9, 1e9 + 50.0, 1e9 + 20.0),
        (5.0, 5.0, 5.0),
        (3.0,),
        (-1e-12, -5e-12),
        (1.5, 80.0, 20.0),
        (1.0, None, 3.0),
    ],
)
def test_ticks_of_plots_differ_and_layers_have_whole_numbers(values: tuple[float | None, ...]) -> None:
    spectrum = np.array([abs(value) for value in values if value is not None])
    layers = tuple(
        LayerResult(
            index,
            f"block {index}",
            8,
            0.5,
            30,
            {} if value is None else {"delta_R": value},
            {"spectra": spectrum} if index == 0 else {},
        )
        for index, value in enumerate(values)
    )
    settings = Settings(labels="coarse", step=1, guidance=3.0)
    found = Result(settings, 30, ("a",), (30,), layers)
    for plot in (curve_plot("curve", [found], "delta_R"), spectrum_plot("spectrum", found, 0)):
        places, ticks = tick_labels(plot)
        assert len(ticks) == len(set(ticks)) > 1
        first = 0 if plot.name == "curve" else 1
        last = len(values if plot.name == "curve" else spectrum) - 1 + first
        assert all(place.isdigit() and first <= int(place) <= last for place in places)


def test_a_plot_without_values_says_why_instead_of_a_scale(
    planted: PlantedSessionFactory, tmp_path: Path
) -> None:
    result = Analyzer(open_session(planted(layers=2, batch=3).start().record(1).path)).result(Settings())
    plot = curve_plot("curve", [result], "delta_R")
    assert tick_labels(plot) == (["0", "1"], [])
    (svg,) = write_plot(plot, tmp_path, ["svg"], [])
    assert "no values: there is one class only (animals)" in svg.read_text(encoding="utf-8")
