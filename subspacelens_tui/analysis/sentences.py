"""What metrics between layers show of one session, in a sentence each."""

from collections.abc import Sequence

import numpy as np

from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.sessions.ranges import ranges

# Two-sided, 5 % of random directions are beyond it.
BEYOND = 1.96
_LEVEL = 0.05


def of_updates(result: Result) -> str:
    """Which blocks contract directions of low variance or expand them, more than random directions would.

    Empty until that is computed.
    """
    known = {layer.number: layer.expansion_z for layer in result.layers if layer.expansion_z is not None}
    if not known:
        # Without a reason it is not computed yet.
        why = result.why_missing("expansion_z")
        return f"No block has an expansion to speak of: {why}." if why else ""
    down = [layer for layer, z in known.items() if z < -BEYOND]
    up = [layer for layer, z in known.items() if z > BEYOND]
    parts = []
    if down:
        parts.append(f"{_blocks(down, 'contract')} low-variance directions, as a denoiser does")
    if up:
        parts.append(f"{_blocks(up, 'expand')} low-variance directions, as a step up the coding rate does")
    said = "; ".join(parts) or "no block contracts or expands beyond chance"
    by_chance = 0.05 * len(known)
    count = f"{len(down) + len(up)} of {len(known)} beyond chance (|z_E| > {BEYOND}), which alone gives "
    count += f"{by_chance:.2g}."
    return f"{said[0].upper()}{said[1:]}: {count}"


def of_control_updates(control: Result) -> str:
    """How many blocks do so at random weights, to be said after `of_updates`."""
    known = [layer.expansion_z for layer in control.layers if layer.expansion_z is not None]
    return f"Random init: {sum(abs(z) > BEYOND for z in known)} of {len(known)}."


def _blocks(layers: Sequence[int], verb: str) -> str:
    """Some blocks and what they do."""
    one = len(layers) == 1
    return f"block {ranges(layers)} {verb}s" if one else f"blocks {ranges(layers)} {verb}"


def of_gains(layer: LayerResult) -> str:
    """Whether the gains of a block fall with the variance as a denoiser's do."""
    null, b, fit = layer.nulls.get("contraction_r2"), layer.contraction, layer.contraction_fit
    if null is None or b is None or fit is None:
        return f"No curve is fitted: {layer.why_missing('contraction') or 'there are no gains'}."
    evidence = f"R² {layer.contraction_r2:.2f}, p {null.p:.3f}"
    if null.p > _LEVEL:
        return f"The gains have no trend beyond chance ({evidence})."
    # Another error than b's jackknife, which stands beside it in the inspector.
    interval = f"b {b:.3g}, 95 % interval by rotation [{fit.low:.3g}, {fit.high:.3g}], {evidence}"
    if fit.low <= 0 <= fit.high:
        return f"The gains have a trend of unclear sign ({interval})."
    if b < 0:
        return f"The block contracts low-variance directions, as a denoiser does ({interval})."
    return f"The block expands low-variance directions, as a step up the coding rate does ({interval})."


def of_cka(matrix: Float64Array, std: float, numbers: Sequence[int]) -> str:
    """Between which neighbouring layers the arrangement of the images changes most, and how alike all are."""
    if len(matrix) < 2:
        return "There is one layer only."
    neighbours = np.diagonal(matrix, 1)
    least = int(neighbours.argmin())
    others = matrix[~np.eye(len(matrix), dtype=bool)]
    return (
        f"The images' arrangement changes most from L{numbers[least]} to L{numbers[least + 1]} "
        f"(CKA {neighbours[least]:.2f}); "
        f"all layers: {others.min():.2f} to {others.max():.2f}, by chance within ±{1.96 * std:.2g} (95 %)."
    )
