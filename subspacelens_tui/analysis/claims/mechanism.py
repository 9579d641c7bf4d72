"""What the article leaves open: whether blocks step up ΔR, and whether they denoise."""

from collections.abc import Sequence

from subspacelens_tui.analysis.claims.claim import LEVEL, CannotTell, Finding, Verdict, claim
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.result import LayerResult


@claim(
    "mechanism",
    130,
    title="Each block steps up the rate reduction",
    quote="Whether that increase reflects the same mechanism the theory describes (gradient ascent on rate "
    "reduction) … remains open.",
    measured="For each block's update, its alignment with the expansion (z_E, against rotations) and the part "
    "that only the labels explain (against permuted labels and against rotations), with fine labels.",
    rule="In more than half of the blocks z_E is above 0 at 5 % over all blocks (Bonferroni), and the label "
    "part is beyond both of its nulls.",
    explained="In more than half of the blocks both point along the step, but not beyond their nulls.",
)
def steps_up(evidence: Evidence) -> Finding:
    """Expansion and label part of every block."""
    _need("expansion_z", "label_part", "label_rotation_z")
    found = evidence.result(labels=evidence.finest, metrics=("label_part", "label_rotation_z", "label_claim"))
    blocks = _with(found.layers, "expansion_z", "label_part", "label_rotation_z")
    critical = _normal_quantile(1 - LEVEL / len(blocks))
    up = [block.values["expansion_z"] > critical for block in blocks]
    down = sum(block.values["expansion_z"] < -critical for block in blocks)
    by_labels = [_beyond_both(block) for block in blocks]
    both = sum(a and b for a, b in zip(up, by_labels, strict=True))
    along = sum(block.values["expansion_z"] > 0 and block.values["label_part"] > 0 for block in blocks)
    return _of_blocks(
        both,
        along,
        len(blocks),
        f"By z_E, corrected for {len(blocks)} blocks, {sum(up)} of them expand and {down} contract; a label part "
        f"beyond both nulls is found in {sum(by_labels)}, and together with expansion in {both}.",
        "share of blocks that step up ΔR",
        "rotations of the update, and permuted labels",
        tests=3 * len(blocks),
    )


@claim(
    "denoiser",
    140,
    title="Each block denoises: it contracts directions of low variance",
    quote="separating concepts into subspaces as a byproduct of removing noise",
    measured="The slope b of each block's gains along the eigenvectors of its input, and R² of that fit.",
    rule="In more than half of the blocks the 95 % interval of b lies below 0 and R² exceeds that of gains "
    "that differ from 1 only by their rotation error (p ≤ .05). This shows contraction, not the denoiser's "
    "formula; expansion would be the opposite.",
    explained="In more than half of the blocks b is below 0, but not beyond its null.",
)
def denoises(evidence: Evidence) -> Finding:
    """The fit of every block."""
    _need("contraction", "contraction_r2", "contraction_fit")
    found = evidence.result(permutations=0)
    blocks = _with(found.layers, "contraction", "contraction_fit")
    beyond = sum(
        block.values["contraction_fit"].high < 0 and _p(block, "contraction_r2") <= LEVEL for block in blocks
    )
    expand = sum(
        block.values["contraction_fit"].low > 0 and _p(block, "contraction_r2") <= LEVEL for block in blocks
    )
    below = sum(block.values["contraction"] < 0 for block in blocks)
    return _of_blocks(
        beyond,
        below,
        len(blocks),
        f"By the slope b of their gains, {beyond} of {len(blocks)} blocks contract directions of low variance "
        f"beyond chance, and {expand} expand them.",
        "share of blocks that contract directions of low variance",
        "refits to gains of 1 with their rotation error",
        tests=2 * len(blocks),
    )


def _need(*keys: str) -> None:
    lacking = [key for key in keys if key not in METRICS]
    if lacking:
        raise CannotTell(f"this version does not have the metric {lacking[0]}")


def _with(layers: Sequence[LayerResult], *keys: str) -> list[LayerResult]:
    """The blocks that have some metrics."""
    found = [layer for layer in layers if all(layer.values.get(key) is not None for key in keys)]
    if not found:
        raise CannotTell(
            next((layer.why_missing(key) for layer in layers for key in keys), "no block has it")
        )
    return found


def _beyond_both(block: LayerResult) -> bool:
    """By permuted labels and by rotations."""
    return _p(block, "label_part") <= LEVEL and bool(
        block.values["label_rotation_z"] > _normal_quantile(0.95)
    )


def _p(block: LayerResult, key: str) -> float:
    null = block.nulls.get(key)
    return 1.0 if null is None else null.p


def _normal_quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def _of_blocks(
    beyond: int, seen: int, blocks: int, says: str, quantity: str, null_is: str, tests: int
) -> Finding:
    """By whether more than half of the blocks do it."""
    verdict = Verdict.NOT_SUPPORTED
    if 2 * beyond > blocks:
        verdict = Verdict.SUPPORTED
    elif 2 * seen > blocks:
        verdict = Verdict.EXPLAINED
    return Finding(
        verdict,
        says,
        quantity=quantity,
        value=beyond / blocks,
        null=LEVEL,
        null_is=f"at most, under {null_is}",
        tests=tests,
    )
