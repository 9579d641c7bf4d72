"""Sessions of more images than N × N work is bearable for."""

import json
from collections import Counter

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings, analyzer, image_subset, incremental_grams
from subspacelens_tui.analysis.image_subset import Draw, most_images
from subspacelens_tui.cli import main
from subspacelens_tui.geometry import rate_reduction
from subspacelens_tui.sessions import SessionError, open_session
from tests.conftest import PlantedSession, PlantedSessionFactory

FEW = 30


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (image_subset, analyzer):
        monkeypatch.setattr(module, "MOST_IMAGES", FEW)


def test_memory_and_time_bound_the_images() -> None:
    assert most_images([1152] * 28) == 1000
    assert most_images([8] * 2) == 1000
    assert most_images([1152] * 1000) == 76
    assert most_images([1_000_000] * 1000) == 0


def test_the_draw_is_of_whole_rounds_and_seeded(planted: PlantedSessionFactory) -> None:
    manifest = planted(seeds=20, guidance=(3.0, 1.0)).manifest
    recorded = [i for i, image in enumerate(manifest.images) if image.guidance == 3.0]
    drawn = Draw(manifest, 3.0, seed=0).first(recorded, FEW)
    assert Counter(manifest.images[i].prompt for i in drawn) == dict.fromkeys(range(9), 3)
    assert len({manifest.images[i].seed for i in drawn}) == 3
    assert drawn == Draw(manifest, 3.0, seed=0).first(reversed(recorded), FEW)
    assert drawn != Draw(manifest, 3.0, seed=1).first(recorded, FEW)
    assert Draw(manifest, 3.0, seed=0).first(recorded[:FEW], FEW) == set(recorded[:FEW])
    assert len(Draw(manifest, 3.0, seed=0).first(recorded, 5)) == 5


def metrics_of_drawn(session: PlantedSession) -> tuple[list[float | None], int]:
    """ΔR of the images that are drawn, from their features."""
    opened = open_session(session.path)
    drawn = sorted(Draw(opened.manifest, 3.0, 0).first(opened.images(), FEW))
    columns = [opened.images().index(image) for image in drawn]
    labels = np.asarray(opened.labels())[columns]
    return [
        rate_reduction(opened.features(layer)[:, columns], labels, 0.5).delta_R for layer in range(3)
    ], len(drawn)


@pytest.mark.usefixtures("few")
def test_metrics_are_of_the_drawn_images_live_and_at_once(planted: PlantedSessionFactory) -> None:
    session = planted(seeds=12, layers=3, width=8, batch=7).start()
    live = Analyzer(open_session(session.path))
    for _ in range(16):
        session.record(1)
        live.refresh()
        found = live.result(Settings())
        expected, count = metrics_of_drawn(session)
        assert found.images == count
        assert found.curve("delta_R") == pytest.approx(expected)
    assert found.subset is not None
    assert (found.subset.of, found.subset.seed) == (108, 0)
    at_once = Analyzer(open_session(session.path)).result(Settings())
    assert at_once.curve("delta_R") == pytest.approx(found.curve("delta_R"))
    assert sorted(at_once.image_keys) == sorted(found.image_keys)


@pytest.mark.usefixtures("few")
def test_a_part_of_the_recording_is_shown_by_what_was_drawn_of_it(planted: PlantedSessionFactory) -> None:
    session = open_session(planted(seeds=12, layers=1, width=8).start().record().path)
    found = Analyzer(session).result(Settings(images=54))
    assert 0 < found.images < 27
    assert f"a seeded subset: {found.images} of 54 images" in found.notes[0]


@pytest.mark.usefixtures("few")
def test_analyze_says_so_in_text_and_json(
    planted: PlantedSessionFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    session = planted(seeds=12, layers=1, width=8).start().record()
    assert main(["analyze", str(session.path), "--seed", "7"]) == 0
    assert (
        "a seeded subset: 27 of 108 images, in whole rounds of the prompts, seed 7" in capsys.readouterr().out
    )
    assert main(["analyze", str(session.path), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["images"], content["subset"]) == (27, {"of": 108, "seed": 0})
    assert main(["analyze", str(session.path), "--every-image", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["images"], content["subset"]) == (108, None)


def test_layers_too_wide_for_two_images_are_refused(
    planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(planted().start().record(1).path)
    monkeypatch.setattr(incremental_grams, "most_images", lambda widths: 1)
    with pytest.raises(SessionError, match="no room for two"):
        Analyzer(session).result(Settings())
