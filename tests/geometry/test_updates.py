"""What a block does to its input: planted maps with known answers, autograd, brute force."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from subspacelens_tui.geometry import GeometryError, permuted_labels
from subspacelens_tui.geometry.contraction import contraction_nulls, fit_contraction, fitted_gains
from subspacelens_tui.geometry.label_part import CRITICAL_Z, LabelPart, _inverse
from subspacelens_tui.geometry.updates import BlockGrams, Update

D, N, EPS = 96, 200, 0.5
ALPHA = D / (N * EPS**2)
COARSE, FINE = np.repeat(np.arange(5), 40), np.repeat(np.arange(25), 8)


def planted(seed: int = 0) -> np.ndarray:
    """Features of a decaying spectrum in which coarse and fine classes differ, centred (d, N)."""
    rng = np.random.default_rng(seed)
    roots = np.exp(-np.linspace(0, 2.5, D))[:, None]
    Z = rng.standard_normal((D, N)) + 0.3 * rng.standard_normal((D, 5))[:, COARSE]
    Z = roots * (Z + 0.3 * rng.standard_normal((D, 25))[:, FINE])
    Z = np.linalg.qr(rng.standard_normal((D, D)))[0] @ Z
    return Z - Z.mean(axis=1, keepdims=True)


def gradients(Z: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∇R = EZ and ∇Rc = CZ by autograd, centred."""
    at = torch.tensor(Z, requires_grad=True)

    def rate(of: torch.Tensor) -> torch.Tensor:
        d, n = of.shape
        return 0.5 * torch.logdet(torch.eye(d, dtype=of.dtype) + d / (n * EPS**2) * of @ of.T)

    classes = [torch.tensor(np.flatnonzero(labels == k)) for k in np.unique(labels)]
    rates = rate(at), sum(len(c) / Z.shape[1] * rate(at[:, c]) for c in classes)
    found = [torch.autograd.grad(of, at)[0].numpy() for of in rates]  # type: ignore[arg-type]
    return found[0], found[1] - found[1].mean(axis=1, keepdims=True)


def alignment(grams: BlockGrams, labels: np.ndarray) -> float:
    part = LabelPart(grams, EPS)
    return part.value(labels) / part.scale(labels)


@pytest.fixture(scope="module")
def Z() -> np.ndarray:
    return planted()


@pytest.mark.parametrize("eta", [0.05, 2])
def test_a_step_up_the_rate_reduction_is_aligned_with_its_label_part(Z: np.ndarray, eta: float) -> None:
    E, C = gradients(Z, COARSE)
    assert alignment(BlockGrams.of(Z, Z + eta * (E - C)), COARSE) == pytest.approx(1, abs=1e-6)
    assert alignment(BlockGrams.of(Z, Z - eta * C), COARSE) == pytest.approx(1, abs=1e-6)


def test_a_scaling_is_radial_and_says_nothing_else(Z: np.ndarray) -> None:
    grams = BlockGrams.of(Z, 1.05 * Z)
    update = Update.of(grams)
    assert update.size == pytest.approx(0.05)
    assert update.radial_share == pytest.approx(1)
    assert update.spectral_share == pytest.approx(1)
    for asked in (lambda: update.expansion(EPS), lambda: fit_contraction(update.gains)):
        with pytest.raises(GeometryError, match="scales its input"):
            asked()
    with pytest.raises(GeometryError, match="function of the spectrum"):
        LabelPart(grams, EPS)


def test_an_expansion_is_found_with_its_precision(Z: np.ndarray) -> None:
    grams = BlockGrams.of(Z, Z + 0.05 * gradients(Z, COARSE)[0])
    update = Update.of(grams)
    assert update.expansion(EPS).value == pytest.approx(1)
    assert update.spectral_share == pytest.approx(1)
    fit = fit_contraction(update.gains)
    assert fit.slope > 0
    assert fit.noise == pytest.approx(EPS**2 / D, rel=0.01)
    with pytest.raises(GeometryError, match="function of the spectrum"):
        LabelPart(grams, EPS)


def test_a_denoiser_is_found_with_its_noise(Z: np.ndarray) -> None:
    S = Z @ Z.T / N
    update = Update.of(BlockGrams.of(Z, S @ np.linalg.solve(S + 0.05 * np.eye(D), Z)))
    values, gains, _ = update.gains.T
    assert np.abs(gains - values / (values + 0.05)).max() < 1e-12
    fit = fit_contraction(update.gains)
    assert fit.slope == pytest.approx(-1, abs=0.002)
    assert 0.048 < fit.noise < 0.0505
    assert fit.r2 > 0.999
    fitted = fitted_gains(values, fit.offset, fit.slope, fit.noise)
    np.testing.assert_allclose(fitted, gains, atol=1e-3)
    slope, r2 = contraction_nulls(fit, update.gains)
    assert (slope.p, r2.p) == (1 / 201, 1 / 201)


