"""Steps with every kind of scheduler: features are of the call of the model that the session says."""

import copy
import functools
import inspect
import pickle
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.scheduler_watch import timestep_of, watch
from subspacelens_tui.recording.capture import Capture
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.timesteps import timesteps_of
from tests.recording.conftest import Loaded, scheduler

CPU = torch.device("cpu")
ASKED = 4

# Class, configuration, and how many steps it runs for four.
SCHEDULERS = [
    ("DPMSolverMultistepScheduler", {}, 4),
    ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}, 4),
    ("DPMSolverMultistepScheduler", {"timestep_spacing": "leading"}, 4),
    ("DPMSolverSinglestepScheduler", {}, 4),
    ("DEISMultistepScheduler", {}, 4),
    ("UniPCMultistepScheduler", {"use_karras_sigmas": True}, 4),
    ("SASolverScheduler", {"algorithm_type": "data_prediction"}, 4),
    ("EulerDiscreteScheduler", {}, 4),
    ("EulerDiscreteScheduler", {"use_karras_sigmas": True}, 4),
    ("EulerAncestralDiscreteScheduler", {"prediction_type": "epsilon"}, 4),
    ("LMSDiscreteScheduler", {}, 4),
    ("DDIMScheduler", {}, 4),
    ("DDPMScheduler", {"timestep_spacing": "trailing"}, 4),
    ("LCMScheduler", {}, 4),
    ("TCDScheduler", {"prediction_type": "epsilon"}, 4),
    ("IPNDMScheduler", {}, 4),
    ("EDMEulerScheduler", {"prediction_type": "epsilon"}, 4),
    ("EDMDPMSolverMultistepScheduler", {"prediction_type": "epsilon"}, 4),
    ("HeunDiscreteScheduler", {}, 7),
    ("HeunDiscreteScheduler", {"use_karras_sigmas": True}, 7),
    ("KDPM2DiscreteScheduler", {"prediction_type": "epsilon"}, 7),
    ("KDPM2AncestralDiscreteScheduler", {"prediction_type": "epsilon"}, 7),
    ("PNDMScheduler", {"prediction_type": "epsilon"}, 13),
    ("PNDMScheduler", {"prediction_type": "epsilon", "skip_prk_steps": True}, 5),
]


def with_its_own(loaded: Loaded, kind: str, **changes: Any) -> Loaded:
    """The pipeline with another scheduler, the rest shared."""
    return loaded.with_other(scheduler=scheduler(kind, **changes))


def generate(loaded: Loaded, steps: int = ASKED) -> None:
    loaded.generate(["a lion", "a car"], [0, 1], 3.0, steps)


@pytest.mark.parametrize(("kind", "changes", "steps"), SCHEDULERS)
def test_each_step_is_the_call_of_the_model_at_its_timestep(
    loaded: Loaded, kind: str, changes: dict[str, Any], steps: int
) -> None:
    with_scheduler = with_its_own(loaded, kind, **changes)
    pipeline = with_scheduler.pipeline
    timesteps = timesteps_of(pipeline.scheduler, ASKED, CPU)
    assert len(timesteps) == steps
    at: list[float] = []
    called: list[torch.Tensor] = []
    last = pipeline.transformer.transformer_blocks[-1]
    undo = [
        pipeline.transformer.register_forward_pre_hook(
            lambda module, args, kwargs: at.append(float(kwargs["timestep"][0])), with_kwargs=True
        ),
        last.register_forward_hook(lambda module, args, output: called.append(output.mean(1))),
    ]
    try:
        with Capture(pipeline, loaded.layout, range(steps), timesteps=timesteps) as capture:
            for _ in range(2):  # what a scheduler keeps of the last batch must not count
                at.clear()
                called.clear()
                capture.start_batch(2, 3.0, CPU)
                generate(with_scheduler)
                found = capture.finish_batch().blocks[-1]
    finally:
        for hook in undo:
            hook.remove()
    assert at == pytest.approx(timesteps)
    assert len(called) == steps
    for step, output in enumerate(called):
        uncond, cond = output.numpy().reshape(2, 2, -1)
        np.testing.assert_allclose(found[:, 0, step], cond, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found[:, 1, step], uncond, rtol=1e-5, atol=1e-5)


