"""Steering the bundled pipeline: what the hooks do, and in which order."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from subspacelens_tui.recording.capture import Capture, Captured
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.steering import Steering, fingerprint_of
from subspacelens_tui.steering import Change, Dictionary, Edit, Fingerprint, Intervention
from tests.recording.conftest import Loaded
from tests.recording.test_capture import TWO, relative

WIDTH, TOKENS, STEPS = 96, 64, 3
PATCH = Edit(np.zeros((1, WIDTH), np.float32), {"partner": 1.0, "cond": -1.0})
BIAS = Edit(np.random.default_rng(0).standard_normal((TOKENS, WIDTH)).astype(np.float32))


def model_of(loaded: Loaded) -> Fingerprint:
    return fingerprint_of(loaded.layout, loaded.pipeline.transformer)


def intervention(loaded: Loaded, changes: Mapping[int, Change], **more: object) -> Intervention:
    of_layers = {layer: {0: change} for layer, change in changes.items()}
    return Intervention(of_layers, model_of(loaded), **more)  # type: ignore[arg-type]


def run(
    loaded: Loaded, of: Intervention | None, prompts: list[str], seeds: list[int]
) -> tuple[list[np.ndarray], Captured, np.ndarray | None]:
    """Pictures, features and measures; the capture is entered first, so that its hooks are the older."""
    with Capture(loaded.pipeline, loaded.layout, (0, 1, 2)) as capture:
        capture.start_batch(len(prompts), 3.0, torch.device("cpu"), [(seed, 0) for seed in seeds])
        if of is None:
            pictures = loaded.generate(prompts, seeds, 3.0, STEPS)
            return [np.asarray(p) for p in pictures], capture.finish_batch(), None
        with Steering(loaded.pipeline, loaded.layout, of) as steering:
            steering.start_batch(seeds[: len(seeds) // 2] if steering.twins else seeds, 3.0)
            pictures = loaded.generate(prompts, seeds, 3.0, STEPS)
            return [np.asarray(p) for p in pictures], capture.finish_batch(), steering.finish_batch()


@pytest.fixture(scope="module")
def natural(loaded: Loaded) -> tuple[list[np.ndarray], Captured, np.ndarray | None]:
    return run(loaded, None, TWO, [0, 1])


def test_strength_0_is_bit_identical_to_no_hook(
    loaded: Loaded, natural: tuple[list[np.ndarray], Captured, None]
) -> None:
    pictures, captured, measured = run(
        loaded, intervention(loaded, {8: Change(BIAS)}, strength=0.0), TWO, [0, 1]
    )
    np.testing.assert_array_equal(pictures, natural[0])
    for one, other in zip(captured.blocks, natural[1].blocks, strict=True):
        np.testing.assert_array_equal(one, other)
    assert measured is not None
    assert measured.shape == (2, 1, 0, 3)


def test_what_is_captured_is_what_the_next_block_receives(loaded: Loaded) -> None:
    received: list[torch.Tensor] = []
    handle = loaded.blocks[9].register_forward_pre_hook(
        lambda module, args: received.append(args[0].clone()), prepend=False
    )
    _, captured, _ = run(loaded, intervention(loaded, {8: Change(BIAS)}), TWO, [0, 1])
    handle.remove()
    for step in range(STEPS):
        means = received[step].mean(1).numpy()
        # A pass stacks the unconditional half first, the session the conditional one.
        np.testing.assert_allclose(captured.blocks[8][:, 0, step], means[2:], atol=1e-6)
        np.testing.assert_allclose(captured.blocks[8][:, 1, step], means[:2], atol=1e-6)


def test_the_change_is_made_in_its_half_layer_and_steps_only(
    loaded: Loaded, natural: tuple[list[np.ndarray], Captured, None]
) -> None:
    of = intervention(loaded, {8: Change(BIAS)}, strength=0.5, steps=(1, 1))
    _, captured, measured = run(loaded, of, TWO, [0, 1])
    before = natural[1].blocks
    for layer in range(12):  # step 0 is before it all
        np.testing.assert_array_equal(captured.blocks[layer][:, :, 0], before[layer][:, :, 0])
    for layer in range(8):  # and these blocks before it at step 1
        np.testing.assert_array_equal(captured.blocks[layer][:, :, 1], before[layer][:, :, 1])
    shift = captured.blocks[8][:, :, 1] - before[8][:, :, 1]
    np.testing.assert_allclose(shift[:, 0], np.broadcast_to(0.5 * BIAS.bias.mean(0), (2, WIDTH)), atol=1e-5)
    assert not shift[:, 1].any()
    assert np.abs(captured.blocks[8][:, :, 2] - before[8][:, :, 2]).min() > 0  # the latents are others now
    assert measured is not None
    assert measured.shape == (2, 1, 1, 3)
    assert (measured[..., 0] > 0.05).all()


def test_atoms_are_set_in_the_pipeline_as_on_arrays(loaded: Loaded) -> None:
    """At the first step, where both runs start from the same latents; by the k largest of all atoms."""
    rng = np.random.default_rng(6)
    E, bias = rng.standard_normal((3 * WIDTH, WIDTH)).astype(np.float32), np.zeros(3 * WIDTH, np.float32)
    clamp = Dictionary(E, bias, E / 10, k=8, threshold=None, step=0).clamp([7, 100], [20.0, 0.0])
    change = Change(Edit(np.zeros((1, WIDTH), np.float32), clamp=clamp))
    received: list[torch.Tensor] = []
    handle = loaded.blocks[9].register_forward_pre_hook(
        lambda module, args: received.append(args[0].clone()), prepend=False
    )
    for of in (None, intervention(loaded, {8: change}, steps=(0, 0))):
        run(loaded, of, TWO, [0, 1])
    handle.remove()
    before, after = received[0].numpy(), received[STEPS].numpy()
    expected = change({"cond": before[2:]})
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(after[2:] - before[2:], expected, atol=1e-3)
    np.testing.assert_array_equal(after[:2], before[:2])


@pytest.mark.parametrize("half", ["uncond", "both"])
def test_the_other_half_can_be_changed(
    half: str, loaded: Loaded, natural: tuple[list[np.ndarray], Captured, None]
) -> None:
    _, captured, _ = run(loaded, intervention(loaded, {8: Change(BIAS)}, half=half), TWO, [0, 1])
    shift = captured.blocks[8][:, :, 0] - natural[1].blocks[8][:, :, 0]
    np.testing.assert_allclose(shift[:, 1], np.broadcast_to(BIAS.bias.mean(0), (2, WIDTH)), atol=1e-5)
    assert shift[:, 0].any() == (half == "both")


def test_patching_the_last_layer_gives_the_other_prompts_picture(loaded: Loaded) -> None:
    """The blocks of the partner run on the image's latents, so what comes out is what the partner draws."""
    pictures, captured, measured = run(loaded, intervention(loaded, {11: Change(PATCH)}), TWO, [7, 7])
    other, of_other, _ = run(loaded, None, [TWO[1]], [7])
    assert np.abs(pictures[0].astype(int) - other[0]).max() <= 1
    assert relative(captured.blocks[11][0], of_other.blocks[11][0]) < 2e-5
    own, *_ = run(loaded, None, [TWO[0]], [7])
    assert np.abs(own[0].astype(int) - other[0]).mean() > 5
    assert measured is not None
    assert len(measured) == 1