def test_random_maps_neither_expand_nor_denoise() -> None:
    """150 of them: z_E of mean 0 and deviation near 1, the spectral share near 1/d, and the level of R²."""
    rng = np.random.default_rng(1)
    z, share, p = [], [], []
    for number in range(150):
        # One ReLU layer moves all inputs of one kind alike: another input each time.
        Z = planted(number)
        moved = rng.standard_normal((D, D)) / np.sqrt(D) @ Z
        update = Update.of(BlockGrams.of(Z, Z + 0.3 * (np.maximum(moved, 0) if number % 2 else moved)))
        z.append(update.expansion(EPS).z)
        share.append(update.spectral_share)
        if number < 60:
            p.append(contraction_nulls(fit_contraction(update.gains), update.gains)[1].p)
    assert abs(np.mean(z)) < 0.2
    assert 0.8 < np.std(z) < 1.1
    assert 0.9 < np.mean(share) * D < 1.05
    assert np.mean(np.asarray(p) <= 0.05) <= 0.12


def rule(grams: BlockGrams, labels: np.ndarray, labelings: np.ndarray) -> tuple[bool, float, float]:
    """Whether both nulls are rejected, z_rot and A_ex."""
    part = LabelPart(grams, EPS)
    permuted = part.under(labelings)
    z, cosine = part.rotation(labels, permuted)
    p = (1 + np.sum(permuted.values >= part.value(labels))) / (1 + len(labelings))
    return p <= 0.05 and z > CRITICAL_Z, z, cosine


def test_a_denoiser_with_some_random_map_contracts_and_knows_no_labels() -> None:
    found = []
    for seed in range(5):
        rng, Z = np.random.default_rng(seed), planted(seed)
        S = Z @ Z.T / N
        out = S @ np.linalg.solve(S + 0.1 * np.eye(D), Z)
        out += 0.05 * rng.standard_normal((D, D)) / np.sqrt(D) @ Z
        grams = BlockGrams.of(Z, out)
        assert Update.of(grams).expansion(EPS).z < -40
        labelings = permuted_labels(COARSE, "subjects", 100, seed, groups=FINE)
        found.append(rule(grams, COARSE, labelings)[0])
    assert sum(found) <= 1


@pytest.mark.parametrize("compressed", ["coarse", "fine"])
def test_a_weak_compression_of_the_classes_is_found_and_of_others_is_not(compressed: str) -> None:
    claims = []
    for seed in range(4):
        rng, Z = np.random.default_rng(seed), planted(seed)
        C = gradients(Z, COARSE if compressed == "coarse" else FINE)[1]
        noise = rng.standard_normal((D, D)) @ Z
        unit = np.linalg.norm(Z)
        out = Z - 0.01 * unit / np.linalg.norm(C) * C + 0.1 * unit / np.linalg.norm(noise) * noise
        grams = BlockGrams.of(Z, out)
        coarse = rule(grams, COARSE, permuted_labels(COARSE, "subjects", 200, seed, groups=FINE))
        fine = rule(grams, FINE, permuted_labels(FINE, "fine-within-coarse", 200, seed, groups=COARSE))
        claims.append((coarse[0], fine[0]))
        z, cosine = (coarse if compressed == "coarse" else fine)[1:]
        assert z > 5
        assert 0.02 < cosine < 0.12
    of_coarse, of_fine = np.sum(claims, axis=0)
    # The rule rejects a true null in up to 9 %.
    assert of_coarse == 4 if compressed == "coarse" else (of_fine == 4 and of_coarse <= 1)


