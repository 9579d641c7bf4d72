"""How a sparse autoencoder is trained; without torch, so that everybody may know."""

import math

from pydantic import BaseModel, ConfigDict, Field

from subspacelens_tui.sparse.errors import SparseError

# Fewer training tokens an atom than this, and its direction is noise.
TOKENS_AN_ATOM = 40
_EXPANSION = 8
# k at the width of the demo model.
_K, _K_WIDTH = 8, 96


class Recipe(BaseModel):
    """How an autoencoder is trained.

    Attributes:
        atoms: m.
        k: active atoms a token; on average for BatchTopK.
        steps: of Adam.
        lr: the learning rate.
        batch: tokens a step.
        batch_topk: keep the k · batch largest activations of a batch, rather than k of each token.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    atoms: int = Field(ge=2, le=1_000_000)
    k: int = Field(ge=1, le=4096)
    steps: int = Field(default=3000, ge=1, le=10_000_000)
    lr: float = Field(default=4e-3, gt=0)
    batch: int = Field(default=512, ge=1)
    batch_topk: bool = False


class Asked(BaseModel):
    """What a user asks of training; what is None depends on the layer.

    Attributes:
        atoms, k, steps, batch_topk: as of `Recipe`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    atoms: int | None = Field(default=None, ge=2, le=1_000_000)
    k: int | None = Field(default=None, ge=1, le=4096)
    steps: int = Field(default=3000, ge=1, le=10_000_000)
    batch_topk: bool = False

    def recipe(self, width: int, tokens: int) -> Recipe:
        """For a layer of this width and so many training tokens.

        Atoms: eight times the width, and no more than leave 40 training tokens to each. k: 8 at width 96, 32
        at 1152, a power of two near 8 · √(width/96), and at most a quarter of the atoms.

        Raises:
            SparseError: if more atoms are to be active than there are.
        """
        atoms = self.atoms or max(4, min(_EXPANSION * width, tokens // TOKENS_AN_ATOM))
        k = self.k or min(2 ** round(math.log2(_K * math.sqrt(max(width, 2) / _K_WIDTH))), atoms // 4)
        if k > atoms:
            raise SparseError(f"{k} of {atoms} atoms cannot be active: ask for a smaller --k or more --atoms")
        return Recipe(atoms=atoms, k=max(1, int(k)), steps=self.steps, batch_topk=self.batch_topk)
