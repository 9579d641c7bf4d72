"""Are the features Gaussian?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.claims.claim import LEVEL, CannotTell, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.curves import adjusted_p
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.verdict_rules import p_words
from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.geometry import jarque_bera, jarque_bera_critical_value

DIRECTIONS, SURROGATES = 200, 99
_LEAST_LEFT = 8


@dataclass(frozen=True)
class _Shares:
    """The share of projections that Jarque–Bera rejects (L,), and of Gaussian surrogates (B, L)."""

    observed: Float64Array
    surrogates: Float64Array

    @property
    def p(self) -> Float64Array:
        """Of each layer, over all of them."""
        return adjusted_p(self.observed, self.surrogates)


@claim(
    "non-gaussian",
    120,
    title="The features are not Gaussian",
    quote="rejects the isotropic Gaussian null at 55–78% across layers (expected: 1%)",
    measured=f"The share of {DIRECTIONS} random projections that Jarque–Bera rejects at 1 %: for the images, "
    "and for what remains of them without the means of their subject and their seed.",
    rule=f"Both shares exceed those of {SURROGATES} sets of Gaussian images with the same covariance and "
    "the same means removed, at some layer (p ≤ .05, max-T over the layers).",
    explained="Normality is rejected for the images, but not for what remains of them without those means: "
    "subjects and seeds have different means, and nothing else is seen.",
)
def is_not_gaussian(evidence: Evidence) -> Finding:
    """Images, and what is an image's own."""
    layers, settings = evidence.layers_under()
    images = layers[0].sample.images
    own = own_part(images)
    left = round(float(np.trace(own)))
    if left < _LEAST_LEFT:
        raise CannotTell("nothing is left of the images without the means of their subject and their seed")
    rng = np.random.default_rng(settings.seed)
    count = len(images.labels)
    pooled: list[_Shares] = []
    residual: list[_Shares] = []
    mean_free = np.eye(count) - 1 / count
    with one_blas_thread():
        for place, layer in enumerate(layers):
            evidence.watch.report("Gaussian surrogates", place, len(layers))
            projected = rng.standard_normal((DIRECTIONS, layer.width)) @ layer.features()
            for shares, kept in ((pooled, mean_free), (residual, own)):
                shares.append(_shares(projected, kept, rng))
    every, of_own = (_joined(shares) for shares in (pooled, residual))
    p_every, p_own = every.p, of_own.p
    best = int(np.argmin(p_own))
    verdict = Verdict.SUPPORTED if p_own[best] <= LEVEL else Verdict.EXPLAINED
    verdict = verdict if p_every.min() <= LEVEL else Verdict.NOT_SUPPORTED
    shown = best if verdict is Verdict.SUPPORTED else int(np.argmax(every.observed))
    return Finding(
        verdict,
        f"Jarque–Bera rejects {_percent(every.observed)} of the projections of all images "
        f"({p_words(float(p_every.min()))}), and {_percent(of_own.observed)} without subject and seed means "
        f"({p_words(float(p_own.min()))}). Varying norms have the same effect: it is not evidence of subspaces.",
        quantity=f"share rejected without subject and seed means, layer {shown}",
        value=float(of_own.observed[shown]),
        null=float(of_own.surrogates[:, shown].mean()),
        null_is=f"{SURROGATES} Gaussian surrogates of the same covariance",
        p=float(p_own[best]),
        tests=2 * len(layers),
    )


def own_part(images: Images) -> Float64Array:
    """The projection (N, N) that removes the means of subjects and of seeds."""
    indicators = [_indicators(images.prompts), _indicators(images.seeds)]
    if len(set(images.seeds)) == len(images.seeds):  # a seed of its own for every image shares nothing
        indicators.pop()
    left, values, _ = np.linalg.svd(np.hstack(indicators), full_matrices=False)
    basis = left[:, values > 1e-9 * values[0]]
    projection: Float64Array = np.eye(len(images.prompts)) - basis @ basis.T
    return projection


def _indicators(groups: list[int]) -> npt.NDArray[np.float64]:
    names = np.unique(groups)
    return np.asarray(np.asarray(groups)[:, None] == names, dtype=np.float64)


def _shares(projected: Float64Array, kept: Float64Array, rng: np.random.Generator) -> _Shares:
    """Of projections (directions, N) with means removed by `kept` (N, N)."""
    count = projected.shape[1]
    x = projected @ kept
    if not np.all((x**2).sum(axis=1) > 1e-18 * (projected**2).sum(axis=1)):
        raise CannotTell("images of a subject have equal features, so that their distribution has no shape")
    critical = jarque_bera_critical_value(count)
    surrogates = [
        _rejected(x @ rng.standard_normal((count, count)) @ kept, critical) for _ in range(SURROGATES)
    ]
    return _Shares(np.asarray(_rejected(x, critical)), np.asarray(surrogates))


def _rejected(x: Float64Array, critical: float) -> float:
    return float(np.mean(np.asarray(jarque_bera(x)) > critical))


def _joined(shares: list[_Shares]) -> _Shares:
    return _Shares(
        np.asarray([of.observed for of in shares]), np.stack([of.surrogates for of in shares], axis=1)
    )


def _percent(shares: Float64Array) -> str:
    return f"{100 * shares.min():.0f}–{100 * shares.max():.0f} %"
