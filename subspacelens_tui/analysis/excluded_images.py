"""Images that metrics are not of since their features are not finite, and why there are no metrics at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sessions import Branch, Phase, Session, SessionError


class NoImagesError(SessionError):
    """There is no image to analyse; the message says why."""


@dataclass(frozen=True)
class LeftOut:
    """Images whose features are not finite at one configuration.

    Attributes:
        images: indices, ascending.
        of: how many images there were to take from, these among them.
        layer, block: the first layer at which one of them is not finite, and its name.
        step, branch, dtype: where, and in which precision it was recorded, as far as that is known.
    """

    images: tuple[int, ...]
    of: int
    layer: int
    number: int
    block: str
    step: int
    branch: Branch
    dtype: str | None

    @property
    def words(self) -> str:
        """One line, without its end."""
        count = len(self.images)
        overflow = "; float16 overflow?" if self.dtype == "float16" else ""
        where = f"(step {self.step}, {self.branch}, first in layer {self.number}, {self.block}{overflow})"
        if count == self.of > 1:
            return f"all {count} images have features that are not finite {where}"
        verb, whose = ("is", "its") if count == 1 else ("are", "their")
        return f"{count} of {self.of} images {verb} left out: {whose} features are not finite {where}"


class NotFiniteImages:
    """Collects the images of a session that are not finite at one configuration.

    Args:
        session: which is told of them as well.
        step, branch: of the features.

    Attributes:
        layers: image → the first layer at which it is not finite.
    """

    def __init__(self, session: Session, step: int, branch: Branch) -> None:
        self._session, self._step, self._branch = session, step, branch
        self.layers: dict[int, int] = {}

    def usable(self, images: Sequence[int], rows: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.bool_]:
        """Which images are finite in every layer: an image is in all layers or in none.

        Args:
            images: indices.
            rows: their features at each layer (n, …).
        """
        finite = np.stack([np.isfinite(of.reshape(len(of), -1)).all(axis=1) for of in rows])
        bad = np.flatnonzero(~finite.all(axis=0)).tolist()
        self.add({images[place]: int(np.argmin(finite[:, place])) for place in bad})
        return np.asarray(finite.all(axis=0))

    def add(self, layers: dict[int, int]) -> None:
        """Take in images that are known not to be finite, each with its first such layer."""
        self.layers |= layers
        self._session.mark_not_finite(layers)

    def forget(self, images: Iterable[int]) -> None:
        """Images whose features are others now."""
        known = [image for image in images if self.layers.pop(image, None) is not None]
        self._session.unmark_not_finite(known)

    def summary(self, usable: int) -> LeftOut | None:
        """What is left out, beside so many images that are not; None if nothing is."""
        if not self.layers:
            return None
        manifest, layer = self._session.manifest, min(self.layers.values())
        return LeftOut(
            images=tuple(sorted(self.layers)),
            of=usable + len(self.layers),
            layer=layer,
            number=manifest.block_numbers[layer],
            block=manifest.blocks[layer].name,
            step=self._step,
            branch=self._branch,
            dtype=manifest.model.dtype,
        )


def left_out_lines(session: Session, problems: Sequence[str], left_out: LeftOut | None) -> tuple[str, ...]:
    """A line for everything of a session that metrics are not of, though it was recorded."""
    lines = [*session.problems, *problems]
    state = session.state
    missing = state.planned - state.recorded
    if state.phase is Phase.FINISHED and missing:
        verb = "is" if missing == 1 else "are"
        lines.append(f"{missing} of {state.planned} images {verb} left out: not there, or not to be read")
    return (*lines, left_out.words) if left_out is not None else tuple(lines)


def why_empty(
    session: Session, guidance: float | None, problems: Sequence[str], left_out: LeftOut | None
) -> str:
    """Why there is no image to analyse at a guidance scale."""
    if left_out is not None:
        return left_out.words
    if problems:
        return problems[0]
    state = session.state
    if not state.recorded and session.problems:
        return session.problems[0]
    yet = " yet" if state.phase.running else ""
    at = f" at guidance {guidance:g}" if state.recorded and guidance is not None else ""
    detail = f": {state.detail}" if state.detail else ""
    return f"no image was recorded{at}{yet} ({state.phase}{detail})"