def test_the_steps_are_found_without_touching_the_scheduler(loaded: Loaded) -> None:
    pipeline = with_its_own(loaded, "HeunDiscreteScheduler").pipeline
    before = copy.deepcopy(vars(pipeline.scheduler))
    timesteps_of(pipeline.scheduler, 50, CPU)
    after = vars(pipeline.scheduler)
    assert before.keys() == after.keys()
    assert torch.equal(before["timesteps"], after["timesteps"])
    assert before["num_inference_steps"] == after["num_inference_steps"]


@pytest.mark.parametrize(
    ("kind", "changes", "asked", "message"),
    [
        ("LCMScheduler", {}, 60, "LCMScheduler cannot run 60 steps: "),
        ("PNDMScheduler", {"prediction_type": "epsilon"}, 2, "PNDMScheduler cannot run 2 steps: "),
        ("DDIMScheduler", {}, 2000, "DDIMScheduler cannot run 2000 steps: "),
        (
            "KDPM2AncestralDiscreteScheduler",
            {"use_beta_sigmas": True},
            4,
            r"KDPM2AncestralDiscreteScheduler has no timestep for step 5 of 7 \(it is nan\)",
        ),
    ],
)
def test_steps_that_a_scheduler_cannot_run_are_refused_in_one_line(
    kind: str, changes: dict[str, Any], asked: int, message: str
) -> None:
    with pytest.raises(RecordingError, match=message) as raised:
        timesteps_of(scheduler(kind, **changes), asked, CPU)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("steps", "message"),
    [(5, "set 9 timesteps of HeunDiscreteScheduler from 999, the session has 7"), (3, "set 5 timesteps")],
)
def test_a_pipeline_that_sets_other_timesteps_is_refused(loaded: Loaded, steps: int, message: str) -> None:
    with_scheduler = with_its_own(loaded, "HeunDiscreteScheduler")
    timesteps = timesteps_of(with_scheduler.pipeline.scheduler, ASKED, CPU)
    with Capture(with_scheduler.pipeline, loaded.layout, (0, 6), timesteps=timesteps) as capture:
        capture.start_batch(2, 3.0, CPU)
        with pytest.raises(RecordingError, match=f"{message}.*: its features would be under wrong steps"):
            generate(with_scheduler, steps)


def test_a_pipeline_that_leaves_out_steps_or_adds_some_is_refused(loaded: Loaded) -> None:
    pipeline = with_its_own(loaded, "EulerDiscreteScheduler").pipeline
    timesteps, sample = timesteps_of(pipeline.scheduler, ASKED, CPU), torch.zeros(1, 4, 8, 8)
    with Capture(pipeline, loaded.layout, (0,), timesteps=timesteps) as capture:

        def run(*steps: int) -> None:
            capture.start_batch(1, 1.0, CPU)
            pipeline.scheduler.set_timesteps(ASKED)
            for step in steps:
                pipeline.scheduler._step_index = step
                pipeline.scheduler.step(sample, pipeline.scheduler.timesteps[step], sample)

        run(1, 2, 3)  # what image to image does
        with pytest.raises(RecordingError, match="ended after 3 of 4 steps of EulerDiscreteScheduler"):
            capture.finish_batch()
        run(0, 2, 1, 3)
        with pytest.raises(RecordingError, match="in another order than its timesteps"):
            capture.finish_batch()
        with pytest.raises(RecordingError, match="runs EulerDiscreteScheduler for more than 4 steps"):
            run(0, 1, 2, 3, 3)


