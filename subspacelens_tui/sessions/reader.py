"""Reading a session, finished or still growing: the same code for replay and live."""

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sessions.lookalikes import canonical, look_alikes
from subspacelens_tui.sessions.feature_files import Batches
from subspacelens_tui.sessions.errors import NotFiniteWarning, SessionError
from subspacelens_tui.sessions.events import Event, EventReader
from subspacelens_tui.sessions.features import FeatureFile, Int64Array
from subspacelens_tui.sessions.files import stamp_at
from subspacelens_tui.sessions.format import MANIFEST, Branch, Manifest
from subspacelens_tui.sessions.manifest_reader import read_manifest
from subspacelens_tui.sessions.sanitise import some_of
from subspacelens_tui.sessions.state import RunState, StateTracker
from subspacelens_tui.sessions.steps import OlderSteps

_LOG_LENGTH = 500


def open_session(path: str | Path) -> "Session":
    """Open the session in a folder.

    Raises:
        SessionError: with one clear line, if it is not a session or its `session.json` is damaged.
    """
    return Session(Path(path))


def _look_alikes(manifest: Manifest) -> Iterator[str]:
    """Earlier versions kept labels as they were written, so that one class could be recorded as two."""
    for scheme in manifest.label_schemes:
        for spelled, _ in look_alikes(prompt.labels[scheme] for prompt in manifest.prompts):
            yield (
                f"the labels {spelled} of {scheme!r} look alike but were recorded as separate classes: "
                "`--labels-file` can add a scheme that joins them"
            )


