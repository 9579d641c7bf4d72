import csv
import json
from pathlib import Path

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.output import export, print_result
from subspacelens_tui.sessions import SessionError, open_session
from tests.conftest import PlantedSessionFactory


def test_the_json_keeps_the_contract(
    planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    session = open_session(planted().start().record().path)
    result = Analyzer(session).result(Settings(permutations=5))
    print_result(session, result, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert {"session", "settings", "images", "layers", "overlap"} <= found.keys()
    assert found["session"] == "planted"
    assert found["settings"]["step"] == 19
    assert found["settings"]["labels"] == "coarse"
    assert [layer["layer"] for layer in found["layers"]] == list(range(6))
    names = "R Rc delta_R ratio effective_rank overlap_mean hoyer null_mean null_std excess z p".split()
    assert set(names) <= found["layers"][0].keys()
    assert [len(found["overlap"]), len(found["overlap"][0]), len(found["overlap"][0][0])] == [6, 3, 3]


def test_the_text_shows_every_layer_and_no_terminal_escapes(
    planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    session = open_session(planted().start().record(1).path)
    print_result(session, Analyzer(session).result(Settings(labels="fine", subspace_dim=3)), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert "9 images" in lines[0]
    assert [line.split()[0] for line in lines[2:8]] == ["0", "1", "2", "3", "4", "5"]
    assert any("overlap_mean, explained_mean are missing" in line and "all layers" in line for line in lines)
    assert "\x1b" not in "".join(lines)


def test_the_export_is_what_analyze_says(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    session = open_session(planted(guidance=(1.0, 3.0)).start().record().path)
    paths = export(session, tmp_path / "out", Settings(permutations=20, errors="image"))
    assert [path.name for path in paths] == ["figures.csv", "figures.json", "overlap.csv", "gains.csv"]
    with paths[0].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # cond at guidance 1; cond and uncond at guidance 3; 2 steps, 2 schemes, 6 layers each
    assert len(rows) == 3 * 2 * 2 * 6
    settings = Settings(branch="uncond", step=5, guidance=3.0, labels="fine", permutations=20)
    layer = Analyzer(session).result(settings).layers[4]
    (row,) = [
        row
        for row in rows
        if (row["branch"], row["step"], row["guidance"], row["labels"], row["layer"])
        == ("uncond", "5", "3.0", "fine", "4")
    ]
    assert float(row["delta_R"]) == layer.delta_R
    assert layer.null is not None
    assert float(row["excess"]) == layer.null.excess
    assert len(json.loads(paths[1].read_text())) == 12


def test_nothing_to_export_and_nowhere_to_write(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    writer = planted()
    with pytest.raises(SessionError, match="nothing to export"):
        export(open_session(writer.path), tmp_path, Settings())
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot write to"):
        export(open_session(writer.start().record().path), tmp_path / "file" / "out", Settings())
