"""Taking panes away: the numbers behind each are those of the analysis, on the clipboard and in files."""

import csv
import html
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pyarrow import parquet

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app.pane_export import file_name
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.screens.compare import CompareScreen
from subspacelens_tui.app.widgets.comparison import ComparisonPlot
from subspacelens_tui.app.widgets.sweep_map import SweepMap
from subspacelens_tui.sessions import open_session
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSession
from tests.conftest import PlantedSessionFactory as Planted


def pane(app: Driver, name: str) -> Pane:
    return app.screen.query_one(f"#{name}", Pane)


def computed(app: Driver, session: PlantedSession, **changes: Any) -> Result:
    """The same metrics by an analyzer of our own."""
    assert app.screen.analysis is not None
    main = app.screen.analysis.main
    assert main is not None
    many = {name: getattr(main.settings, name) for name in ("permutations", "overlap_permutations", "errors")}
    settings = replace(app.screen.selection.settings, **many, **changes)
    return Analyzer(open_session(session.path)).result(settings)


def column(rows: Sequence[Any], name: str, **only: Any) -> list[Any]:
    return [row[name] for row in rows if all(row[key] == value for key, value in only.items())]


async def test_the_numbers_behind_each_pane_are_those_of_the_analysis(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record()
    async with on(session, layer=4) as app:
        await app.press("l", "s")
        found = {scheme: computed(app, session, labels=scheme) for scheme in ("coarse", "fine")}
        main = found["fine"]
        for name, metric in (("rates", "delta_R"), ("excess", "excess")):
            rows = pane(app, name).numbers()
            for scheme, result in found.items():
                assert column(rows, metric, labels=scheme) == result.curve(metric)
                shift = [0.0] * 6 if metric == "delta_R" else result.curve("null_mean")
                for end in ("low", "high"):
                    wanted = [x - y for x, y in zip(result.curve(f"null_{end}"), shift, strict=True)]
                    assert column(rows, f"null_{end}", labels=scheme) == wanted
        assert column(pane(app, "rank").numbers(), "effective_rank") == main.curve("effective_rank")
        rows = pane(app, "overlap").numbers()
        assert column(rows, "overlap") == main.overlap[4].ravel().tolist()
        assert column(rows, "explained", **{"class": "lion"}) == main.explained[4][0].tolist()
        rows = pane(app, "inspector").numbers()
        assert {row["figure"]: row["value"] for row in rows}.items() >= {
            name: getattr(main.layers[4], name) for name in ("R", "Rc", "delta_R", "ratio", "hoyer")
        }.items()
        assert column(rows, "null_p", figure="delta_R") == [main.layers[4].null.p]
        thorough = computed(app, session, thorough=True).layers[4]
        assert column(rows, "value", figure="split_half_ceiling") == [thorough.split_half_ceiling]
        assert column(rows, "value", figure="normality_pooled") == [thorough.normality.pooled]
        eigenvalues = column(pane(app, "spectrum").numbers(), "eigenvalue")
        assert eigenvalues == main.spectra[4][: len(eigenvalues)].tolist()
        assert len(eigenvalues) > 20
        rows = pane(app, "course").numbers()
        assert column(rows, "overlap_mean") == main.curve("overlap_mean")
        assert column(rows, "null_mean") == [layer.nulls["overlap_mean"].mean for layer in main.layers]
        app.screen.action_sort_layers(1)
        rows = pane(app, "layers").numbers()
        assert column(rows, "layer") == pane(app, "layers").order()
        assert column(rows, "delta_R") == sorted(main.curve("delta_R"), reverse=True)
        assert {row["step"] for row in rows} == {5}
        rows = pane(app, "log").numbers()
        assert column(rows, "event")[:2] == ["started", "recording"]
        assert column(rows, "detail", event="batch") == ["9 images in 0.50 s"] * 4
        assert all(type(pane).numbers is not Pane.numbers for pane in app.screen.panes)


async def test_the_numbers_of_a_difference(on: OpenApp, planted: Planted) -> None:
    session = planted(seeds=2, layers=3).start().record()
    async with on(session) as app:
        await app.press("b", "b", "b")
        cond, uncond = (computed(app, session, branch=branch) for branch in ("cond", "uncond"))
        for name, metric in (("rates", "delta_R"), ("rank", "effective_rank")):
            rows = [row for row in pane(app, name).numbers() if row["labels"] == "coarse"]
            assert column(rows, f"{metric}_cond") == cond.curve(metric)
            wanted = [a - b for a, b in zip(cond.curve(metric), uncond.curve(metric), strict=True)]
            assert column(rows, metric) == pytest.approx(wanted)


async def test_numbers_are_copied_as_a_table(on: OpenApp, planted: Planted) -> None:
    async with on(planted(seeds=2, layers=2).start().record()) as app:
        await app.press("5", "Y")
        rows = list(csv.DictReader(io.StringIO(app.app.clipboard), delimiter="\t"))
        wanted = app.screen.analysis.main.overlap[0]
        assert [float(row["overlap"]) for row in rows] == wanted.ravel().tolist()
        assert "copied: 9 rows of numbers behind Overlap" in app.text()


def saved(path: Path, numbers: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of an exported JSON, as far as they are the pane's; the rest says whence they are."""
    rows = json.loads(path.with_suffix(".json").read_text())
    for row, shown in zip(rows, numbers, strict=True):
        assert row["session"] == "planted"
        assert "numpy" in row["versions"]
        assert {"eps", "features", "permutations", "errors", "seed"} <= row.keys()
        assert shown.keys() <= row.keys()
    return [{name: row[name] for name in shown} for row, shown in zip(rows, numbers, strict=True)]


async def test_a_pane_is_exported_with_its_numbers(
    on: OpenApp, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stems = {
        "1": "layers-coarse-cond-step19-guidance3-eps0-5-raw-n36",
        "5": "overlap-coarse-cond-step19-guidance3-eps0-5-raw-layer0-n36",
    }
    async with on(planted(layers=2).start().record()) as app:
        for key, stem in stems.items():
            await app.press(key)
            # What says where it went may take a row of its own; the pane has one less then.
            size = app.app.focused.outer_size
            await app.press("E")
            assert f"exported to exports/planted/{stem}: " in " ".join(app.screen.message()[1].split())
            shown, numbers = app.app.focused, app.app.focused.numbers()
            path = tmp_path / "exports/planted" / stem
            with path.with_suffix(".csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
            wanted = [{name: "" if v is None else str(v) for name, v in row.items()} for row in numbers]
            assert [{name: row[name] for name in w} for row, w in zip(rows, wanted, strict=True)] == wanted
            assert saved(path, numbers) == [dict(row) for row in numbers]
            table = parquet.read_table(path.with_suffix(".parquet")).to_pylist()
            assert [row["layer"] for row in table] == [row["layer"] for row in numbers]
            svg = path.with_suffix(".svg").read_text()
            assert shown.heading.split()[0] in svg
            assert "font-face" not in svg
            with Image.open(path.with_suffix(".png")) as png:
                assert png.size == (18 * size.width, 36 * size.height)
                assert len(png.getcolors(1 << 20)) > 10
            plots = [path.with_name(f"{stem}-plot.{kind}") for kind in ("svg", "png")]
            assert [plot.exists() for plot in plots] == [key != "1"] * 2
            about = json.loads(
                parquet.read_schema(path.with_suffix(".parquet")).metadata[b"subspacelens_tui"]
            )
            assert {source["session"] for source in about["sources"]} == {"planted"}
            assert {source["settings"]["design"] for source in about["sources"]} <= {
                "subjects",
                "within-seed",
            }
            for file in (path.with_suffix(".png"), *(plot for plot in plots[1:] if plot.exists())):
                with Image.open(file) as png:
                    assert json.loads(png.text["Description"])["versions"] == about["versions"]
            described = html.unescape(re.search("<metadata>(.*?)</metadata>", svg)[1])
            assert json.loads(described) == about
            before = path.with_suffix(".csv").read_bytes()
            await app.press("E")
            assert f"exported to exports/planted/{stem}-2: " in " ".join(app.screen.message()[1].split())
            assert path.with_suffix(".csv").read_bytes() == before


async def test_what_is_not_installed_is_said_and_the_rest_written(
    on: OpenApp, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "subspacelens_tui.analysis.output.files._NEEDED",
        {"parquet": ("no_such_pyarrow", "parquet"), "png": ("no_such_matplotlib", "plots")},
    )
    async with on(planted(seeds=2, layers=2).start().record()) as app:
        await app.press("4", "E")
        message = app.screen.message()[1]
        assert "pip install 'subspacelens-tui[parquet]'" in message
        assert "pip install 'subspacelens-tui[plots]'" in message
        written = sorted(path.suffix for path in (tmp_path / "exports/planted").iterdir())
        assert written == [".csv", ".json", ".svg"]


async def test_a_folder_that_cannot_be_written_is_a_message(
    on: OpenApp, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exports").write_text("a file")
    async with on(planted(seeds=2, layers=2).start().record()) as app:
        await app.press("4", "E")
        assert "✗ cannot export to" in app.text()


async def test_nothing_to_take_away_is_said(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start()) as app:
        for key in "YE":
            await app.press("5", key)
            assert "there are no numbers behind Overlap yet" in app.text()


def test_names_of_files_hold_nothing_unsafe() -> None:
    assert (
        file_name("rates", "../ä b/\x1b[2J", "step 3", None, "x" * 60) == "rates-b-2J-step-3-None-" + "x" * 40
    )


async def test_a_sweep_is_taken_away(
    on: OpenApp, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with on(planted(guidance=(3.0, 6.0), layers=3, seeds=2).start().record(), size=(150, 40)) as app:
        await app.press("m")
        await app.press("d", "Y")
        shown = app.app.screen.query_one(SweepMap)
        rows = list(csv.DictReader(io.StringIO(app.app.clipboard), delimiter="\t"))
        wanted = [value for row in shown.rows for value in row.values]
        assert [float(row["delta_R"]) for row in rows] == wanted
        assert [(row["guidance"], row["step"]) for row in rows[::3]] == [
            (f"{row.configuration.guidance}", f"{row.configuration.step}") for row in shown.rows
        ]
        assert [row["peak"] for row in rows] == [str(i == r.peak) for r in shown.rows for i in range(3)]
        assert "copied: 12 rows of numbers behind the sweep" in app.text()
        await app.press("y")
        assert app.app.clipboard.startswith("Sweep  ΔR, nats  coarse")
        await app.press("E")
        assert ": .svg, .csv, .json, .parquet, .png" in " ".join(app.text().split())
        path = tmp_path / "exports/planted/sweep-delta_R-coarse-cond-eps0-5-raw"
        assert saved(path, shown.numbers()) == shown.numbers()
        assert "guidance" in path.with_suffix(".svg").read_text()


async def test_a_comparison_is_taken_away(
    on: OpenApp, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with on(planted(layers=3, seeds=2).start().record(), size=(150, 40)) as app:
        await app.press("c")
        screen = app.app.screen
        assert isinstance(screen, CompareScreen)
        for worker in screen._open.values():
            await worker.settled()
        await app.press("Y")
        rows = list(csv.DictReader(io.StringIO(app.app.clipboard), delimiter="\t"))
        wanted = [layer["excess"] for layer in screen._comparison.layers]
        for name in ("a", "b", "difference", "standard_error", "low", "high"):
            assert [float(row[name]) for row in rows] == [getattr(of, name) for of in wanted]
        await app.press("y")
        assert "B − A" in app.app.clipboard
        (tmp_path / "exports").write_text("in the way")
        await app.press("E")
        assert "✗ cannot export to" in app.text()
        (tmp_path / "exports").unlink()
        await app.press("E")
        path = tmp_path / "exports/planted/compare-excess-planted.json"
        numbers = list(screen.query(ComparisonPlot).first().numbers())
        assert saved(path, numbers) == numbers
