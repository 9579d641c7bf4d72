"""The sessions of a steering run, one for each strength and each control, before they are recorded."""

from dataclasses import dataclass

from pydantic import ValidationError

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.plan import images_in_order
from subspacelens_tui.planning.steering_statistics import Classes, Statistics
from subspacelens_tui.sessions.format import Block, Manifest, Steering
from subspacelens_tui.sessions.manifest_reader import first_problem
from subspacelens_tui.sessions.times import time_now
from subspacelens_tui.steering import Intervention

# New seeds begin at a multiple of this, so that they are known for what they are.
_ROUND = 1000
# Of an intervention that nothing was fitted for.
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class PlannedSession:
    """A session of the run.

    Attributes:
        name: of it.
        manifest: what to record.
        intervention: what to do; None for natural images.
    """

    name: str
    manifest: Manifest
    intervention: Intervention | None


class RunSessions:
    """Makes the sessions of a run: of the same prompts, seeds and settings, so one model serves all."""

    def __init__(self, statistics: Statistics, classes: Classes, seeds: int, name: str) -> None:
        self._session, self._classes, self._name = statistics.session, classes, name
        manifest = statistics.session.manifest
        of_scheme = [prompt.labels[classes.scheme] for prompt in manifest.prompts]
        self._source = [
            p for p, label in zip(manifest.prompts, of_scheme, strict=True) if label == classes.source
        ]
        self._target = [
            p for p, label in zip(manifest.prompts, of_scheme, strict=True) if label == classes.target
        ]
        first = _ROUND * (int(statistics.seeds.max()) // _ROUND + 1)
        self._seeds = range(first, first + seeds)
        self._guidance = statistics.guidance

    def natural_target(self) -> PlannedSession:
        """Images of class B as the model draws them."""
        count = len(self._source)
        return PlannedSession(
            f"{self._name}~target", self._manifest(range(count, count + len(self._target))), None
        )

    def steered(self, suffix: str, control: str | None, intervention: Intervention) -> PlannedSession:
        """Images of class A, steered; at strength 0 natural ones."""
        images = range(len(self._source))
        if intervention.strength == 0:
            return PlannedSession(f"{self._name}~{suffix}", self._manifest(images), None)
        steering = described(intervention).model_copy(
            update={
                "control": control,
                "toward": self._classes.other if control == "class" else None,
                "partners": self._partners() if "partner" in intervention.sources else [],
            }
        )
        manifest = self._manifest(images).model_copy(update={"steering": steering})
        return PlannedSession(f"{self._name}~{suffix}", manifest, intervention)

    def _partners(self) -> list[int]:
        """Of each prompt of class A one of class B, in turn; of those of class B themselves."""
        a, b = len(self._source), len(self._target)
        return [*(a + place % b for place in range(a)), *range(a, a + b)]

    def _manifest(self, of_prompts: range) -> Manifest:
        of = self._session.manifest
        images = images_in_order(len(of_prompts), self._seeds, [self._guidance])
        shifted = [image.model_copy(update={"prompt": of_prompts[image.prompt]}) for image in images]
        try:
            return Manifest(
                created=time_now(),
                model=of.model,
                prompt_set=of.prompt_set,
                prompts=[*self._source, *self._target],
                images=shifted,
                steps=of.steps,
                inference_steps=of.inference_steps,
                capture_steps=of.capture_steps,
                default_capture=of.default_capture,
                guidance=[self._guidance],
                batch_size=of.batch_size,
                call=of.call,
                latents=True,
            )
        except ValidationError as error:
            raise PlanningError(f"this cannot be recorded: {first_problem(error)}") from None


def described(intervention: Intervention) -> Steering:
    """An intervention as `session.json` says it; of one that was made by hand what is known."""
    of, model = intervention.origin, intervention.model
    norms = model.norms or (None,) * len(model.blocks)
    return Steering(
        statistics=of.statistics if of else _UNKNOWN,
        method=of.method if of else _UNKNOWN,
        scheme=of.scheme if of else _UNKNOWN,
        source=of.source if of else _UNKNOWN,
        target=of.target if of else _UNKNOWN,
        layers=list(intervention.layers),
        strength=intervention.strength,
        steps=intervention.steps,
        half=intervention.half,
        atoms=intervention.atoms,
        blocks=[
            Block(name=name, width=width, tokens=tokens, weight_norm=norm)
            for (name, width, tokens), norm in zip(model.blocks, norms, strict=True)
        ],
    )
