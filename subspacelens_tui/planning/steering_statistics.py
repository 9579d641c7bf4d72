"""What steering is fitted to: tokens of natural images or sums over them, and the classes of these."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.planning.call_arguments import picture_size
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.format import Block, Branch, Manifest
from subspacelens_tui.sessions.lookalikes import canonical
from subspacelens_tui.sessions.moments_file import MomentsFile
from subspacelens_tui.sessions.ranges import ranges
from subspacelens_tui.sessions.sanitise import some_of
from subspacelens_tui.steering import (
    Examples,
    Fingerprint,
    Moments,
    SummedTokens,
    TokenStatistics,
    square_grid,
)
from subspacelens_tui.steering.controls import other_class
from subspacelens_tui.steering.layer_choice import relative_shift

# Of what is random in the choice of another class.
_SEED = 0


@dataclass(frozen=True)
class Classes:
    """From which class to which.

    Attributes:
        scheme: the label scheme of both.
        source, target: the classes, as the session spells them.
        others: the other classes of the scheme that have images, in the order of the prompts.
    """

    scheme: str
    source: str
    target: str
    others: tuple[str, ...]

    @property
    def other(self) -> str | None:
        """The one of `others` that a control steers to; None if there are none."""
        return other_class(self.others, _SEED)


class Statistics:
    """The tokens of a session's natural images, by layer and captured step.

    Args:
        session: recorded with tokens, and with both passes.
        scheme: a label scheme of it.

    Attributes:
        guidance: the scale whose images are used: the first with both passes.
        model: by what the model is known again.

    Raises:
        PlanningError: the session lacks something, with the command that records one that has it.
    """

    def __init__(self, session: Session, scheme: str | None = None) -> None:
        manifest = session.manifest
        again = f"`subspacelens-tui record --model {manifest.model.id} --tokens` (or `--moments`)"
        if manifest.steering is not None:
            raise PlanningError(
                f"{session.name} has steered images, and natural ones are needed: {again} records some"
            )
        if manifest.tokens is None and manifest.moments is None:
            raise PlanningError(
                f"{session.name} has no tokens, and steering is fitted to them: {again} records some"
            )
        if manifest.layers is not None:
            raise PlanningError(
                f"{session.name} holds some of the model's blocks only, and steering needs all of them: "
                f"{again} without `--layers` records them"
            )
        if not manifest.blocks:
            raise PlanningError(f"{session.name} has no images yet: wait for some")
        both = [scale for scale in manifest.guidance if len(manifest.branches_at(scale)) == 2]
        if not both:
            raise PlanningError(
                f"{session.name} has no unconditional pass, and steering takes both: {again} with "
                "`--guidance 4.5` records some"
            )
        self.session, self.guidance, self.scheme = session, both[0], session.resolve_scheme(scheme)
        self.steps = tuple(manifest.capture_steps)
        self.model = fingerprint(manifest.blocks)

    @functools.cached_property
    def labels(self) -> npt.NDArray[np.str_]:
        """The class of each image (N,)."""
        return np.asarray(self.session.labels(self.scheme, self.guidance), dtype=np.str_)

    @functools.cached_property
    def seeds(self) -> npt.NDArray[np.int64]:
        """The seed of each image (N,)."""
        images = self.session.manifest.images
        return np.asarray([images[i].seed for i in self.session.images(self.guidance)], dtype=np.int64)

    @property
    def layers(self) -> Sequence[int]:
        """Those of which there are tokens, or sums over them."""
        manifest = self.session.manifest
        every = range(len(manifest.blocks))
        return every if manifest.tokens is not None else manifest.summed_layers(len(every)) or ()

    def need_layer(self, layer: int) -> None:
        """See that a layer can be fitted to.

        Raises:
            PlanningError: there is no such layer, or nothing of its tokens was kept.
        """
        count = len(self.session.manifest.blocks)
        if not 0 <= layer < count:
            raise PlanningError(f"there is no layer {layer}: {self.session.name} has 0 to {count - 1}")
        if layer not in self.layers:
            raise PlanningError(
                f"{self.session.name} has sums over the tokens of layers {ranges(self.layers)} only, not of "
                f"{layer}: `record --moments {layer}` sums these"
            )

    def at(self, layer: int, step: int, tokens: bool = False) -> TokenStatistics:
        """What there is of a layer and step: sums over all tokens rather than some of the tokens.

        Args:
            layer: which.
            step: a captured one.
            tokens: whether the tokens themselves are needed.

        Raises:
            PlanningError: as of `need_layer`, or there are no images that can be compared.
        """
        self.need_layer(layer)
        manifest = self.session.manifest
        summed = manifest.summed_layers(len(manifest.blocks)) or ()
        return self.examples(layer, step) if tokens or layer not in summed else self._sums(layer, step)

    def _sums(self, layer: int, step: int) -> SummedTokens:
        """Of all images that were finite there, class by class."""
        basis, slot = self._summed.array(f"basis.{layer}"), self.session.manifest.capture_steps.index(step)
        places = basis.T @ basis
        by_class: dict[str, Moments] = {}
        for group, name in self._classes_of_groups.items():
            of = self._summed.sums(group, layer, slot)
            if not of.images:
                continue
            tokens = of.images * len(basis)
            found = Moments(tokens, of.images * places, of.cond, of.uncond, of.within, of.across)
            by_class[name] = by_class[name] + found if name in by_class else found
        return SummedTokens(by_class, len(basis), token_grid(self.session.manifest, len(basis)))

    @functools.cached_property
    def _summed(self) -> MomentsFile:
        file = MomentsFile(self.session.path)
        there = set(self.session.images(self.guidance))
        if missing := there - set(file.images):
            raise PlanningError(
                f"{len(missing)} of {len(there)} images of {self.session.name} are not in its sums yet: "
                f"`subspacelens-tui record --resume {self.session.name}` adds them"
            )
        return file

    @functools.cached_property
    def _classes_of_groups(self) -> dict[int, str]:
        """Of each group of prompts its class.

        Raises:
            PlanningError: a label scheme that came later takes a group apart.
        """
        found: dict[int, str] = {}
        for group, prompt in zip(self._summed.groups, self.session.manifest.prompts, strict=True):
            name = prompt.labels[self.scheme]
            if found.setdefault(group, name) != name:
                raise PlanningError(
                    f"{self.scheme!r} tells prompts apart whose tokens were summed together: take a label "
                    "scheme that the session was recorded with"
                )
        return {group: name for group, name in found.items() if name}

    def examples(self, layer: int, step: int) -> Examples:
        """All images whose tokens are finite there.

        Raises:
            PlanningError: there are no images that can be compared.
        """
        cond, uncond = (self._tokens(layer, branch, step) for branch in ("cond", "uncond"))
        positions, counts = self.session.token_positions(self.guidance)
        if not len(counts):
            raise PlanningError(f"{self.session.name} has no images yet: wait for some")
        if len(np.unique(counts)) > 1:
            raise PlanningError(
                f"{self.session.name} has images of several sizes, whose tokens cannot be compared"
            )
        good = np.isfinite(cond).all(axis=(1, 2)) & np.isfinite(uncond).all(axis=(1, 2))
        count = int(counts[0])
        return Examples(
            cond[good],
            uncond[good],
            positions[good],
            self.labels[good],
            count,
            token_grid(self.session.manifest, count),
        )

    def _tokens(self, layer: int, branch: Branch, step: int) -> npt.NDArray[np.float32]:
        return self.session.raw_tokens(layer, branch, step, self.guidance)

    def classes(self, source: str, target: str) -> Classes:
        """The classes of these names.

        Raises:
            PlanningError: they are one, or one of them has no images.
        """
        there = list(dict.fromkeys(self.labels.tolist()))
        spelled = {canonical(name): name for name in there if name}
        for name in (source, target):
            if canonical(name) not in spelled:
                raise PlanningError(
                    f"there is no image of {name!r} under {self.scheme!r}: {self.session.name} has "
                    f"{some_of([*spelled.values()])}"
                )
        a, b = spelled[canonical(source)], spelled[canonical(target)]
        return Classes(self.scheme, a, b, tuple(name for name in spelled.values() if name not in (a, b)))

    def shifts(self, classes: Classes) -> list[float]:
        """The relative shift ‖μ_B - μ_A‖/‖z‖ of each layer, the mean over captured steps."""
        found = []
        for layer in range(len(self.session.manifest.blocks)):
            of_steps = []
            for step in self.steps:
                Z = self.session.features(layer, "cond", step, self.guidance).T
                of_steps.append(
                    relative_shift(Z[self.labels == classes.source], Z[self.labels == classes.target])
                )
            found.append(float(np.mean(of_steps)))
        return found


def scheme_of(session: Session, source: str, target: str) -> str | None:
    """The first label scheme that has both classes, else the first that has one; None if there is none."""
    wanted = {canonical(source), canonical(target)}
    most: dict[int, str] = {}
    for scheme in session.manifest.label_schemes:
        there = {canonical(prompt.labels[scheme]) for prompt in session.manifest.prompts}
        most.setdefault(len(wanted & there), scheme)
    return most.get(2, most.get(1))


def fingerprint(blocks: Sequence[Block]) -> Fingerprint:
    """By what the model of a session is known again."""
    norms = tuple(block.weight_norm for block in blocks if block.weight_norm is not None)
    known = tuple((block.name, block.width, block.tokens) for block in blocks)
    return Fingerprint(known, norms if len(norms) == len(blocks) else ())


def token_grid(manifest: Manifest, count: int) -> tuple[int, int] | None:
    """Rows and columns of the tokens of a picture: of the size that was asked for, or square."""
    if (size := picture_size(manifest.call)) is None:
        return square_grid(count)
    width, height = size
    rows = round((count * height / width) ** 0.5)
    return (
        (rows, count // rows)
        if rows and count % rows == 0 and rows * width == count // rows * height
        else None
    )
