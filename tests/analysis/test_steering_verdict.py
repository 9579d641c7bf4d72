"""What the line under a steering run says."""

from dataclasses import replace

import pytest

from subspacelens_tui.analysis.steered_images import SteeredImages
from subspacelens_tui.analysis.steering_verdict import verdict_of
from subspacelens_tui.sessions.format import Block, Steering
from subspacelens_tui.steering.share_interval import share

STEERING = Steering(
    statistics="natural",
    method="transport",
    scheme="fine",
    source="lion",
    target="panda",
    layers=[8],
    strength=1.0,
    steps=(0, 19),
    blocks=[Block(name="blocks.0", width=3)],
)


def row(
    key: str,
    hits: int,
    control: str | None = None,
    strength: float = 1.0,
    latents: float = 1.1,
    layers: tuple[int, ...] = (8,),
) -> SteeredImages:
    of = share([True] * hits + [False] * (10 - hits), range(10))
    none = share([False] * 10, range(10))
    return SteeredImages(
        session=f"run~{key}",
        key=key,
        control=control,
        layers=layers,
        strength=strength,
        images=10,
        seeds=10,
        target=of,
        source=none,
        clean=of,
        toward=None,
        other=None,
        by_latents=of,
        disagreement=0.0,
        by_classifier=None,
        classifier_disagreement=None,
        latent_ratio=latents,
        image_ratio=latents,
        last_ratio=1.0,
        energy=0.4,
        angle=0.4,
        norm=1.0,
        judged=("panda",) * 10,
        classified=(),
        latent_ratios=(latents,) * 10,
    )


NOISE, ROTATION = row("noise", 0, "noise"), row("rotation", 0, "rotation")
NATURAL = row("s0", 0, strength=0.0)


def test_a_method_that_steers_is_told_with_its_interval_and_its_controls() -> None:
    assert verdict_of([NATURAL, row("s1", 10), NOISE, ROTATION], STEERING) == (
        "steers: 100 % panda (95 % CI 69 % to 100 %, 10 seeds), latent NN 1.10, noise of equal energy 0 %, "
        "rotation of equal energy 0 %"
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("s1", 4), NOISE], "not shown to steer: 40 %"),
        ([row("s1", 10), row("class", 8, "class")], "not shown to steer: 100 %"),
        ([row("s1", 10)], "no control of equal energy: 100 %"),
        (
            [replace(row("s1", 10), by_classifier=share([True] * 9 + [False], range(10))), NOISE],
            "steers: 100 % panda (95 % CI 69 % to 100 %, 10 seeds; 90 % by the classifier)",
        ),
        ([replace(row("s1", 10), classifier_disagreement=0.2), NOISE], "undecided, the judges differ: 100 %"),
        # The ceiling is no control.
        ([row("s1", 10), row("patch", 10, "patch"), NOISE], "steers: 100 %"),
        ([row("s1", 10, latents=1.9), NOISE], "off the manifold, so shares mean little: 100 %"),
        ([replace(row("s1", 10), disagreement=0.4), NOISE], "undecided, the judges differ: 100 %"),
        ([row("s1.25", 10, strength=1.25), row("s0.5", 0, strength=0.5), NOISE], "steers: 100 %"),
        ([NATURAL, NOISE], "lion → panda: the method's own images are not there yet"),
    ],
)
def test_what_does_not_show_it_is_called_by_what_is_missing(rows: list[SteeredImages], words: str) -> None:
    assert verdict_of(rows, STEERING).startswith(words)


def test_a_run_over_the_layers_says_where_it_steers_and_what_controls_do_at_most() -> None:
    def at(layer: int, hits: int, of_control: int, latents: float = 1.1) -> list[SteeredImages]:
        return [
            row(f"L{layer}", hits, latents=latents, layers=(layer,)),
            row(f"L{layer}-rotation", of_control, "rotation", layers=(layer,)),
        ]

    rows = [NATURAL, *at(0, 0, 0), *at(1, 9, 0), *at(2, 10, 1), *at(3, 10, 9), *at(4, 10, 0, latents=1.9)]
    # Above the control of the same layer, and on the manifold.
    assert verdict_of(rows, STEERING) == (
        "steers at layers 1-2 of 0-4: most at layer 2, 100 % (95 % CI 69 % to 100 %, 10 seeds), latent NN 1.10; "
        "controls of equal energy 90 % at most"
    )
    assert verdict_of([NATURAL, *at(0, 1, 0), *at(1, 3, 0)], STEERING).startswith(
        "not shown to steer at any of layers 0-1: layer 1, 30 %"
    )
