"""The sparse lens against dense algebra, and on planted tokens whose dictionary is known."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from subspacelens_tui.sparse import (
    Autoencoder,
    Comparison,
    Dictionary,
    Tokens,
    compare_lenses,
    judge,
    split_images,
)
from subspacelens_tui.sparse.components import Components
from subspacelens_tui.sparse.quality import Quality
from subspacelens_tui.sparse.sparse_lens import _code_prefix, _log_symmetric, _Prefix
from tests.sparse.planted import IMAGES, WIDTH, T, bits, groups, normal

ATOMS, ACTIVE = 128, 3


@pytest.fixture(scope="module")
def atoms() -> np.ndarray:
    found = np.random.default_rng(1).standard_normal((ATOMS, WIDTH))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def autoencoder(atoms: np.ndarray, k: int = ACTIVE) -> Autoencoder:
    """Of matching pursuit's first step: the atoms that agree most."""
    zero = np.zeros(WIDTH)
    return Autoencoder(atoms, np.zeros(len(atoms)), zero, atoms, zero, k)


def compared(values: np.ndarray, of: Autoencoder, second: Autoencoder | None = None) -> Comparison:
    positions = np.random.default_rng(2).integers(0, 4, values.shape[:2])
    tokens = Tokens(values, split_images(groups()), positions)
    return compare_lenses(tokens, dictionary=Dictionary(of, second))


def test_components_of_supports_are_those_of_their_covariance(atoms: np.ndarray) -> None:
    """The Woodbury identity against an eigendecomposition of each covariance."""
    rng = np.random.default_rng(3)
    x, chosen = normal(rng, 5), np.stack([rng.choice(ATOMS, 4, replace=False) for _ in range(5)])
    vectors = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0]
    means, variances = rng.random(ATOMS), rng.random(ATOMS)
    values, offset, noise = rng.random(WIDTH), rng.standard_normal(WIDTH), np.array([0.01, 0.3, 5.0])
    prefix = _Prefix(4, offset, vectors, values, means, variances, np.zeros(ATOMS), 0.0)
    rates, errors = _code_prefix(prefix, atoms, x, chosen, noise)
    for token, support, rate, error in zip(x, chosen, rates, errors, strict=True):
        D = atoms[support]
        covariance = (D.T * variances[support]) @ D + (vectors * values) @ vectors.T
        eigenvalues, basis = np.linalg.eigh(covariance)
        dense = Components((offset + means[support] @ D)[None], basis[None], eigenvalues[None], np.zeros(1))
        wanted_rate, wanted_error = dense.code(token[None], 0, noise)
        assert rate == pytest.approx(wanted_rate[0], rel=1e-9)
        assert error == pytest.approx(wanted_error[0], rel=1e-9)


def test_supports_of_one_length_have_probabilities_that_add_up_to_one() -> None:
    log_odds = np.random.default_rng(4).standard_normal(7)
    for length in range(8):
        each = [sum(log_odds[list(of)]) for of in itertools.combinations(range(7), length)]
        assert _log_symmetric(log_odds, length) == pytest.approx(np.logaddexp.reduce(each))


def test_a_sparse_code_is_seen_by_its_dictionary_alone(atoms: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    chosen = np.argsort(rng.random((IMAGES * T, ATOMS)), axis=1)[:, :1]
    values = np.abs(rng.standard_normal((IMAGES * T, 1))) * atoms[chosen[:, 0]]
    found = compared(values.reshape(IMAGES, T, WIDTH), autoencoder(atoms, 1), autoencoder(atoms[::-1], 1))
    assert bits(found, "sparse") <= 0.5 * bits(found, "gauss")
    # The atom, and no more than ½ log₂ 10 for its value.
    assert math.log2(ATOMS) - 1 < bits(found, "sparse") < math.log2(ATOMS) + 2
    assert found.quality is not None
    assert found.quality.held_out_ev > 0.99
    assert (found.quality.stable, found.quality.l0, found.quality.dead) == (1.0, 1.0, 0)
    assert judge(found).words == "undecided: 11 training tokens an atom, fewer than 40"
    enough = replace(found, quality=replace(found.quality, tokens_an_atom=40.0))
    assert judge(enough).word == "sparse"


def test_no_dictionary_makes_a_gaussian_sparse(atoms: np.ndarray) -> None:
    found = compared(normal(np.random.default_rng(6), IMAGES, T), autoencoder(atoms))
    assert bits(found, "sparse") == pytest.approx(bits(found, "gauss"), abs=0.5)


def test_units_of_tokens_do_not_matter(atoms: np.ndarray) -> None:
    rng = np.random.default_rng(7)
    values = normal(rng, IMAGES, T)
    shift, scale = rng.standard_normal(WIDTH), 30.0
    of = replace(
        autoencoder(atoms), encoder_bias=rng.standard_normal(ATOMS) - 1, threshold=np.full(ATOMS, 0.1)
    )
    x = values.reshape(-1, WIDTH)[:50]
    moved = of.on_scaled(-shift / scale, scale)
    assert np.allclose(moved.activations(x * scale + shift), scale * of.activations(x))
    first, second = compared(values, of), compared(values * scale + shift, moved)
    assert first.lenses["sparse"].rate == pytest.approx(second.lenses["sparse"].rate)


def judged(**changes: object) -> str:
    """The verdict of edges (value, error) in nats, where everything else is in order."""
    edges: dict[str, tuple[float, float]] = {"subspaces_25": (10.0, 1.0), "sparse": (5.0, 1.0)}
    quality = Quality(100, 0.8, 0.75, 8.0, 0, 50.0, None)
    edges |= {key: of for key, of in changes.items() if key in edges}  # type: ignore[misc]
    traps: tuple[float, float] = changes.get("traps", (5.0, 1.0))  # type: ignore[assignment]
    beyond = {
        key: {
            "gauss": edges[key],
            "scales_8": traps,
            "position_known": (5.0, 1.0),
            other: (edges[key][0] - edges[other][0], 1.0),
        }
        for key, other in itertools.permutations(edges)
    }
    lenses: dict = dict.fromkeys(edges)
    quality = replace(quality, **changes.get("quality", {}))  # type: ignore[arg-type]
    found = Comparison(0.1, 100, 4000, 50, 2000, 1, 1, lenses, {}, beyond, None, (), quality)  # type: ignore[arg-type]
    return judge(found).words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "subspaces"),
        ({"sparse": (15.0, 1.0)}, "sparse"),
        ({"sparse": (9.5, 1.0)}, "undecided: subspaces and sparse codes are within the error of each other"),
        ({"subspaces_25": (-2.0, 1.0), "sparse": (0.0, 0.0)}, "gaussian"),
        (
            {"subspaces_25": (0.5, 1.0), "sparse": (-3.0, 1.0)},
            "undecided: the edge of subspaces is within its error",
        ),
        (
            {"sparse": (15.0, 1.0), "traps": (0.5, 1.0)},
            "undecided: the edge of sparse codes is within the 8-scales lens",
        ),
        (
            {"quality": {"held_out_ev": 0.65}},
            "undecided: the autoencoder explains 0.80 of training tokens and 0.65 of held-out ones",
        ),
        ({"quality": {"tokens_an_atom": 12.0}}, "undecided: 12 training tokens an atom, fewer than 40"),
    ],
)
def test_verdicts_follow_their_rules(changes: dict[str, object], words: str) -> None:
    assert judged(**changes) == words
