"""Training a TopK sparse autoencoder (Gao et al. 2024, arXiv 2406.04093), or BatchTopK (Bussmann et al. 2024,
arXiv 2412.06410).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from subspacelens_tui.sparse.recipe import Recipe

# Of the gradient's auxiliary part, and after how many steps without a token an atom counts as dead.
_AUXILIARY = 1 / 32
_DEAD_AFTER = 100
# The learning rate rises over the first part of the steps and falls to zero over the last.
_WARM_UP, _DECAY = 0.05, 0.2
# Of the threshold of BatchTopK, a step.
_FORGETTING = 0.01


class Training:
    """One autoencoder in training; nothing but `state` changes from step to step.

    Args:
        x: (n, d) float32 training tokens, centred, with a mean square norm of d.
        recipe: how.
        seed: of the first weights and of the order of tokens.
        device: where.

    Attributes:
        state: by name: weights, Adam's moments, `idle` (steps since each atom was active), `threshold`.
        step: how many were made.
    """

    def __init__(self, x: Tensor, recipe: Recipe, seed: int, device: str = "cpu") -> None:
        self._x, self._recipe, self._seed = x.to(device), recipe, seed
        d = x.shape[1]
        random = torch.Generator().manual_seed(seed)
        decoder = functional.normalize(torch.randn(recipe.atoms, d, generator=random), dim=1)
        weights = {
            "encoder": decoder.clone(),
            "encoder_bias": torch.zeros(recipe.atoms),
            "decoder": decoder,
            "decoder_bias": torch.zeros(d),
        }
        self.state: dict[str, Tensor] = {name: tensor.to(device) for name, tensor in weights.items()}
        for name, tensor in weights.items():
            self.state[f"mean.{name}"] = torch.zeros_like(tensor, device=device)
            self.state[f"square.{name}"] = torch.zeros_like(tensor, device=device)
        self.state["idle"] = torch.zeros(recipe.atoms, device=device)
        self.state["threshold"] = torch.zeros((), device=device)
        self.step = 0
        self._names = tuple(weights)
        self._epoch: tuple[int, Tensor] | None = None

    @torch.no_grad()
    def advance(self) -> None:
        """Make one step."""
        x, weights, recipe = self._batch(), self.state, self._recipe
        inputs = x - weights["decoder_bias"]
        before = functional.linear(inputs, weights["encoder"], weights["encoder_bias"])
        kept = self._of_batch(before) if recipe.batch_topk else _largest(before, recipe.k)
        gradients = {name: torch.zeros_like(weights[name]) for name in self._names}
        error = self._descend(kept, inputs, gradients)
        # Of x̂ and, by way of what is encoded, of the input: together the gradient of the decoder's bias.
        gradients["decoder_bias"] = -2 / x.numel() * error.sum(dim=0)
        gradients["decoder_bias"] -= gradients["encoder_bias"] @ weights["encoder"]
        idle = weights["idle"]
        idle.add_(1)[kept.atoms[kept.values > 0]] = 0
        dead = (idle > _DEAD_AFTER).nonzero()[:, 0]
        if len(dead):
            self._revive(dead, before[:, dead], error, inputs, gradients)
        self._adam(gradients)
        self.step += 1

    def _descend(self, kept: "_Kept", inputs: Tensor, gradients: dict[str, Tensor]) -> Tensor:
        """Add the gradients of mean (inputs - code · decoder)², and return what is left (n, d)."""
        rows = self.state["decoder"][kept.atoms]
        values = kept.values.relu()
        error = inputs.index_add(0, kept.tokens, values[:, None] * rows, alpha=-1)
        slope = (-2 / inputs.numel() * error)[kept.tokens]
        gradients["decoder"].index_add_(0, kept.atoms, values[:, None] * slope)
        of_values = (slope * rows).sum(dim=1) * (kept.values > 0)
        gradients["encoder"].index_add_(0, kept.atoms, of_values[:, None] * inputs[kept.tokens])
        gradients["encoder_bias"].index_add_(0, kept.atoms, of_values)
        return error

    def _revive(
        self, dead: Tensor, before: Tensor, error: Tensor, inputs: Tensor, gradients: dict[str, Tensor]
    ) -> None:
        """AuxK: dead atoms are to explain what the others leave, of each token the d/2 that are largest.

        There may be many times more of them than of the others, so that dense products are faster.

        Args:
            dead: (m',) which they are.
            before: (n, m') their activations before the ReLU.
            error: (n, d) what the others leave.
            inputs: (n, d).
            gradients: to add to.
        """
        wanted = max(1, inputs.shape[1] // 2)
        codes = before.relu()
        if len(dead) > wanted:
            least = before.topk(wanted, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
            codes = codes.masked_fill(before < least, 0)
        decoder = self.state["decoder"][dead]
        weight = _AUXILIARY * min(1.0, len(dead) / wanted)
        slope = -2 * weight / inputs.numel() * (error - codes @ decoder)
        of_values = (slope @ decoder.T) * (codes > 0)
        gradients["decoder"].index_add_(0, dead, codes.T @ slope)
        gradients["encoder"].index_add_(0, dead, of_values.T @ inputs)
        gradients["encoder_bias"].index_add_(0, dead, of_values.sum(dim=0))

    def _batch(self) -> Tensor:
        """The tokens of this step: each comes once an epoch, in an order that the seed and the epoch give."""
        n, size = len(self._x), min(self._recipe.batch, len(self._x))
        each = n // size
        epoch, place = divmod(self.step, each)
        if self._epoch is None or self._epoch[0] != epoch:
            random = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
            self._epoch = epoch, torch.randperm(n, generator=random).to(self._x.device)
        return self._x[self._epoch[1][place * size : (place + 1) * size]]

    def _of_batch(self, before: Tensor) -> "_Kept":
        """BatchTopK; the smallest that is kept, on average, becomes the threshold of tokens one by one."""
        kept = before.flatten().topk(self._recipe.k * len(before), sorted=False)
        smallest = kept.values.min().clamp(min=0)
        threshold = self.state["threshold"]
        threshold.copy_(smallest if self.step == 0 else threshold.lerp(smallest, _FORGETTING))
        atoms = before.shape[1]
        return _Kept(kept.indices // atoms, kept.indices % atoms, kept.values)

    def _adam(self, gradients: dict[str, Tensor]) -> None:
        """Adam (Kingma & Ba 2015); rows of the decoder stay on the unit sphere."""
        decoder = self.state["decoder"]
        along = (gradients["decoder"] * decoder).sum(dim=1, keepdim=True)
        gradients["decoder"] = gradients["decoder"] - along * decoder
        t, rate = self.step + 1, self._recipe.lr * self._share_of_rate()
        for name, gradient in gradients.items():
            mean, square = self.state[f"mean.{name}"], self.state[f"square.{name}"]
            mean.lerp_(gradient, 0.1)
            square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            scale = (square / (1 - 0.999**t)).sqrt_().add_(1e-8)
            self.state[name].addcdiv_(mean, scale, value=-rate / (1 - 0.9**t))
        self.state["decoder"] = functional.normalize(self.state["decoder"], dim=1)

    def _share_of_rate(self) -> float:
        done = (self.step + 1) / self._recipe.steps
        return min(1.0, done / _WARM_UP, max(0.0, (1 - done) / _DECAY) + 1 / self._recipe.steps)


@dataclass(frozen=True)
class _Kept:
    """Activations that are kept, before the ReLU.

    Attributes:
        tokens, atoms: (E,) whose.
        values: (E,).
    """

    tokens: Tensor
    atoms: Tensor
    values: Tensor


def _largest(before: Tensor, k: int) -> _Kept:
    kept = before.topk(k, dim=1, sorted=False)
    tokens = torch.arange(len(before), device=before.device).repeat_interleave(k)
    return _Kept(tokens, kept.indices.flatten(), kept.values.flatten())
