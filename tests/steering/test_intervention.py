"""Which change is made when, what is refused, and what comes back from disk."""

import math
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.steering_file import STEERING_FILE, open_steering, write_steering
from subspacelens_tui.steering import Change, Edit, Fingerprint, Intervention, SteeringError
from subspacelens_tui.steering.intervention_arrays import from_arrays, to_arrays

MODEL = Fingerprint((("blocks.0", 3, 4), ("blocks.1", 3, 4)), (5.0, 6.0))
EDIT = Edit(
    np.arange(12, dtype=np.float32).reshape(4, 3), {"uncond": np.eye(3, dtype=np.float32), "cond": -1.0}
)
CHANGES = {1: {0: Change(EDIT), 10: Change(Edit(np.ones((1, 3), np.float32), {"noise": 1.0}), EDIT)}}


def test_the_nearest_fitted_step_is_used_within_the_steps() -> None:
    of = Intervention(CHANGES, MODEL, steps=(2, 15))
    assert [of.fitted_step(1, step) for step in (0, 4, 5, 6, 19)] == [0, 0, 0, 10, 10]
    assert [of.acts_at(step) for step in (1, 2, 15, 16)] == [False, True, True, False]
    assert not of.with_strength(0).acts_at(5)
    assert of.layers == (1,)
    assert of.sources == {"cond", "uncond", "noise"}


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"strength": math.nan}, "the strength must be a finite number, not nan"),
        ({"strength": math.inf}, "the strength must be a finite number"),
        ({"steps": (5, 2)}, "steps must ascend from 0, as 5-19, not 5-2"),
        ({"half": "neither"}, "half must be cond, uncond or both"),
        ({"changes": {7: CHANGES[1]}}, "there is no layer 7: the model has 0 to 1"),
    ],
)
def test_what_is_no_intervention_is_one_line(wrong: dict, line: str) -> None:
    with pytest.raises(SteeringError, match=line):
        Intervention(**{"changes": CHANGES, "model": MODEL, **wrong})


def test_another_model_is_told_by_blocks_and_weights_but_not_by_precision() -> None:
    assert MODEL.differs_from(MODEL) is None
    assert MODEL.differs_from(Fingerprint(MODEL.blocks, (5.01, 6.01))) is None  # bfloat16
    assert MODEL.differs_from(Fingerprint(MODEL.blocks)) is None  # an older session does not say
    assert MODEL.differs_from(Fingerprint(MODEL.blocks[:1])) == "2 blocks, not 1"
    assert "other weights: their norm in blocks.1 is 6, not 7" in str(
        MODEL.differs_from(Fingerprint(MODEL.blocks, (5.0, 7.0)))
    )
    wider = Fingerprint((("blocks.0", 3, 4), ("blocks.1", 8, 4)))
    assert MODEL.differs_from(wider) == "blocks.1 of 4 tokens × 3, not blocks.1 of 4 × 8"


def test_changes_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    write_steering(tmp_path, to_arrays(CHANGES))
    with open_steering(tmp_path) as (names, read):
        found = from_arrays(names, read)
    rng = np.random.default_rng(0)
    tokens = {name: rng.standard_normal((2, 4, 3)) for name in ("cond", "uncond", "noise")}
    for step in (0, 10):
        np.testing.assert_array_equal(found[1][step](tokens), CHANGES[1][step](tokens))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=f"its {STEERING_FILE} is not there"), open_steering(tmp_path):
        pass
    for arrays in (
        {"blocks.00": np.ones(3)},
        {"1.0.edit.bias": np.ones((4, 3)), "1.0.edit.cond": np.ones((2, 2))},
        {"1.0.edit.cond": np.ones((3, 3))},
        {"1.0.edit.bias": np.ones((4, 3)), "1.0.edit.else": np.ones((3, 3))},
    ):
        write_steering(tmp_path, arrays)
        with open_steering(tmp_path) as (names, read), pytest.raises(SteeringError):
            from_arrays(names, read)
