"""Clamped atoms are what the autoencoder's own code gives; the atoms that tell a class are found."""

import dataclasses

import numpy as np
import pytest
import torch

from subspacelens_tui.sparse import Autoencoder
from subspacelens_tui.steering import METHODS, Change, Dictionary, Edit, Examples, SteeringError, SummedTokens
from subspacelens_tui.steering.edit import average
from subspacelens_tui.steering.intervention_arrays import from_arrays, to_arrays
from subspacelens_tui.steering.methods.atom import telling_atoms

M, D = 20, 6
SIGMAS = {"relu": (None, False), "topk": (4, False), "jumprelu": (None, True), "batchtopk": (4, True)}


def autoencoder(k: int | None = None, with_threshold: bool = False) -> Autoencoder:
    rng = np.random.default_rng(0)
    E, W = rng.standard_normal((2, M, D))
    bias, shift = rng.standard_normal(M), rng.standard_normal(D)
    threshold = rng.uniform(0.2, 0.8, M) if with_threshold else None
    return Autoencoder(E, bias, shift, W, shift, k, threshold)


def dictionary(of: Autoencoder) -> Dictionary:
    bias = of.encoder_bias - of.encoder @ of.shift
    return Dictionary(of.encoder, bias, of.decoder, of.k, of.threshold, step=0)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_clamp_changes_tokens_by_what_the_decoder_makes_of_the_changed_code(sigma: str) -> None:
    of = autoencoder(*SIGMAS[sigma])
    atoms, values = [3, 11], [1.5, 0.0]
    x = np.random.default_rng(1).standard_normal((3, 8, D))
    code = of.activations(x.reshape(-1, D))
    assert 0.02 < (code[:, atoms] > 0).mean() < 0.9, "some have them, some do not"
    changed = code.copy()
    changed[:, atoms] = values
    expected = (of.decode(changed) - of.decode(code)).reshape(x.shape)
    clamp = dictionary(of).clamp(atoms, values)
    np.testing.assert_allclose(clamp(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dictionary(of).activations(x.reshape(-1, D)), code, atol=1e-9)
    on_torch = Change(Edit(np.zeros((1, D)), clamp=clamp)).map(torch.as_tensor)
    tokens = {"cond": torch.as_tensor(x, dtype=torch.float32)}
    np.testing.assert_allclose(on_torch(tokens).numpy(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_clamp_is_kept_rotated_and_averaged_as_other_edits_are(sigma: str) -> None:
    of = dictionary(autoencoder(*SIGMAS[sigma]))
    x = {"cond": np.random.default_rng(2).standard_normal((2, 5, D)).astype(np.float32)}
    edits = [Edit(np.zeros((1, D), np.float32), clamp=of.clamp([atom], [2.0])) for atom in (3, 11)]
    np.testing.assert_allclose(average(edits)(x), (edits[0](x) + edits[1](x)) / 2, rtol=1e-5, atol=1e-6)
    Q = np.linalg.qr(np.random.default_rng(3).standard_normal((D, D)))[0]
    np.testing.assert_allclose(edits[0].rotated(Q)(x), edits[0](x) @ Q, rtol=1e-4, atol=1e-5)
    noise = Edit(np.zeros((1, D), np.float32), {"noise": 1.0})
    arrays = to_arrays({4: {7: Change(noise, edits[0])}})
    found = from_arrays(arrays, arrays.__getitem__)[4][7]
    assert found.matched_to is not None
    np.testing.assert_array_equal(found.matched_to(x), edits[0](x))
    assert found.sources == {"noise", "cond"}


@pytest.mark.parametrize(
    ("name", "array"),
    [("rows", np.array([40.0])), ("decoder", np.zeros((1, 2))), ("values", np.zeros(3)), ("encoder", None)],
)
def test_a_damaged_clamp_is_refused(name: str, array: np.ndarray | None) -> None:
    clamp = dictionary(autoencoder(4)).clamp([3], [2.0])
    arrays = to_arrays({0: {0: Change(Edit(np.zeros((1, D), np.float32), clamp=clamp))}})
    key = f"0.0.edit.clamp_{name}"
    arrays = {of: there for of, there in arrays.items() if of != key} | (
        {} if array is None else {key: array}
    )
    with pytest.raises(SteeringError, match="what clamps atoms"):
        from_arrays(arrays, arrays.__getitem__)


def of_classes() -> Examples:
    """Lions have atom 1, pandas atom 2, all of them atom 0, in half of their tokens; directions are axes."""
    rng = np.random.default_rng(4)
    classes = np.repeat(["lion", "panda", "car"], 10)
    tokens = np.zeros((30, 8, D))
    tokens[:, ::2, 0] = 5.0
    for axis, name in enumerate(("lion", "panda"), start=1):
        tokens[classes == name, :4, axis] = 3.0
    tokens += 0.01 * rng.standard_normal(tokens.shape)
    axes = Dictionary(np.eye(D), np.full(D, -0.1), np.eye(D), None, None, step=0)
    positions = np.tile(np.arange(8), (30, 1))
    return Examples(tokens, tokens, positions, classes, 8, None, axes)


def test_the_atom_that_tells_a_class_is_set_to_what_it_has_there() -> None:
    statistics = of_classes()
    assert telling_atoms(statistics, "panda") == [2]
    edit = METHODS["atom"].fit(statistics, "lion", "panda")
    assert edit.clamp is not None
    assert edit.clamp.atoms == (2,)
    # Where it is active, which is half of the tokens.
    np.testing.assert_allclose(edit.clamp.values, 2.9, atol=0.01)
    named = dataclasses.replace(
        statistics,
        dictionary=statistics.dictionary and statistics.dictionary.asked("panda", [0, 1], [1.0, 2.0]),
    )
    assert METHODS["atom"].fit(named, "lion", "panda").clamp.atoms == (0, 1)  # type: ignore[union-attr]
    # A control towards another class has as many atoms, and those of that class, at their own values.
    of_lion = METHODS["atom"].fit(named, "panda", "lion").clamp
    assert of_lion is not None
    assert of_lion.atoms[0] == 1
    np.testing.assert_allclose(of_lion.values[0], 2.9, atol=0.01)


def test_what_atoms_cannot_be_clamped_is_one_line() -> None:
    statistics = of_classes()
    of = statistics.dictionary
    assert of is not None
    with pytest.raises(SteeringError, match="there is no atom 6: the autoencoder has 0 to 5"):
        of.asked("panda", [6], [])
    with pytest.raises(SteeringError, match="there must be a --value for each atom: 2 for 1"):
        of.asked("panda", [2], [1.0, 2.0])
    silent = dataclasses.replace(statistics, dictionary=of.asked("panda", [1], []))
    with pytest.raises(SteeringError, match="atom 1 is active on no token of 'panda': say with --value"):
        METHODS["atom"].fit(silent, "lion", "panda")
    sums = SummedTokens({name: statistics.moments(name) for name in statistics.names}, 8, None, of)
    with pytest.raises(SteeringError, match="has sums over its tokens only"):
        METHODS["atom"].fit(sums, "lion", "panda")
