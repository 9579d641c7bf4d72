"""Methods recover what was planted; what is affine is what it says."""

import dataclasses

import numpy as np
import pytest
import torch

from subspacelens_tui.steering import METHODS, Change, Edit, SteeringError, square_grid
from subspacelens_tui.steering.edit import average
from subspacelens_tui.steering.examples import cosine_basis
from tests.steering.planted import WIDTH, Planted, planted


@pytest.fixture(scope="module")
def world() -> Planted:
    return planted()


def steered(
    edit: Edit, cond: np.ndarray, uncond: np.ndarray, partner: np.ndarray | None = None
) -> np.ndarray:
    tokens = {"cond": cond, "uncond": uncond, "partner": cond if partner is None else partner}
    return cond + edit(tokens)


@pytest.mark.parametrize("tokens", [16, 9])
def test_transport_gives_the_token_that_class_b_would_have_had(tokens: int) -> None:
    world = planted(tokens=tokens)
    edit = METHODS["transport"].fit(world.examples, "lion", "panda")
    rng = np.random.default_rng(1)
    u = rng.standard_normal((5, 16, WIDTH))
    x = rng.standard_normal((5, 16, WIDTH))
    wanted = world.places["panda"] + u @ world.W["panda"]
    error = steered(edit, x, u) - wanted
    # The ridge takes a hundredth of W.
    assert np.abs(error).mean() < 0.05 * np.abs(wanted).mean()


def test_transport_without_a_grid_has_one_mean_for_all_positions(world: Planted) -> None:
    anywhere = dataclasses.replace(world.examples, grid=None)
    edit = METHODS["transport"].fit(anywhere, "lion", "panda")
    np.testing.assert_allclose(edit.bias, np.broadcast_to(edit.bias[0], edit.bias.shape), rtol=1e-5)


def test_mean_moves_every_token_by_the_difference_of_the_class_means(world: Planted) -> None:
    of = world.examples
    edit = METHODS["mean"].fit(of, "lion", "panda")
    shift = of.cond[of.classes == "panda"].mean((0, 1)) - of.cond[of.classes == "lion"].mean((0, 1))
    np.testing.assert_allclose(edit({"cond": of.cond})[0, 0], shift, rtol=1e-4, atol=1e-6)
    reversed_ = METHODS["mean"].fit(of, "panda", "lion")
    np.testing.assert_allclose(edit.bias, -reversed_.bias, rtol=1e-5)


def test_patch_gives_the_partner_and_interchange_its_part_between_the_classes(world: Planted) -> None:
    of, rng = world.examples, np.random.default_rng(2)
    x, b = rng.standard_normal((2, 3, 16, WIDTH))
    np.testing.assert_allclose(steered(METHODS["patch"].fit(of, "lion", "panda"), x, x, b), b, atol=1e-12)
    found = steered(METHODS["interchange"].fit(of, "lion", "panda"), x, x, b)
    means = np.stack([of.cond[of.classes == name].mean((0, 1)) for name in np.unique(of.classes)])
    inside = np.linalg.svd(means - means.mean(0), full_matrices=False)[2][:2]
    np.testing.assert_allclose(found @ inside.T, b @ inside.T, atol=1e-5)
    outside = np.linalg.svd(inside)[2][2:]
    np.testing.assert_allclose(found @ outside.T, x @ outside.T, atol=1e-5)


def test_project_leaves_what_class_b_spans_and_takes_the_rest_to_its_mean() -> None:
    world = planted()
    of = world.examples
    edit = METHODS["project"].fit(of, "lion", "panda")
    # Sixteen directions are all that six dimensions have.
    np.testing.assert_allclose(edit({"cond": of.cond}), 0, atol=1e-4)


def test_what_cannot_be_fitted_is_one_line(world: Planted) -> None:
    of = world.examples
    with pytest.raises(SteeringError, match="'cat' has no images"):
        METHODS["transport"].fit(of, "lion", "cat")
    few = planted(images=1, tokens=3).examples
    with pytest.raises(SteeringError, match=r"'panda' has 3 tokens for d = 6: about 20 are needed"):
        METHODS["transport"].fit(few, "lion", "panda")
    assert (
        planted(images=1).examples.few("panda")
        == "16 tokens a class for d = 6: about 20 are known to suffice"
    )
    assert of.few("panda") is None


def test_cosines_are_orthonormal_and_all_of_them_span_every_position() -> None:
    basis = cosine_basis(12, (3, 4), 8)
    np.testing.assert_allclose(basis.T @ basis, np.eye(12), atol=1e-12)
    few = cosine_basis(64, (8, 8), 6)
    assert few.shape == (64, 36)
    np.testing.assert_allclose(few.T @ few, np.eye(36), atol=1e-12)
    # The first is constant, and the cosines along the columns change nothing from row to row.
    np.testing.assert_allclose(few[:, 0], 1 / 8)
    np.testing.assert_allclose(few[:, 1].reshape(8, 8), few[:, 1].reshape(8, 8)[:1].repeat(8, 0))
    assert square_grid(64) == (8, 8)
    assert square_grid(60) is None


@pytest.mark.parametrize("matched", [False, True])
def test_torch_and_numpy_agree(world: Planted, matched: bool) -> None:
    edit = METHODS["transport"].fit(world.examples, "lion", "panda")
    reference = METHODS["mean"].fit(world.examples, "lion", "panda") if matched else None
    change = Change(edit, reference)
    rng = np.random.default_rng(3)
    tokens = {name: rng.standard_normal((2, 16, WIDTH)).astype(np.float32) for name in ("cond", "uncond")}
    on_torch = change.map(torch.as_tensor)({name: torch.as_tensor(of) for name, of in tokens.items()})
    np.testing.assert_allclose(on_torch.numpy(), change(tokens), rtol=1e-4, atol=1e-5)


def test_the_average_of_edits_changes_by_the_average(world: Planted) -> None:
    edits = [METHODS["transport"].fit(world.examples, "lion", name) for name in ("panda", "car")]
    of = world.examples
    tokens = {"cond": of.cond[:3], "uncond": of.uncond[:3]}
    expected = (edits[0](tokens) + edits[1](tokens)) / 2
    np.testing.assert_allclose(average(edits)(tokens), expected, rtol=1e-5, atol=1e-6)
