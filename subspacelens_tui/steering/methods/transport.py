"""The conditional token that class B would have, given the unconditional one of this very image."""

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import RIDGE, Examples, FloatArray
from subspacelens_tui.steering.method import Method


def transport(examples: Examples, source: str, target: str) -> Edit:
    """The Gaussian conditional mean: x → P^c_t + (u_t - P^u_t) W, at position t of an image of any class.

    P^c_t and P^u_t are the means of class B's conditional and unconditional tokens at t, smooth over the
    image (`Examples.basis`); W = (C_uu + λI)⁻¹ C_uc of what is left around them, λ = .01 tr C_uu/d.

    Args:
        examples: of class B at least.
        source: class of the images; it does not enter.
        target: class B.
    """
    of_target = examples.of(target)
    basis = examples.basis()
    at = basis[of_target.positions.ravel()]
    cond, uncond = (
        of.reshape(-1, examples.width).astype(np.float64) for of in (of_target.cond, of_target.uncond)
    )
    # Of fewer images than cosines the smallest solution.
    coefficients = np.linalg.lstsq(at, np.hstack([cond, uncond]), rcond=1e-6)[0]
    of_cond, of_uncond = np.split(coefficients, 2, axis=1)
    around, wanted = uncond - at @ of_uncond, cond - at @ of_cond
    C_uu, C_uc = around.T @ around / len(at), around.T @ wanted / len(at)
    W: FloatArray = np.linalg.solve(C_uu + RIDGE * np.trace(C_uu) / len(C_uu) * np.eye(len(C_uu)), C_uc)
    bias = basis @ (of_cond - of_uncond @ W)
    return Edit(bias.astype(np.float32), {"uncond": W.astype(np.float32), "cond": -1.0})


METHOD = Method(
    "transport", "the conditional token of class B, given the image's unconditional one", transport
)
