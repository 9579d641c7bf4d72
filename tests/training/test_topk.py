"""The training step against autograd, and what it finds in planted tokens."""

import numpy as np
import pytest
import torch

from subspacelens_tui.sparse import SparseError
from subspacelens_tui.sparse.recipe import Asked, Recipe
from subspacelens_tui.training.topk import Training

_AUXILIARY = 1 / 32


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def tokens(n: int = 600, d: int = 24) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(0))


def by_autograd(training: Training, recipe: Recipe) -> dict[str, torch.Tensor]:
    """The gradients of the loss as the papers write it."""
    names = ("encoder", "encoder_bias", "decoder", "decoder_bias")
    w = {name: training.state[name].clone().requires_grad_() for name in names}
    x, idle = training._batch(), training.state["idle"].clone()
    before = (x - w["decoder_bias"]) @ w["encoder"].T + w["encoder_bias"]
    active = before.relu()
    if recipe.batch_topk:
        kept = active.flatten().topk(recipe.k * len(x))
        code = torch.zeros_like(active).flatten().scatter(0, kept.indices, kept.values).view_as(active)
    else:
        kept = active.topk(recipe.k, dim=1)
        code = torch.zeros_like(active).scatter(1, kept.indices, kept.values)
    error = x - code @ w["decoder"] - w["decoder_bias"]
    loss = error.square().mean()
    dead = (idle + 1 > 100) & ~(code > 0).any(dim=0)
    if count := int(dead.sum()):
        wanted = x.shape[1] // 2
        others = before.masked_fill(~dead, -torch.inf).topk(min(wanted, count), dim=1)
        again = torch.zeros_like(active).scatter(1, others.indices, others.values.relu())
        rest = (again @ w["decoder"] - error.detach()).square().mean()
        # AuxK is of what dead atoms explain: the input's own bias is left out of it.
        bias = w.pop("decoder_bias")
        of_bias = torch.autograd.grad(loss, bias, retain_graph=True)[0]
        found = torch.autograd.grad(loss + _AUXILIARY * min(1.0, count / wanted) * rest, list(w.values()))
        return {**dict(zip(w, found, strict=True)), "decoder_bias": of_bias}
    return dict(zip(w, torch.autograd.grad(loss, list(w.values())), strict=True))


@pytest.mark.parametrize("batch_topk", [False, True])
@pytest.mark.parametrize("dead", [0, 8, 30])
def test_gradients_are_those_of_autograd(batch_topk: bool, dead: int) -> None:
    recipe = Recipe(atoms=64, k=4, steps=100, batch=128, batch_topk=batch_topk)
    training = Training(tokens(), recipe, 0)
    for _ in range(30):
        training.advance()
    if dead:
        training.state["encoder_bias"][:dead] -= 100
        training.state["idle"][:dead] = 200
        training.state["encoder_bias"][:5] += 99.5
    wanted = by_autograd(training, recipe)
    found: dict[str, torch.Tensor] = {}
    training._adam = found.update  # type: ignore[method-assign]
    training.advance()
    for name, gradient in wanted.items():
        scale = float(gradient.abs().max())
        assert float((found[name] - gradient).abs().max()) < 1e-5 * max(scale, 1e-3), name


def test_a_training_is_the_same_whenever_it_is_looked_at() -> None:
    recipe = Recipe(atoms=32, k=4, steps=60, batch=128)
    whole, first, second = (Training(tokens(), recipe, 3) for _ in range(3))
    for _ in range(60):
        whole.advance()
    for _ in range(25):
        first.advance()
    for name, tensor in first.state.items():
        second.state[name].copy_(tensor)
    second.step = first.step
    for _ in range(35):
        second.advance()
    for name, tensor in whole.state.items():
        assert torch.equal(tensor, second.state[name]), name
    other = Training(tokens(), recipe, 4)
    other.advance()
    assert not torch.equal(other.state["decoder"], whole.state["decoder"])


def test_planted_atoms_are_found() -> None:
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((64, 24))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    chosen = np.argsort(rng.random((4000, 64)), axis=1)[:, :2]
    x = np.einsum("nk,nkd->nd", np.abs(rng.standard_normal((4000, 2))) + 0.5, atoms[chosen])
    x *= np.sqrt(24 / (x**2).sum(axis=1).mean())
    training = Training(torch.from_numpy(x.astype(np.float32)), Recipe(atoms=64, k=2, steps=600), 0)
    for _ in range(600):
        training.advance()
    decoder = training.state["decoder"].numpy()
    assert np.allclose(np.linalg.norm(decoder, axis=1), 1, atol=1e-5)
    assert (np.abs(atoms @ decoder.T).max(axis=1) > 0.9).mean() > 0.8


def test_defaults_are_those_of_the_docs() -> None:
    assert Asked().recipe(96, 33_600) == Recipe(atoms=768, k=8, steps=3000, lr=4e-3, batch=512)
    assert Asked().recipe(96, 5760).atoms == 144
    assert Asked().recipe(1152, 10**6).k == 32
    assert Asked().recipe(12, 96) == Recipe(atoms=4, k=1)
    with pytest.raises(SparseError, match="20 of 10 atoms cannot be active"):
        Asked(atoms=10, k=20).recipe(96, 5760)
