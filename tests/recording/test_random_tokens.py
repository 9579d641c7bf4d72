"""A real model at random weights has learned nothing: what the lenses may find in its tokens is position."""

import numpy as np
import pytest

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_sample import finite_sample
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sessions.writer import create_session
from subspacelens_tui.sparse import Tokens, compare_lenses
from subspacelens_tui.sparse.recipe import Asked
from validation.sparse.planted import trained

LAYER, BIT = 8, np.log(2)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("sessions") / "random"
    request = Request(random_init=True, seeds=6, steps=2, capture=[1], tokens=32, batch_size=50)
    create_session(folder, plan(request))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "_take_signals", lambda self: None)
        assert Recorder(folder).run() == 0
    return open_session(folder)


@pytest.mark.parametrize("without_position", [False, True])
def test_a_sparse_code_saves_nothing_once_position_is_removed(
    session: Session, without_position: bool
) -> None:
    sample = finite_sample(session, Settings().resolve(session), (LAYER,), without_position)
    values = sample.values(LAYER)
    dictionary = trained(values[sample.split.train], Asked(steps=300))
    found = compare_lenses(Tokens(values, sample.split, sample.cells), dictionary=dictionary)
    sparse, subspaces = (found.lenses[lens].saved / BIT for lens in ("sparse", "subspaces_25"))
    if without_position:
        assert abs(sparse) < 0.5
        assert subspaces < 0.5
    else:
        assert sparse > 5
        assert subspaces > 1
