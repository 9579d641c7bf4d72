"""Sessions of which some blocks were recorded: layers have the numbers of their blocks everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.output import curve_plot
from subspacelens_tui.cli import main
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.format import MANIFEST
from tests.conftest import PlantedSessionFactory

NUMBERS = [1, 4, 7]


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Path:
    session = planted(layers=3, seeds=3).start().record()
    some = session.manifest.model_copy(update={"layers": NUMBERS, "model_blocks": 12})
    (session.path / MANIFEST).write_text(some.to_json())
    return session.path


def test_both_sides_of_a_comparison(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["compare", str(session), f"{session}@branch=uncond", "--permutations", "0"]
    assert main([*asked, "--json"]) == 0
    assert [layer["layer"] for layer in json.loads(capsys.readouterr().out)["layers"]] == NUMBERS
    assert main(asked) == 0
    rows = [line.split() for line in capsys.readouterr().out.split("\nR\n")[1].splitlines()[1:4]]
    assert [row[0] for row in rows] == [str(number) for number in NUMBERS]


def test_the_report(session: Path, tmp_path: Path) -> None:
    to = tmp_path / "report.md"
    assert main(["report", str(session), "--permutations", "19", "--to", str(to)]) == 0
    assert "| layer 1 | layer 4 | layer 7 |" in to.read_text()


@pytest.mark.parametrize(
    ("others", "places", "lines"),
    [
        (None, "1 4 5", [[0], [1, 2]]),
        # Sessions of other blocks: each curve is where its blocks are.
        ([4, 5, 6], "1 2 3 4 5 6", [[0], [3, 4], [3, 4, 5]]),
    ],
)
def test_an_exported_curve_does_not_lead_over_missing_layers(
    session: Path, others: list[int] | None, places: str, lines: list[list[int]]
) -> None:
    from matplotlib.figure import Figure

    found = Analyzer(open_session(session)).result(Settings())
    curves = [
        replace(
            found,
            layers=tuple(replace(of, model_number=n) for of, n in zip(found.layers, numbers, strict=True)),
        )
        for numbers in ([1, 4, 5], others)
        if numbers is not None
    ]
    canvas = Figure(layout="constrained")
    curve_plot("ratio", curves, "ratio").draw(canvas)
    axes = canvas.axes[0]
    assert [
        list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) and line.get_lw() > 1
    ] == lines
    named = axes.xaxis.get_major_formatter()
    assert " ".join(named(place, 0) for place in range(len(places.split()))) == places
    assert "gaps: layers not recorded" in axes.get_title()