def test_the_label_part_is_that_of_gradients_and_projections(Z: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    grams = BlockGrams.of(Z, Z + 0.1 * rng.standard_normal((D, D)) @ Z + 3)
    E, C = gradients(Z, COARSE)
    part = LabelPart(grams, EPS)
    U, _, Vt = np.linalg.svd(Z, full_matrices=False)

    def rest(X: np.ndarray) -> np.ndarray:
        return X - (U * np.einsum("di,di->i", U, X @ Vt.T)) @ Vt

    rng = np.random.default_rng(2)
    delta = 0.1 * rng.standard_normal((D, D)) @ Z
    assert part.value(COARSE) == pytest.approx(-float((rest(delta) * C).sum()), rel=1e-8)
    norms = float(np.linalg.norm(rest(delta)) * np.linalg.norm(rest(C)))
    assert part.scale(COARSE) == pytest.approx(norms, rel=1e-8)
    square = part._gradient_square(part._block_diagonal(COARSE), float((C**2).sum()))
    assert square == pytest.approx(float(((E - C) ** 2).sum()), rel=1e-10)
    # What rotations of the rest of the update give, in closed form and drawn.
    permuted = part.under(permuted_labels(COARSE, "free", 20, 0))
    z, cosine = part.rotation(COARSE, permuted)
    step = ALPHA * Z @ (permuted.inverses - part._block_diagonal(COARSE))
    step = rest(step - step.mean(axis=1, keepdims=True))
    excess = float((rest(delta) * step).sum())
    assert cosine == pytest.approx(excess / (np.linalg.norm(step) * np.linalg.norm(rest(delta))), rel=1e-6)
    turned = [float((haar(rng) @ rest(delta) * step).sum()) for _ in range(200)]
    assert z == pytest.approx(excess / np.std(turned), rel=0.2)


def haar(rng: np.random.Generator) -> np.ndarray:
    """A rotation, uniform."""
    Q, R = np.linalg.qr(rng.standard_normal((D, D)))
    rotation: np.ndarray = Q * np.sign(np.diagonal(R))
    return rotation


def test_shares_and_gains_are_those_of_vectors_and_their_nulls_those_of_rotations(Z: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    delta = (0.2 * rng.standard_normal((D, D)) + 0.1 * np.eye(D)) @ Z
    update = Update.of(BlockGrams.of(Z, Z + delta))
    U, roots, Vt = np.linalg.svd(Z, full_matrices=False)
    along = np.einsum("di,di->i", U, delta @ Vt.T)
    norm = float(np.sum(delta**2))
    assert update.size == pytest.approx(np.sqrt(norm) / np.linalg.norm(Z))
    assert update.radial_share == pytest.approx(float((Z * delta).sum()) ** 2 / norm / float((Z**2).sum()))
    assert update.spectral_share == pytest.approx(float(along @ along) / norm)
    np.testing.assert_allclose(update.gains[::-1, 1], 1 + along / roots, rtol=1e-9)
    E = gradients(Z, COARSE)[0]
    tangent = [of - (of * Z).sum() / (Z**2).sum() * Z for of in (delta, E)]
    cosine = float((tangent[0] * tangent[1]).sum()) / float(np.prod([np.linalg.norm(of) for of in tangent]))
    expansion = update.expansion(EPS)
    assert expansion.value == pytest.approx(cosine, rel=1e-9)
    turned = []
    for _ in range(120):
        Q = haar(rng)
        of = Update.of(BlockGrams.of(Z, Z + Q @ delta))
        turned.append((of.radial_share, of.spectral_share, *((of.gains[:3, 1] - 1) / update.gains[:3, 2])))
        # Of the tangent part, whose length is kept.
        turned[-1] += (float((Q @ tangent[0] * tangent[1]).sum()),)
    radial, spectral, *gains, aligned = np.asarray(turned).T
    assert radial.mean() == pytest.approx(update.radial_null.mean, rel=0.3)
    assert spectral.mean() == pytest.approx(update.spectral_null.mean, rel=0.05)
    assert spectral.std() == pytest.approx(update.spectral_null.std, rel=0.2)
    assert np.std(gains) == pytest.approx(1, rel=0.1)
    length = float(np.prod([np.linalg.norm(of) for of in tangent]))
    assert aligned.std() / length == pytest.approx(expansion.std, rel=0.2)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (lambda Z: Z + 4, "changes nothing"),
        (lambda Z: np.concatenate([Z, Z]), "features of one shape"),
        (lambda Z: Z[:, :100], "features of one shape"),
    ],
)
def test_what_has_no_update_says_so(
    Z: np.ndarray, after: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    with pytest.raises(GeometryError, match=words):
        _ = Update.of(BlockGrams.of(Z, after(Z))).radial_share


def test_an_input_of_few_dimensions_has_a_size_and_no_directions(Z: np.ndarray) -> None:
    low = Z.copy()
    low[:, :] = np.linalg.qr(Z[:, :7])[0] @ np.random.default_rng(0).standard_normal((7, N))
    update = Update.of(BlockGrams.of(low, low + 0.1 * Z))
    assert update.size > 0
    for asked in (
        lambda: update.spectral_share,
        lambda: update.expansion(EPS),
        lambda: update.gains,
    ):
        with pytest.raises(GeometryError, match="spans 7 dimensions of 96"):
            asked()


@pytest.mark.parametrize("size", [47, 48, 90])
def test_inverses_are_the_same_however_large_a_class_is(size: int) -> None:
    rng = np.random.default_rng(size)
    X = rng.standard_normal((3, 20, size))
    A = np.swapaxes(X, 1, 2) @ X + np.eye(size)
    np.testing.assert_allclose(_inverse(A.copy()) @ A, np.broadcast_to(np.eye(size), A.shape), atol=1e-9)


def test_labels_that_tell_nothing_apart_have_no_alignment(Z: np.ndarray) -> None:
    """Each image five times, once in each class: the gradient of ΔR vanishes."""
    once = Z[:, :40]
    repeated = np.concatenate([once] * 5, axis=1)
    labels = np.repeat(np.arange(5), 40)
    grams = BlockGrams.of(repeated, repeated + 0.1 * np.random.default_rng(0).standard_normal((D, N)))
    with pytest.raises(GeometryError, match="gradient of ΔR vanishes"):
        LabelPart(grams, EPS).scale(labels)
