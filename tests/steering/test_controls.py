"""Controls are as large as what they control, image by image, and something else."""

import dataclasses
import functools

import numpy as np
import pytest

from subspacelens_tui.steering import CONTROLS, METHODS, Fitted
from subspacelens_tui.steering.controls import random_rotation
from subspacelens_tui.steering.edit import norms
from tests.steering.planted import WIDTH, planted

OF = {control.key: control for control in CONTROLS}


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    examples = planted().examples
    toward = functools.cache(lambda name: METHODS["transport"].fit(examples, "lion", name))
    patch = METHODS["patch"].fit(examples, "lion", "panda")
    edits = (lambda: toward("panda"), toward, ("car",), "car", "panda", patch, lambda: toward("panda"))
    return Fitted(*edits, (16, WIDTH), layer=3, seed=0)


@pytest.fixture(scope="module")
def tokens() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    # The second image is ten times as large: energies must match image by image.
    sizes = np.array([1.0, 10.0, 0.1])[:, None, None]
    return {
        name: sizes * rng.standard_normal((3, 16, WIDTH)) for name in ("cond", "uncond", "partner", "noise")
    }


@pytest.mark.parametrize("key", ["rotation", "noise", "pattern", "class", "mixture"])
def test_energies_match_image_by_image(key: str, fitted: Fitted, tokens: dict[str, np.ndarray]) -> None:
    found, reference = OF[key].make(fitted)(tokens), fitted.edit()(tokens)
    np.testing.assert_allclose(norms(found), norms(reference), rtol=1e-4)
    cosine = (found * reference).sum((1, 2)) / norms(found) / norms(reference)
    assert (np.abs(cosine) < 0.95).all()


def test_a_rotation_keeps_each_token_as_large(fitted: Fitted, tokens: dict[str, np.ndarray]) -> None:
    found, reference = OF["rotation"].make(fitted)(tokens), fitted.edit()(tokens)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), np.linalg.norm(reference, axis=2), rtol=1e-4)
    Q = random_rotation(np.random.default_rng(0), 40)
    np.testing.assert_allclose(Q @ Q.T, np.eye(40), atol=1e-5)


def test_another_class_points_where_that_class_is(fitted: Fitted, tokens: dict[str, np.ndarray]) -> None:
    found, there = OF["class"].make(fitted)(tokens), fitted.toward("car")(tokens)
    np.testing.assert_allclose((found * there).sum((1, 2)) / norms(found) / norms(there), 1, rtol=1e-5)


def test_patch_is_not_matched(fitted: Fitted, tokens: dict[str, np.ndarray]) -> None:
    found = OF["patch"].make(fitted)(tokens)
    np.testing.assert_allclose(found, tokens["partner"] - tokens["cond"])


def test_controls_are_the_same_each_time_and_others_in_other_layers(fitted: Fitted) -> None:
    one, two = (OF["rotation"].make(fitted).edit.bias for _ in range(2))
    np.testing.assert_array_equal(one, two)
    elsewhere = dataclasses.replace(fitted, layer=4)
    assert not np.allclose(one, OF["rotation"].make(elsewhere).edit.bias)
