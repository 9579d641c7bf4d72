"""The conditional token that class B would have, given the unconditional one of this very image."""

import numpy as np

from subspacelens_tui.steering.edit import Edit
from subspacelens_tui.steering.examples import RIDGE, FloatArray, TokenStatistics
from subspacelens_tui.steering.method_declaration import Method


def transport(statistics: TokenStatistics, source: str, target: str) -> Edit:
    """The Gaussian conditional mean: x → P^c_t + (u_t - P^u_t) W, at position t of an image of any class.

    P^c_t and P^u_t are the means of class B's conditional and unconditional tokens at t, smooth over the
    image (`TokenStatistics.basis`); W = (C_uu + λI)⁻¹ C_uc of what is left around them, λ = .01 tr C_uu/d.

    Args:
        statistics: of class B at least.
        source: class of the images; it does not enter.
        target: class B.
    """
    moments = statistics.moments(target)
    of_cond, of_uncond = moments.smooth_means()
    C_uu, C_uc = moments.around_means()
    W: FloatArray = np.linalg.solve(C_uu + RIDGE * np.trace(C_uu) / len(C_uu) * np.eye(len(C_uu)), C_uc)
    bias = statistics.basis() @ (of_cond - of_uncond @ W)
    return Edit(bias.astype(np.float32), {"uncond": W.astype(np.float32), "cond": -1.0})


METHOD = Method(
    "transport", "the conditional token of class B, given the image's unconditional one", transport
)
