"""An intervention: which changes are made at which layers and steps, and on what kind of model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from subspacelens_tui.steering.edit import Change, Source
from subspacelens_tui.steering.errors import SteeringError

Half = Literal["cond", "uncond", "both"]
HALVES: tuple[Half, ...] = get_args(Half)
# Weights in another precision have norms this close, those of another model do not.
_SAME_NORM = 0.01


@dataclass(frozen=True)
class Fingerprint:
    """By what a model is known again.

    Attributes:
        blocks: name, width and image tokens of each.
        norms: of the weights of each block; empty where they are not known.
    """

    blocks: tuple[tuple[str, int, int | None], ...]
    norms: tuple[float, ...] = ()

    def differs_from(self, other: "Fingerprint") -> str | None:
        """In what way this is another model, in words; None if nothing says so."""
        if len(self.blocks) != len(other.blocks):
            return f"{len(self.blocks)} blocks, not {len(other.blocks)}"
        for one, two in zip(self.blocks, other.blocks, strict=True):
            if one != two:
                return f"{one[0]} of {one[2]} tokens × {one[1]}, not {two[0]} of {two[2]} × {two[1]}"
        for (name, *_), norm, known in zip(self.blocks, self.norms, other.norms, strict=False):
            if not math.isclose(norm, known, rel_tol=_SAME_NORM):
                return f"other weights: their norm in {name} is {norm:.4g}, not {known:.4g}"
        return None


@dataclass(frozen=True)
class Origin:
    """What an intervention is and was fitted to, by name.

    Attributes:
        statistics: the session.
        method: by its key.
        scheme, source, target: label scheme and classes.
    """

    statistics: str
    method: str
    scheme: str
    source: str
    target: str


@dataclass(frozen=True)
class Intervention:
    """What is done to the image tokens that blocks put out.

    Attributes:
        changes: layer → denoising step → the change; at other steps that of the nearest.
        model: on which it was fitted.
        strength: times the change; 0 leaves the model exactly as it is.
        steps: the first and the last step at which it is done.
        half: whether the change, of the conditional half, goes to that, to the unconditional one, or both.
        origin: where it is from; None of one that was made by hand.

    Raises:
        SteeringError: if the strength is no number, no step is named or there is no such layer.
    """

    changes: Mapping[int, Mapping[int, Change]]
    model: Fingerprint
    strength: float = 1.0
    steps: tuple[int, int] = (0, 1_000_000)
    half: Half = "cond"
    origin: Origin | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.strength):
            raise SteeringError(f"the strength must be a finite number, not {self.strength:g}")
        if not 0 <= self.steps[0] <= self.steps[1]:
            raise SteeringError(f"steps must ascend from 0, as 5-19, not {self.steps[0]}-{self.steps[1]}")
        if self.half not in HALVES:
            raise SteeringError(f"half must be cond, uncond or both, not {self.half!r}")
        for layer in self.changes:
            if not 0 <= layer < len(self.model.blocks):
                raise SteeringError(
                    f"there is no layer {layer}: the model has 0 to {len(self.model.blocks) - 1}"
                )

    @property
    def layers(self) -> tuple[int, ...]:
        """Where it acts, ascending."""
        return tuple(sorted(self.changes))

    @property
    def sources(self) -> set[Source]:
        """The tokens it depends on."""
        return {
            s for of_layer in self.changes.values() for change in of_layer.values() for s in change.sources
        }

    @property
    def atoms(self) -> list[list[int]]:
        """Of each layer the atoms that are clamped; empty where none are."""
        of_layers = [next(iter(self.changes[layer].values())).edit.clamp for layer in self.layers]
        return [] if None in of_layers else [list(clamp.atoms) for clamp in of_layers if clamp is not None]

    def acts_at(self, step: int) -> bool:
        """Whether anything is done at a step."""
        return self.strength != 0 and self.steps[0] <= step <= self.steps[1]

    def fitted_step(self, layer: int, step: int) -> int:
        """The step whose change is used at a step: of two as near the earlier."""
        return min(self.changes[layer], key=lambda fitted: (abs(fitted - step), fitted))

    def with_strength(self, strength: float) -> "Intervention":
        """The same, as strong as this."""
        return replace(self, strength=strength)
