"""What one asks of an analysis, and the mistakes one can make in asking."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from subspacelens_tui.geometry import DESIGNS, VIEWS, Design, View
from subspacelens_tui.sessions import Branch, Session, SessionError
from subspacelens_tui.sessions.format import UNLABELLED
from subspacelens_tui.sessions.lookalikes import canonical
from subspacelens_tui.sessions.sanitise import some_of

ErrorsBy = Literal["auto", "image", "seed", "subject", "seed+subject"]
"""What the jackknife leaves out in turn; "auto" is what fits the images, see `fitting_errors`."""
DEFAULT_EPS = 0.5
DEFAULT_SUBSPACE_DIM = 10
# Their labels are held in memory: 0.8 GB for the thousand images that are analysed at most.
# Beyond, ε² is too small or too large for float64 once features multiply it.
_LEAST_EPS = 1e-100
_MOST_PERMUTATIONS = 100_000
ALL_METRICS = "all"


class SettingsError(ValueError):
    """A setting is out of its range; the message is one line for the user."""


@dataclass(frozen=True)
class Settings:
    """What to compute. None means: the session's default, filled in by `resolve`.

    Attributes:
        labels: label scheme; the session's first.
        eps: coding precision ε > 0 (not squared).
        branch: "cond" or "uncond".
        step: a captured denoising step, 0 the noisiest; the last captured.
        guidance: guidance scale; the session's first.
        features: view of the features the metrics are computed on, see `geometry.feature_view`.
        subspace_dim: of the class subspaces that overlap compares; half the smallest class, at most 10.
        permutations: label permutations of the null; 0 for none.
        design: which labels may be exchanged with which, see `geometry.permuted_labels`; `subjects` for
            labels that group prompts, since images of one prompt are not independent; else `within-seed`
            where prompts share their seeds, else `free`.
        overlap_permutations: how many of them the overlap gets, at some four times the cost; all.
        seed: random seed for permutations, halves and projections.
        errors: what the jackknife leaves out in turn, "auto" for what the images share; no error bars.
        iso_rate: choose each layer's ε so that its R is this many nats, in place of `eps`.
        thorough: also what costs seconds: split-half ceilings and normality, and errors by recomputation.
        metrics: of the metrics that are on request those that are wanted, by key, or "all".
        between_layers: also the metrics of what a block does to its input, which take eigenvectors.
        quick: only the rates, for a first look: no ranks and no overlap, which need eigenvalues, unless these
            are known already.
        images: only the first so many images in recording order; all.
        classes: only the images of these classes, two or more; of all.
    """

    labels: str | None = None
    eps: float = DEFAULT_EPS
    branch: Branch = "cond"
    step: int | None = None
    guidance: float | None = None
    features: View = "raw"
    subspace_dim: int | None = None
    permutations: int = 0
    design: Design | None = None
    overlap_permutations: int | None = None
    seed: int = 0
    errors: ErrorsBy | None = None
    iso_rate: float | None = None
    thorough: bool = False
    metrics: tuple[str, ...] = ()
    between_layers: bool = True
    quick: bool = False
    images: int | None = None
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.eps) and self.eps > 0):
            raise SettingsError(f"ε must be a positive number, not {self.eps:g}")
        if not _LEAST_EPS <= self.eps <= 1 / _LEAST_EPS:
            raise SettingsError(f"ε must be from {_LEAST_EPS:g} to {1 / _LEAST_EPS:g}, not {self.eps:g}")
        if self.features not in VIEWS:
            raise SettingsError(f"there is no feature transform {self.features!r}: use {', '.join(VIEWS)}")
        if self.branch not in get_args(Branch):
            raise SettingsError(f"there is no branch {self.branch!r}: use cond or uncond")
        if self.subspace_dim is not None and self.subspace_dim < 1:
            raise SettingsError(f"the subspace dimension must be at least 1, not {self.subspace_dim}")
        if not (self.permutations == 0 or 2 <= self.permutations <= _MOST_PERMUTATIONS):
            raise SettingsError(
                f"permutations must be 0 for no null, or at least 2 and at most {_MOST_PERMUTATIONS}, "
                f"not {self.permutations}"
            )
        if self.overlap_permutations is not None and not 0 <= self.overlap_permutations <= self.permutations:
            raise SettingsError(
                f"overlap permutations must be from 0 to the permutations ({self.permutations}), "
                f"not {self.overlap_permutations}"
            )
        if self.errors is not None and self.errors not in get_args(ErrorsBy):
            raise SettingsError(f"errors can be by {', '.join(get_args(ErrorsBy))}, not by {self.errors!r}")
        if self.iso_rate is not None and not (math.isfinite(self.iso_rate) and self.iso_rate > 0):
            raise SettingsError(
                f"the rate of the iso-rate view must be a positive number, not {self.iso_rate:g}"
            )
        if self.design is not None and self.design not in DESIGNS:
            raise SettingsError(f"there is no permutation design {self.design!r}: use {', '.join(DESIGNS)}")
        if self.seed < 0:
            raise SettingsError(f"seed must be 0 or more, not {self.seed}")
        if self.images is not None and self.images < 1:
            raise SettingsError(f"images must be at least 1, not {self.images}")
        if self.classes is not None and len(set(map(canonical, self.classes))) < 2:
            raise SettingsError(f"two different classes are needed, not {some_of(self.classes)}")

    def wants(self, key: str) -> bool:
        """Whether a metric that is on request is asked for."""
        return self.thorough or key in self.metrics or ALL_METRICS in self.metrics

    def wants_error(self, key: str) -> bool:
        """Whether its error by recomputation is: not without each image, which takes too long unasked."""
        return self.thorough or (self.errors != "image" and self.wants(key))

    def resolve(self, session: Session) -> "Settings":
        """The same with the session's defaults filled in, but for rank and errors: they depend on images.

        Raises:
            SettingsError: if the session lacks what is asked.
        """
        try:
            guidance = session.resolve_guidance(self.guidance)
            if self.branch not in session.manifest.branches_at(guidance):
                raise SettingsError(
                    f"there is no {self.branch} branch at guidance {guidance:g}: its passes have the "
                    "prompt only"
                )
            labels = session.resolve_scheme(self.labels)
            return replace(
                self,
                labels=labels,
                classes=_known_classes(session, labels, self.classes),
                design=self.design or default_design(session, labels),
                step=session.resolve_step(self.step),
                guidance=guidance,
            )
        except SessionError as error:
            raise SettingsError(str(error)) from None


def _known_classes(session: Session, labels: str, asked: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The classes asked for as the session writes them."""
    if asked is None:
        return None
    names = dict.fromkeys(prompt.labels[labels] for prompt in session.manifest.prompts)
    known = {canonical(name): name for name in names if name != UNLABELLED}
    for name in asked:
        if canonical(name) not in known:
            raise SettingsError(
                f"there is no class {name!r} in {labels!r}: it has {some_of(list(known.values()))}"
            )
    return tuple(known[canonical(name)] for name in asked)


def fitting_errors(prompts: Sequence[int], seeds: Sequence[int]) -> ErrorsBy:
    """What the jackknife is to leave out of images with these prompts and seeds: what they share.

    Images of one seed or one subject are not independent, and where both are shared only leaving out both
    covers (docs/validation.md).
    """
    shared = [
        name
        for name, of in (("seed", seeds), ("subject", prompts))
        if 1 < len(set(of)) < len(set(zip(prompts, seeds, strict=True)))
    ]
    return "+".join(shared) or "image"  # type: ignore[return-value]


def default_design(session: Session, labels: str) -> Design:
    """The permutation design that fits a label scheme, see docs/validation.md."""
    manifest = session.manifest
    classes = [of for prompt in manifest.prompts if (of := prompt.labels[labels]) != UNLABELLED]
    if len(set(classes)) < len(classes):
        return "subjects"
    seeds = {image.seed for image in manifest.images}
    noises = {(image.prompt, image.seed) for image in manifest.images}
    return "within-seed" if len(seeds) < len(noises) else "free"
