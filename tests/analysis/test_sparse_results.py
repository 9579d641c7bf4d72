"""`sparse`: from a session with tokens to text, JSON and tables."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.analysis.output import rate_plot, saved_plot, write_plot
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_results import Asked, sparse_comparison
from subspacelens_tui.cli import main
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sparse import LENSES, Comparison, Groups, Tokens, compare_lenses, split_images
from subspacelens_tui.sparse.positions import position_cells
from tests.analysis.token_sessions import IMAGES, codes, plant
from tests.conftest import PlantedSessionFactory

P, KEPT, WIDTH = 36, 16, 12


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Two layers of class means and noise; the last has tokens that are all the same."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((3, 1, WIDTH))[codes()]
    layers = [means + rng.standard_normal((IMAGES, P, WIDTH)) for _ in range(2)]
    return plant(tmp_path_factory.mktemp("sessions") / "s", [*layers, np.ones((IMAGES, P, WIDTH))], KEPT)


def run(session: Session, *options: str) -> int:
    try:
        return main(("sparse", str(session.path), *options))
    except SystemExit as exit:
        return int(exit.code or 0)


def test_it_measures_the_tokens_of_the_session(session: Session) -> None:
    found = sparse_comparison(session, Settings(seed=1), Asked(layers=[1]))
    [layer] = found.layers
    images = [session.manifest.images[image] for image in session.images()]
    groups = Groups(
        np.array([image.seed for image in images]), np.array([image.prompt for image in images]), codes()
    )
    cells = position_cells(*session.token_positions())
    direct = compare_lenses(Tokens(session.tokens(1), split_images(groups, 1), cells), seed=1)
    assert layer.found == direct
    assert len(found.split.train) == 6
    assert len(found.split.test) == 3


def test_json_bits_and_table_agree(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(session, "--json", "--layers", "0,2") == 0
    nats = json.loads(capsys.readouterr().out)
    table = tmp_path / "of.csv"
    assert run(session, "--json", "--bits", "--layers", "0,2", "--to", str(table)) == 0
    bits = json.loads(capsys.readouterr().out)
    assert (nats["unit"], bits["unit"]) == ("nats", "bits")
    assert nats["images"] == {"fitted": 6, "held_out": 3, "unused": 9}
    first, flat = nats["layers"]
    assert first["lenses"].keys() == flat["lenses"].keys() == set(LENSES)
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = {(row["layer"], row["lens"]): row for row in csv.DictReader(lines)}
    for key, lens in first["lenses"].items():
        row, in_bits = rows["0", key], bits["layers"][0]["lenses"][key]
        if lens is None:
            assert first["missing"][key] == row["missing"] != ""
            assert row["rate"] == ""
            continue
        assert in_bits["rate"] == pytest.approx(lens["rate"] / math.log(2))
        assert float(row["saved"]) == pytest.approx(lens["saved"] / math.log(2))
        assert lens["saved_error"] >= 0
    assert first["lenses"]["subspaces_64"] is None
    assert first["class_excess"]["saved"] == pytest.approx(
        first["lenses"]["class"]["saved"] - first["lenses"]["permuted_class"]["saved"]
    )
    assert first["verdict"]["word"] == "undecided"
    assert set(flat["lenses"].values()) == {None}
    assert flat["missing"] == {"lenses": "all training tokens are equal: there is nothing to code"}
    assert "--sae train trains one" in first["missing"]["sparse"]


def test_the_text_says_verdicts_and_reasons(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(session) == 0
    out = capsys.readouterr().out
    assert "fitted on 6 images, measured on 3 of other seeds and other subjects" in out
    assert "layer 0: undecided: 4 training tokens a subspace, fewer than 40" in out
    assert "layer 2: undecided: all training tokens are equal" in out
    assert "64 sub: 96 training tokens are too few for 64 subspaces" in out
    assert "SAE: no sparse autoencoder is given" in out
    assert "nan" not in out.lower()


def test_plots_have_the_curves_and_the_numbers_behind_them(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "of.svg"
    assert run(session, "--layers", "0,2", "--to", str(file)) == 0
    text = file.read_text(encoding="utf-8")
    for words in ("layer 0", "25 sub", "bits a token", "distortion D", "all training tokens are equal"):
        assert words in text
    assert "class/image" not in text
    found = sparse_comparison(session, Settings(), Asked(layers=[0, 2]))
    of = found.layers[0].found
    assert isinstance(of, Comparison)
    curve, saved = rate_plot("curve", found, [0]), saved_plot("saved", found)
    rows = [row for row in curve.rows if row["lens"] == "gauss"]
    assert [row["distortion"] for row in rows] == list(of.lenses["gauss"].distortions)
    assert rows[0]["bits"] == pytest.approx(of.lenses["gauss"].rates[0] / math.log(2))
    [row] = [row for row in saved.rows if row["lens"] == "class"]
    assert row["saved"] == pytest.approx(of.lenses["class"].saved / math.log(2))
    for plot in (curve, saved):
        assert write_plot(plot, tmp_path, ["svg"])[0].read_text(encoding="utf-8").count("<path") > 9


def test_labels_of_one_subject_each_leave_the_class_out(session: Session) -> None:
    found = sparse_comparison(session, Settings(labels="fine"), Asked(layers=[0]))
    of = found.layers[0].found
    assert isinstance(of, Comparison)
    assert "coarser label scheme" in of.missing["class"]
    assert "gauss" in of.lenses


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--layers", "7"), 2, "there is no layer 7: the session has 0 to 2"),
        (("--layers", "2-1"), 2, "'2-1' is not a list of layers like 0,4-6"),
        (("--distortion", "1"), 2, "must be between 0 and 1"),
        (("--distortion", "nan"), 2, "must be between 0 and 1"),
        (("--step", "5"), 2, "step 5 was not captured"),
        (("--to", "of.pdf"), 2, "a table is .csv, .json or .parquet, and a plot .svg or .png"),
        (("--branch", "uncond"), 2, "there is no uncond branch"),
    ],
)
def test_bad_input_is_one_line(
    session: Session, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], status: int, said: str
) -> None:
    assert run(session, *options) == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_a_session_without_tokens_says_which_command_records_one(
    planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    session = open_session(planted().start().record().path)
    assert run(session) == 2
    assert "`subspacelens-tui record --tokens`" in capsys.readouterr().err


def test_too_few_images_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = plant(tmp_path / "few", [np.random.default_rng(0).standard_normal((IMAGES, P, WIDTH))], KEPT)
    for file in sorted((whole.path / "features").iterdir())[1:]:
        file.unlink()
    assert run(whole) == 1
    assert "few: all images share one seed" in capsys.readouterr().err


def test_a_distortion_that_leaves_no_direction_says_so(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(session, "--json", "--layers", "0", "--distortion", "0.7") == 0
    [layer] = json.loads(capsys.readouterr().out)["layers"]

    assert "choose a smaller --distortion" in layer["missing"]["subspaces_25"]


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_computed(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine", encoding="utf-8")
    for file, words in (
        (there, "is there already: name another file"),
        (tmp_path / "no" / "x.csv", "there is no folder"),
    ):
        assert run(session, "--to", str(file)) == 2
        said = capsys.readouterr()
        assert words in said.err
        assert said.out == ""
    assert there.read_text(encoding="utf-8") == "mine"


def test_positions_are_cells_of_a_square_or_runs() -> None:
    square = position_cells(np.array([[0, 1, 255, 16 * 2]]), np.array([256]))
    assert square.tolist() == [[0, 0, 63, 8]]  # type: ignore[union-attr]
    runs = position_cells(np.array([[0, 199]]), np.array([200]))
    assert runs.tolist() == [[0, 63]]  # type: ignore[union-attr]
    assert isinstance(position_cells(np.array([[0], [0]]), np.array([4, 9])), str)


def test_without_position_no_lens_saves_by_telling_positions_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    of_position = 3 * rng.standard_normal((1, P, WIDTH))
    session = plant(tmp_path / "s", [of_position + rng.standard_normal((IMAGES, P, WIDTH))], KEPT)
    saved = []
    for options in ((), ("--without-position",)):
        table = tmp_path / f"{len(options)}.csv"
        assert run(session, "--json", *options, "--to", str(table)) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["settings"]["without_position"] is bool(options)
        rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
        assert {row["without_position"] for row in rows} == {str(bool(options))}
        [layer] = found["layers"]
        saved.append({key: lens and lens["saved"] for key, lens in layer["lenses"].items()})
    assert saved[0]["position_known"] > 5
    assert saved[1]["position_known"] < 0.5
    assert run(session, "--without-position") == 0
    assert "16 tokens of each image, minus the mean at their position" in capsys.readouterr().out


def test_positions_of_images_of_several_sizes_cannot_be_taken_off(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    positions, counts = session.token_positions()
    counts = np.where(np.arange(len(counts)) == 3, counts + 1, counts)
    monkeypatch.setattr(Session, "token_positions", lambda self, guidance=None: (positions, counts))
    assert run(session, "--without-position") == 2
    assert "one position is not one place: leave --without-position out" in capsys.readouterr().err


def exported(session: Session, folder: Path, *options: str) -> list[str]:
    try:
        assert main(("export", str(session.path), "--to", str(folder), *options)) == 0
    except SystemExit as exit:
        raise AssertionError from exit
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_export_has_the_lenses_where_they_are_asked_for(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("--metric", "lenses", "--labels", "coarse")
    files = exported(session, tmp_path / "a", *chosen, "--format", "csv,parquet,svg")
    where = "cond-step1-guidance1-coarse"
    plots = [
        f"plots/lenses-{kind}-{where}.{end}"
        for kind in ("rate", "saved")
        for end in ("csv", "parquet", "svg")
    ]
    assert files == ["lenses.csv", "lenses.parquet", *plots]
    rows = list(csv.DictReader((tmp_path / "a" / "lenses.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 3 * len(LENSES)
    found = sparse_comparison(session, Settings(), Asked())
    for row in rows:
        of = found.layers[int(row["layer"])].found
        lens = None if isinstance(of, str) else of.lenses.get(row["lens"])
        assert (row["rate"] == "") == (lens is None) == bool(row["missing"])
        assert lens is None or float(row["rate"]) == pytest.approx(lens.rate, rel=1e-12)
    assert {row["labels"] for row in rows} == {"coarse"}
    assert "version" in " ".join(rows[0])

    both = exported(
        session, tmp_path / "b", "--metric", "lenses,R", "--permutations", "0", "--format", "csv,json"
    )
    assert both == ["figures.csv", "figures.json", "lenses.csv", "lenses.json", "tokens.csv", "tokens.json"]
    kept = json.loads((tmp_path / "b" / "lenses.json").read_text(encoding="utf-8"))
    assert {row["labels"] for row in kept} == {"coarse", "fine"}
    assert "lenses.csv" not in exported(session, tmp_path / "c", "--permutations", "0", "--format", "csv")


def test_export_of_lenses_refuses_before_anything_is_computed(
    planted: PlantedSessionFactory, session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without = open_session(planted().start().record().path)
    with pytest.raises(SystemExit) as exit:
        raise SystemExit(
            main(("export", str(without.path), "--to", str(tmp_path / "o"), "--metric", "lenses"))
        )
    assert exit.value.code == 2
    assert "`subspacelens-tui record --tokens`" in capsys.readouterr().err
    assert not list(tmp_path.glob("o/*"))
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "lenses.csv").write_text("mine")
    assert main(("export", str(session.path), "--to", str(tmp_path / "p"), "--metric", "lenses")) == 1
    assert "lenses.csv" in capsys.readouterr().err
    assert (tmp_path / "p" / "lenses.csv").read_text() == "mine"