class TestWatching:
    """A scheduler is as it was, and so are copies of it and wrappers that are not ours."""

    def test_it_stays_what_it_is_to_others(self) -> None:
        watched = scheduler("HeunDiscreteScheduler")
        kind, before = type(watched), set(vars(watched))
        undo = watch(watched, {"step": lambda *_, **__: None})
        assert isinstance(watched, kind)
        assert (type(watched).__name__, type(watched).__module__) == (kind.__name__, kind.__module__)
        assert inspect.signature(watched.step) == inspect.signature(scheduler("HeunDiscreteScheduler").step)
        assert inspect.signature(type(watched).step) == inspect.signature(kind.step)
        assert set(vars(watched)) == before
        undo()
        assert type(watched) is kind
        assert set(vars(watched)) == before

    @pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda it: pickle.loads(pickle.dumps(it))])
    def test_a_copy_is_not_watched_and_steps_itself(self, copied: Any) -> None:
        calls: list[str] = []
        watched = scheduler("EulerDiscreteScheduler")
        kind = type(watched)
        undo = watch(watched, {name: lambda *_, **__: calls.append("") for name in ("set_timesteps", "step")})
        another = copied(watched)
        assert type(another) is kind
        another.set_timesteps(3)
        assert len(another.timesteps) == 3
        assert len(watched.timesteps) == 1000
        assert calls == []
        type(watched).from_config(watched.config).set_timesteps(5)
        assert calls == []
        watched.set_timesteps(7)
        assert len(calls) == 1
        undo()

    def test_a_wrapper_that_is_not_ours_is_called_and_stays(self) -> None:
        calls: list[str] = []
        watched = scheduler("EulerDiscreteScheduler")

        def wrapped(original: Any, says: str) -> Any:
            @functools.wraps(original)
            def call(*args: Any, **kwargs: Any) -> Any:
                calls.append(says)
                return original(*args, **kwargs)

            return call

        mine = watched.set_timesteps = wrapped(watched.set_timesteps, "mine")
        undo = watch(watched, {"set_timesteps": lambda *_, **__: calls.append("counted")})
        watched.set_timesteps(3)
        assert calls == ["mine", "counted"]
        # One that comes later holds our method, and calls it: still one step.
        watched.set_timesteps = wrapped(watched.set_timesteps, "later")
        calls.clear()
        watched.set_timesteps(3)
        assert calls == ["later", "mine", "counted"]
        undo()
        calls.clear()
        watched.set_timesteps(3)
        assert calls == ["later", "mine"]
        watched.set_timesteps = mine
        undo = watch(watched, {"set_timesteps": lambda *_, **__: calls.append("counted")})
        del watched.set_timesteps
        undo()
        assert "set_timesteps" not in vars(watched)

    def test_one_watch_inside_another(self) -> None:
        calls: list[str] = []
        watched = scheduler("EulerDiscreteScheduler")
        kind = type(watched)
        outer = watch(watched, {"set_timesteps": lambda *_, **__: calls.append("outer")})
        inner = watch(watched, {"set_timesteps": lambda *_, **__: calls.append("inner")})
        watched.set_timesteps(3)
        assert sorted(calls) == ["inner", "outer"]
        assert type(copy.deepcopy(watched)) is kind
        inner()
        calls.clear()
        watched.set_timesteps(3)
        assert calls == ["outer"]
        outer()
        assert type(watched) is kind


class WithoutName:
    """A scheduler of a user, whose step calls the timestep by another name."""

    def step(self, output: str, t: int, sample: str) -> None: ...


def test_the_timestep_of_a_step_is_found_by_its_name() -> None:
    assert timestep_of(diffusers.DDIMScheduler(), ("output", 7, "sample"), {}) == 7
    assert timestep_of(diffusers.DDIMScheduler(), ("output",), {"timestep": 7, "sample": "sample"}) == 7
    assert timestep_of(diffusers.CogVideoXDPMScheduler(), ("output", None, 7, 9, "sample"), {}) == 7
    assert timestep_of(WithoutName(), ("output", 7, "sample"), {}) == 7
    with pytest.raises(ModelError, match="its step takes no timestep"):
        timestep_of(WithoutName(), ("output",), {"t": 7, "sample": "sample"})