class Session:
    """A session on disk. Nothing is followed by itself: call `refresh` to see what has been added.

    Attributes:
        path: the session's folder.
        manifest: the content of `session.json`.
        files: the whole feature files, in the order of their images.
        version: changes whenever `files` does.
        log: the last events, oldest first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest_stamp = stamp_at(path / MANIFEST)
        self.manifest: Manifest = read_manifest(path)
        self.files: list[FeatureFile] = []
        self.version = 0
        self._look_alikes = list(_look_alikes(self.manifest))
        self._older_steps: OlderSteps | None = None
        self.log: list[Event] = []
        self._log: deque[Event] = deque(maxlen=_LOG_LENGTH)
        self._batches = Batches(path)
        self._not_finite: set[int] = set()
        self._schemes: dict[str, Sequence[str]] = {}
        self._events = EventReader(path)
        self._tracker = StateTracker()
        self.refresh()

    @classmethod
    def from_features(
        cls,
        arrays: Any,
        labels: Any,
        *,
        name: str | None = None,
        sessions: str | Path | None = None,
        **more: Any,
    ) -> "Session":
        """Make a session of activations that something else has recorded, and open it.

        Args:
            arrays: the features of N images: one array (N, width), a sequence of them, or a mapping from layer names
                in the order in which they run; more axes as of `from_features.FeatureArrays.layers`.
            labels: the class of each image, N texts or integers; or several schemes, a mapping from their names.
            name: of the session; default: model and time.
            sessions: the folder of sessions; default: as of the command line.
            more: prompts, seeds, steps, guidance, layer_input, pictures, model: as of `from_features.FeatureArrays`.

        Raises:
            SessionError: in one line, if they do not fit each other, or a session of that name exists.
        """
        # Writing is not needed by those who read.
        from subspacelens_tui.sessions import from_features

        found = from_features.FeatureArrays(
            from_features.named_layers(arrays), from_features.named_schemes(labels), **more
        )
        return cls(from_features.write_session(found, name, sessions))

    @property
    def name(self) -> str:
        """The name of the session: that of its folder."""
        return self.path.resolve().name

    @property
    def problems(self) -> list[str]:
        """One line for each thing that is wrong with the session, the gravest first.

        Denoising steps that are not what they are called, and classes that look alike, both of which older
        recorders could leave; then damaged files that are left out now, the first hundred of them.
        """
        steps = self.steps_problem
        return [*([] if steps is None else [steps]), *self._look_alikes, *self._batches.problems]

    @property
    def steps_problem(self) -> str | None:
        """Why the denoising steps are not what they are called, in one line; None if nothing says so."""
        if not self.manifest.blocks or self.manifest.timesteps:
            return None
        if self._older_steps is None:
            self._older_steps = OlderSteps(self.manifest)
        return self._older_steps.problem(self._events.furthest_step)

    @property
    def timesteps(self) -> tuple[float, ...]:
        """The scheduler's timestep at each denoising step; none before the model is loaded, or in older sessions."""
        return tuple(self.manifest.timesteps)

    @property
    def replaced(self) -> bool:
        """Whether another `session.json` has taken the place of the one that was read."""
        return stamp_at(self.path / MANIFEST) != self._manifest_stamp

    @property
    def state(self) -> RunState:
        """How the recording stands now."""
        recorded, planned = self._batches.images, len(self.manifest.images)
        without_picture = len(self._tracker.without_picture & recorded)
        return self._tracker.now(len(recorded), planned, len(self.not_finite), without_picture)

    @property
    def not_finite(self) -> set[int]:
        """Recorded images with features that are not finite, as far as the recorder or a reader saw it."""
        return (self._tracker.not_finite | self._not_finite) & self._batches.images

    def mark_not_finite(self, images: Iterable[int]) -> None:
        """Note that features of these images turned out not to be finite when they were read."""
        self._not_finite.update(images)

    def unmark_not_finite(self, images: Iterable[int]) -> None:
        """Take that back of images whose features are others now."""
        self._not_finite.difference_update(images)

    def refresh(self) -> bool:
        """Take in what was written since the last call; True if there are other features than before."""
        if not self.manifest.blocks:
            self._read_manifest_if_new()
        # Events before features: a "finished" must never be seen before the features it speaks of.
        events = self._events.new()
        changed = self._batches.look(self.manifest) if self.manifest.blocks else False
        self.files, self.version = self._batches.files, self._batches.version
        if self._events.restarted:
            self._tracker = StateTracker()
            self._log.clear()
        self._tracker.take(events)
        if events or self._events.restarted:
            self._log.extend(event for event in events if event["event"] != "heartbeat")
            self.log = list(self._log)
        return changed

    def _read_manifest_if_new(self) -> None:
        stamp = stamp_at(self.path / MANIFEST)
        if stamp is None or stamp != self._manifest_stamp:
            manifest = read_manifest(self.path)
            fits = all(len(labels) == len(manifest.prompts) for labels in self._schemes.values())
            self.manifest = manifest.with_schemes(self._schemes) if self._schemes and fits else manifest
            self._manifest_stamp = stamp

    def add_schemes(self, schemes: Mapping[str, Sequence[str]]) -> None:
        """Add label schemes, for each the class of every prompt, that stay while the session is followed.

        Raises:
            ValidationError: if a name is too long.
        """
        self.manifest = self.manifest.with_schemes(schemes)
        self._schemes |= schemes

    def images(self, guidance: float | None = None) -> list[int]:
        """Indices of the recorded images of one guidance scale (default: the first)."""
        wanted = self.resolve_guidance(guidance)
        return sorted(i for i in self._batches.images if self.manifest.images[i].guidance == wanted)

    def labels(self, scheme: str | None = None, guidance: float | None = None) -> list[str]:
        """The class of each image of `images(guidance)` under a label scheme (default: the first).

        It is "" for the images of prompts that a label file leaves out.
        """
        scheme = self.resolve_scheme(scheme)
        prompts, images = self.manifest.prompts, self.manifest.images
        return [prompts[images[i].prompt].labels[scheme] for i in self.images(guidance)]

    def features(
        self, layer: int, branch: Branch = "cond", step: int | None = None, guidance: float | None = None
    ) -> npt.NDArray[np.float32]:
        """The pooled features of one block: Z, float32 (d, N), a column for each of `images(guidance)`.

        Args:
            layer: index of the block.
            branch: "cond" or "uncond".
            step: a captured denoising step, 0 the noisiest; default: the last.
            guidance: a guidance scale of the session; default: the first.

        Warns:
            NotFiniteWarning: if some are not finite, with how many images that are.
        """
        self._check_layer(layer)
        width = self.manifest.blocks[layer].width
        rows = self._by_image(
            guidance, lambda file: self.read(file, branch, step, [layer])[0], (width,), np.float32
        )
        self._warn_of(rows, "features", layer, guidance)
        return np.ascontiguousarray(rows.T)

    def tokens(
        self, layer: int, branch: Branch = "cond", step: int | None = None, guidance: float | None = None
    ) -> npt.NDArray[np.float32]:
        """The sampled tokens of one block: float32 (N, T, width), an entry for each of `images(guidance)`.

        Those of entry n are at the positions `token_positions(guidance)[0][n]` in all layers, branches and
        steps. Arguments as of `features`.

        Raises:
            SessionError: if the session was recorded without tokens.

        Warns:
            NotFiniteWarning: as of `features`.
        """
        rows = self.raw_tokens(layer, branch, step, guidance)
        self._warn_of(rows, "tokens", layer, guidance)
        return rows

    def raw_tokens(
        self, layer: int, branch: Branch = "cond", step: int | None = None, guidance: float | None = None
    ) -> npt.NDArray[np.float32]:
        """As `tokens`, without a warning: for who looks whether they are finite."""
        T = self._tokens_kept()
        self._check_layer(layer)
        width = self.manifest.blocks[layer].width
        return self._by_image(
            guidance,
            lambda file: file.read_tokens(*self._indices(file, branch, step), layer),
            (T, width),
            np.float32,
        )

    def _warn_of(self, rows: npt.NDArray[np.float32], what: str, layer: int, guidance: float | None) -> None:
        """Warn of images (N, …) of `images(guidance)` that are not finite, in the name of the caller."""
        finite = np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
        if finite.all():
            return
        every = self.images(guidance)
        bad = [every[place] for place in np.flatnonzero(~finite)]
        self.mark_not_finite(bad)
        warnings.warn(
            f"{self.name}: the {what} of {len(bad)} of {len(every)} images are not finite at layer {layer} "
            f"(image {bad[0]} is the first): leave these images out",
            NotFiniteWarning,
            stacklevel=3,
        )

    def token_positions(self, guidance: float | None = None) -> tuple[Int64Array, Int64Array]:
        """Positions (N, T) of the tokens of `images(guidance)`, and how many tokens there were (N,).

        Raises:
            SessionError: if the session was recorded without tokens.
        """
        T = self._tokens_kept()
        positions = self._by_image(guidance, lambda file: file.read_positions()[0], (T,), np.int64)
        counts = self._by_image(guidance, lambda file: file.read_positions()[1], (), np.int64)
        return positions, counts

    def files_of(self, guidance: float | None = None) -> list[FeatureFile]:
        """The feature files that hold images of one guidance scale."""
        wanted = self.resolve_guidance(guidance)
        return [file for file in self.files if self.manifest.images[file.images[0]].guidance == wanted]

    def read(
        self,
        file: FeatureFile,
        branch: Branch,
        step: int | None,
        blocks: Sequence[int],
        rows: Sequence[int] | None = None,
    ) -> list[npt.NDArray[np.float32]]:
        """The features of some blocks from one file, each (rows, width); of some of its rows if given."""
        return file.read(*self._indices(file, branch, step), blocks, rows)

    def read_input(
        self, file: FeatureFile, branch: Branch, step: int | None, rows: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """What the first block receives, of some rows of one file (rows, input width).

        Raises:
            SessionError: the file does not hold it.
        """
        return file.read_input(*self._indices(file, branch, step), rows)

    def _indices(self, file: FeatureFile, branch: Branch, step: int | None) -> tuple[int, int]:
        """Where a branch and a captured step are along the axes of a file's tensors."""
        guidance = self.manifest.images[file.images[0]].guidance
        branches = self.manifest.branches_at(guidance)
        if branch not in branches:
            raise SessionError(
                f"there is no {branch} branch at guidance {guidance:g}: its passes have the prompt only"
            )
        return branches.index(branch), self.manifest.capture_steps.index(self.resolve_step(step))

    def _by_image(
        self,
        guidance: float | None,
        read: Callable[[FeatureFile], npt.NDArray[Any]],
        shape: tuple[int, ...],
        dtype: type[np.generic],
    ) -> npt.NDArray[Any]:
        """What `read` gives of each file (rows, *shape), in the order of `images(guidance)`."""
        place = {image: n for n, image in enumerate(self.images(guidance))}
        result = np.empty((len(place), *shape), dtype=dtype)
        for file in self.files_of(guidance):
            result[[place[file.images[row]] for row in file.rows]] = read(file)
        return result

    def _check_layer(self, layer: int) -> None:
        if not 0 <= layer < len(self.manifest.blocks):
            raise SessionError(
                f"there is no layer {layer}: {self.name} has {len(self.manifest.blocks)} layers"
            )

    def _tokens_kept(self) -> int:
        if self.manifest.tokens is None:
            raise SessionError(f"{self.name} has no tokens: record with --tokens to keep some")
        return self.manifest.tokens

    def resolve_scheme(self, scheme: str | None) -> str:
        """The label scheme meant; default: the first."""
        schemes = self.manifest.label_schemes
        if scheme is None or scheme in schemes:
            return scheme or schemes[0]
        for known in schemes:
            if canonical(known) == canonical(scheme):
                return known
        raise SessionError(f"there is no label scheme {scheme!r}: {self.name} has {some_of(schemes)}")

    def resolve_step(self, step: int | None) -> int:
        """The captured step meant; default: the last."""
        steps = self.manifest.capture_steps
        if step is not None and step not in steps:
            if self.manifest.default_capture and not self.manifest.timesteps:
                raise SessionError(f"{self.name} has no step {step} yet: its steps come with its model")
            raise SessionError(f"step {step} was not captured: {self.name} has {some_of(steps)}")
        return step if step is not None else steps[-1]

    def resolve_guidance(self, guidance: float | None) -> float:
        """The guidance scale meant; default: the first."""
        scales = self.manifest.guidance
        if guidance is not None and guidance not in scales:
            known = some_of([f"{g:g}" for g in scales])
            raise SessionError(f"guidance {guidance:g} was not recorded: {self.name} has {known}")
        return guidance if guidance is not None else scales[0]