def test_energies_of_controls_match_image_by_image_in_the_pipeline(loaded: Loaded) -> None:
    """At the first step, where both start from the same latents."""
    noise = Edit(np.zeros((1, WIDTH), np.float32), {"noise": 1.0})
    measures = []
    for change in (Change(BIAS), Change(noise, BIAS)):
        _, _, measured = run(loaded, intervention(loaded, {8: change}, steps=(0, 0)), TWO, [0, 1])
        assert measured is not None
        measures.append(measured[:, 0, 0])
    np.testing.assert_allclose(measures[1][:, 0], measures[0][:, 0], rtol=1e-4)
    assert np.abs(measures[1][:, 1] - measures[0][:, 1]).max() < 0.2  # both nearly orthogonal to x


def test_a_change_that_is_the_same_for_all_tokens_has_the_energy_of_all(loaded: Loaded) -> None:
    once = 0.1 * BIAS.bias[:1]
    measures = []
    for bias in (once, np.repeat(once, TOKENS, axis=0)):
        of = intervention(loaded, {8: Change(Edit(bias))}, steps=(0, 0))
        _, _, measured = run(loaded, of, TWO, [0, 1])
        assert measured is not None
        measures.append(measured)
    np.testing.assert_allclose(measures[0], measures[1], rtol=1e-5)


def test_nothing_is_left_behind(loaded: Loaded, natural: tuple[list[np.ndarray], Captured, None]) -> None:
    kind = type(loaded.pipeline.scheduler)
    run(loaded, intervention(loaded, {8: Change(BIAS)}), TWO, [0, 1])
    assert type(loaded.pipeline.scheduler) is kind
    assert not loaded.blocks[8]._forward_hooks
    pictures, *_ = run(loaded, None, TWO, [0, 1])
    np.testing.assert_array_equal(pictures, natural[0])


def test_a_pipeline_that_cannot_be_steered_so_is_one_line(loaded: Loaded) -> None:
    needs_uncond = intervention(loaded, {8: Change(Edit(BIAS.bias, {"uncond": 0.1}))})
    with pytest.raises(RecordingError, match="no unconditional pass at guidance 1, which this needs"):
        Steering(loaded.pipeline, loaded.layout, needs_uncond).start_batch([0], 1.0)
    others = Fingerprint(model_of(loaded).blocks, (1.0,) * 12)
    with pytest.raises(RecordingError, match="fitted to another model: this one has other weights"):
        Steering(loaded.pipeline, loaded.layout, Intervention({8: {0: Change(BIAS)}}, others))
