"""Layers of different widths, as UNets have them: rates at one ε are no curve over them."""

from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.claims.claim import CLAIMS
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.judge import finding
from subspacelens_tui.analysis.output import curve_plot, print_result, write_plot
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.sweep import extremes
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.sessions import Session

WIDTHS = (6, 6, 9, 9, 6)


@pytest.fixture(scope="module")
def unet(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    """24 images of 6 subjects in 2 classes, at 5 layers of two widths; the middle of the first is a peak."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((6, 9))
    subjects = np.arange(24) % 6
    layers = [
        (3 * means[subjects] + rng.standard_normal((24, 9)))[:, :width] * (1 + 5 * (place == 1))
        for place, width in enumerate(WIDTHS)
    ]
    session = Session.from_features(
        layers,
        {"coarse": subjects // 3, "fine": subjects},
        prompts=[f"a {subject}" for subject in subjects],
        seeds=(np.arange(24) // 6).tolist(),
        name="unet",
        sessions=tmp_path_factory.mktemp("sessions"),
    )
    return Analyzer(session)


def test_rates_break_where_the_width_changes_and_ratios_do_not(unet: Analyzer) -> None:
    found = unet.result(Settings(permutations=19, errors="auto"))
    assert [layer.width for layer in found.layers] == list(WIDTHS)
    for name in ("R", "Rc", "delta_R", "excess", "Rc.excess"):
        assert width_breaks(found, name) == (2, 4)
    for name in ("ratio", "effective_rank", "overlap_mean", "z", "delta_R.p"):
        assert width_breaks(found, name) == ()
    assert width_breaks(unet.result(Settings(iso_rate=5.0)), "delta_R") == ()
    assert any("their curves break where it changes: compare Rc/R" in note for note in found.notes)
    assert extremes(found, "delta_R") == (None, None)


def test_the_table_is_in_parts_of_one_width(unet: Analyzer, capsys: pytest.CaptureFixture[str]) -> None:
    print_result(unet.session, unet.result(Settings()), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    start = next(place for place, line in enumerate(lines) if line.split()[:2] == ["layer", "width"])
    table = [line.split()[:2] for line in lines[start + 1 : start + 8]]
    assert table == [["0", "6"], ["1", "6"], [], ["2", "9"], ["3", "9"], [], ["4", "6"]]
    print_result(unet.session, unet.result(Settings(iso_rate=5.0)), as_json=False)
    assert "width" not in capsys.readouterr().out.splitlines()[1]


def test_claims_over_the_depth_cannot_be_told(unet: Analyzer) -> None:
    evidence = Evidence(unet, Settings(permutations=19), Watch())
    names = ("growth", "growth-trace", "dip", "growth-iso-rate")
    found = {key: finding(CLAIMS[key], evidence) for key in names}
    refused = {key for key, of in found.items() if "layers are 6 and 9 wide" in of.says}
    assert refused == {"growth", "growth-trace", "dip"}


def test_an_exported_plot_has_gaps(unet: Analyzer, tmp_path: Path) -> None:
    found = unet.result(Settings())
    for name, gaps in (("delta_R", True), ("ratio", False)):
        svg, _ = write_plot(curve_plot(name, [found], name), tmp_path, formats=("svg",))
        assert ("gaps: the width changes" in svg.read_text()) == gaps
