"""The sentences say what the metrics are, and no more."""

import numpy as np
import pytest

from subspacelens_tui.analysis import LayerResult, Result, Settings
from subspacelens_tui.analysis.metrics.update import ContractionFit
from subspacelens_tui.analysis.sentences import of_cka, of_gains, of_updates
from subspacelens_tui.geometry import NullSummary


def layers(*z: float | None) -> Result:
    found = tuple(
        LayerResult(
            number,
            "block",
            8,
            0.5,
            8,
            values={} if value is None else {"expansion_z": value},
            missing={"expansion_z": "the block changes nothing"} if value is None else {},
        )
        for number, value in enumerate(z)
    )
    return Result(Settings(), 20, ("a",), (20,), found)


@pytest.mark.parametrize(
    ("z", "said"),
    [
        ((None, -3.0, -2.5, 0.0, -4.0), "Blocks 1-2, 4 contract low-variance directions, as a denoiser"),
        (
            (None, 1.0, 2.5),
            "Block 2 expands low-variance directions, as a step up the coding rate does: 1 of 2",
        ),
        (
            (1.0, -1.9),
            "No block contracts or expands beyond chance: 0 of 2 beyond chance (|z_E| > 1.96), which alone gives 0.1",
        ),
        ((-2.0, 2.0), "Block 0 contracts low-variance directions, as a denoiser does; block 1 expands"),
        ((None,), "No block has an expansion to speak of: the block changes nothing."),
    ],
)
def test_blocks_are_named_by_what_is_beyond_chance(z: tuple[float | None, ...], said: str) -> None:
    assert of_updates(layers(*z)).startswith(said)


@pytest.mark.parametrize(
    ("b", "low", "high", "p", "said"),
    [
        (
            -0.5,
            -0.6,
            -0.4,
            0.01,
            "The block contracts low-variance directions, as a denoiser does (b -0.5, 95 % interval by rotation [",
        ),
        (0.5, 0.4, 0.6, 0.01, "The block expands"),
        (0.5, -0.4, 1.4, 0.01, "The gains have a trend of unclear sign"),
        (-0.5, -0.6, -0.4, 0.2, "The gains have no trend beyond chance (R² 0.30, p 0.200)"),
    ],
)
def test_gains_have_a_trend_only_beyond_their_null(
    b: float, low: float, high: float, p: float, said: str
) -> None:
    fit = ContractionFit(0.0, 1.0, (high - low) / 3.92, low, high)
    null = NullSummary(0.02, 0.01, 0.0, 0.1, 0.28, None, p, 200)
    values = {"contraction": b, "contraction_r2": 0.3, "contraction_fit": fit}
    layer = LayerResult(1, "block", 8, 0.5, 8, values=values, nulls={"contraction_r2": null})
    assert of_gains(layer).startswith(said)
    bare = LayerResult(1, "block", 8, 0.5, 8, missing={"contraction": "the block scales its input"})
    assert of_gains(bare) == "No curve is fitted: the block scales its input."


def test_the_largest_change_between_layers_is_named() -> None:
    matrix = np.array([[1, 0.9, 0.5], [0.9, 1, 0.6], [0.5, 0.6, 1]])
    said = of_cka(matrix, 0.01, range(len(matrix)))
    assert said.startswith(
        "The images' arrangement changes most from L1 to L2 (CKA 0.60); all layers: 0.50 to 0.90"
    )
    assert of_cka(np.ones((1, 1)), 0.01, [0]) == "There is one layer only."
