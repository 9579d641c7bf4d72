"""Are the most structured layers the densest?"""

import numpy as np

from subspacelens_tui.analysis.claims.claim import LEVEL, CannotTell, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.curves import Curve, adjusted_p
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.verdict_rules import number, p_words, signed
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.uncertainty.moved_curves import moved_around

# Each is shifted around and reflected, so twice as many as layers: with fewer no p reaches 5 %.
LEAST_LAYERS = 10


@claim(
    "density",
    110,
    title="The most structured layers are the densest",
    quote="The most structured layers (L17–L21) are the densest (0.25–0.35)",
    measured="The rank correlation over the layers between Hoyer sparsity and the excess of fine ΔR over "
    "permuted labels, with their trends over the depth removed.",
    rule="Some layer is structured (excess with p ≤ .05, max-T over the layers); the correlation is below 0 "
    "beyond its jackknife error; and it is among the lowest of the correlations with the sparsity curve "
    "shifted cyclically and reflected over the depth (p ≤ .05).",
    explained="The correlation is negative, but two unrelated smooth curves can give one that is as strong.",
)
def structured_are_dense(evidence: Evidence) -> Finding:
    """Over the layers."""
    layers = evidence.layers
    if layers < LEAST_LAYERS:
        raise CannotTell(
            f"{layers} layers allow too few shifts: a correlation over the depth needs {LEAST_LAYERS}"
        )
    evidence.refuse_widths()
    labels = evidence.finest
    delta = evidence.curve("delta_R", labels=labels)
    hoyer = evidence.curve("hoyer", null=False)
    structured = float(adjusted_p(delta.values, delta.permuted).min())
    if structured > LEVEL:
        raise CannotTell(f"no layer is structured beyond permuted labels ({p_words(structured)} at best)")
    left_out = tuple(
        partial_correlation(a, b) for a, b in zip(delta.excess_left_out, hoyer.left_out, strict=True)
    )
    value = float(partial_correlation(delta.excess, hoyer.values))
    both = Curve(np.asarray([value]), tuple(of[:, None] for of in left_out), np.empty((0, 1)))
    # What is tested is its negative, so the lower end of that is the upper end of this.
    negative = both.estimate(lambda curves: -curves[..., 0])
    shifted = [float(partial_correlation(delta.excess, moved)) for moved in moved_around(hoyer.values)]
    p = float(np.mean(np.asarray(shifted) <= value + 1e-12))
    verdict = Verdict.SUPPORTED if p <= LEVEL else Verdict.EXPLAINED
    verdict = verdict if negative.low > 0 else Verdict.NOT_SUPPORTED
    most, densest = int(np.argmax(delta.excess)), int(np.argmin(hoyer.values))
    course = (
        f"The excess of the {labels} labels is largest at layer {most}, Hoyer sparsity is lowest at layer {densest} "
        f"({number(hoyer.values.min())}; range {number(hoyer.values.min())} to {number(hoyer.values.max())})"
    )
    ends = {
        Verdict.SUPPORTED: f"over the depth they are negatively correlated ({signed(value)}, {p_words(p)})",
        Verdict.EXPLAINED: f"their correlation over the depth ({signed(value)}) is no stronger than "
        f"that of shifted curves ({p_words(p)})",
        Verdict.NOT_SUPPORTED: f"over the depth they are not negatively correlated beyond error "
        f"({signed(value)})",
    }
    return Finding(
        verdict,
        f"{course}; {ends[verdict]}.",
        quantity="partial rank correlation of excess and Hoyer sparsity over the layers",
        value=value,
        null=float(np.mean(shifted)),
        null_is=f"{len(shifted)} shifts and reflections of the sparsity curve",
        standard_error=negative.standard_error,
        low=-negative.high,
        high=-negative.low,
        p=p,
        tests=1,
    )


def partial_correlation(a: Float64Array, b: Float64Array) -> Float64Array:
    """Rank correlation of curves (…, layers) less their trends over the depth; 0 of a constant one."""
    from scipy.stats import rankdata

    depth = np.arange(a.shape[-1], dtype=np.float64)
    x, y = (_residual(rankdata(of, axis=-1), depth) for of in (a, b))
    norms = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    correlation: Float64Array = np.where(
        norms > 1e-9, (x * y).sum(axis=-1) / np.where(norms > 1e-9, norms, 1.0), 0.0
    )
    return correlation


def _residual(ranks: Float64Array, depth: Float64Array) -> Float64Array:
    depth = depth - depth.mean()
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    residual: Float64Array = ranks - (ranks @ depth)[..., None] / (depth @ depth) * depth
    return residual
