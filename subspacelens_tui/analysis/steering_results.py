"""What came of a steering run: of which class its images are, and whether they still are images."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.analysis.steered_images import DISAGREE, TARGET, UNSTEERED, SteeredImages, percent
from subspacelens_tui.analysis.steering_judges import Checked, NaturalImages, by_image, nearest_ratio
from subspacelens_tui.analysis.steering_layers import OverLayers, over_layers
from subspacelens_tui.analysis.steering_verdict import verdict_of
from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.catalog import find_session, session_names
from subspacelens_tui.sessions.features import STEERING
from subspacelens_tui.sessions.format import Steering
from subspacelens_tui.sessions.steering_runs import keys_of_run
from subspacelens_tui.steering import CONTROLS
from subspacelens_tui.steering.examples import FloatArray
from subspacelens_tui.steering.judge import Names
from subspacelens_tui.steering.manifold import Natural
from subspacelens_tui.steering.share_interval import share


@dataclass(frozen=True)
class JudgeError:
    """How often a judge is wrong on natural images that it was not fitted to.

    Attributes:
        name: of the judge.
        errors, images: of the session that steering was fitted to, across seeds.
        new_errors, new_images: of the run's natural images.
    """

    name: str
    errors: int
    images: int
    new_errors: int
    new_images: int


@dataclass(frozen=True)
class SteeringResult:
    """A run.

    Attributes:
        name: before the `~`.
        statistics: name of the session it was fitted to.
        steering: what was done, of the strongest session of the method.
        judge: its errors, and where it looks: layer and denoising step.
        layer, step: where the judge looks.
        second: errors of the second judge, if there is one.
        classifier: errors of the classifier of the bundled models' drawings, if it can tell.
        rows: natural images of B, then strengths, then controls.
        layers: of a run that steers at each layer in turn, what came of it by layer; else None.
        verdict: in a line.
        notes: what the reader should know, a line each.
    """

    name: str
    statistics: str
    steering: Steering
    judge: JudgeError
    layer: int
    step: int
    second: JudgeError | None
    classifier: JudgeError | None
    rows: tuple[SteeredImages, ...]
    layers: OverLayers | None
    verdict: str
    notes: tuple[str, ...]


def runs_of(sessions: Path) -> list[str]:
    """Names of the steering runs in a folder of sessions, newest first."""
    found = [name.rpartition("~") for name in session_names(sessions)]
    return list(dict.fromkeys(run for run, _, suffix in found if run and suffix == UNSTEERED))


def runs_for(session: Path) -> list[str]:
    """Names of the runs that a session belongs to, or that were fitted to it, newest first.

    Args:
        session: its folder, among the sessions of the runs.
    """
    sessions, name = session.parent, session.name
    runs = runs_of(sessions)
    if (own := name.rpartition("~")[0]) in runs:
        return [own]
    return [run for run in runs if _fitted_to(sessions, run) == name]


def _fitted_to(sessions: Path, name: str) -> str | None:
    """The session that a run was fitted to; None while no steered session of it can be read."""
    for key in keys_of_run(sessions, name):
        try:
            steering = open_session(sessions / f"{name}~{key}").manifest.steering
        except SessionError:
            continue
        if steering is not None:
            return steering.statistics
    return None


def steering_result(sessions: Path, name: str) -> SteeringResult:
    """Judge the images of a run, as far as they are there.

    Args:
        sessions: the folder.
        name: of the run.

    Raises:
        SettingsError: there is no such run, or no steered image yet.
        SessionError: a session cannot be read.
    """
    opened = {key: open_session(sessions / f"{name}~{key}") for key in keys_of_run(sessions, name)}
    recorded = {key: session for key, session in opened.items() if session.files}
    steered = {key: session for key, session in recorded.items() if session.manifest.steering is not None}
    if not steered:
        raise SettingsError(f"there is no steered image of a run {name!r} in {sessions}")
    steering = _of_run(steered)
    source = open_session(find_session(steering.statistics, sessions))
    _check_model(source, recorded.values())
    guidance = next(iter(steered.values())).manifest.guidance[0]
    natural = NaturalImages(source, steering.scheme, guidance)
    seen = {key: _look(session, natural) for key, session in recorded.items()}
    rows = tuple(_row(key, session, seen[key], steering, natural) for key, session in _in_order(recorded))
    by_layer = over_layers(rows, steering, source, guidance)
    truth = {TARGET: steering.target, UNSTEERED: steering.source}
    unsteered = [(seen[key], name) for key, name in truth.items() if key in seen]
    return SteeringResult(
        name=name,
        statistics=source.name,
        steering=steering,
        judge=_errors(natural.judge, [(of.judged, name) for of, name in unsteered]),
        layer=natural.layer,
        step=natural.step,
        second=None
        if natural.second is None
        else _errors(natural.second, [(of.by_latents, name) for of, name in unsteered]),
        classifier=None
        if natural.classifier is None
        else _errors(natural.classifier, [(of.classified, name) for of, name in unsteered]),
        rows=rows,
        layers=by_layer,
        verdict=verdict_of(rows, steering),
        notes=(*_of_layers(by_layer), *_notes(rows, opened, natural, steering)),
    )


def _check_model(source: Session, recorded: Iterable[Session]) -> None:
    """Refuse a source that was replaced by another session of its name."""
    widths = [block.width for block in source.manifest.blocks]
    for session in recorded:
        if [block.width for block in session.manifest.blocks] != widths:
            raise SettingsError(
                f"{session.name} is of another model than {source.name}, to which it was fitted"
            )


def _of_run(steered: dict[str, Session]) -> Steering:
    """What was done, of the method at full strength or next to it."""
    every = [
        session.manifest.steering for session in steered.values() if session.manifest.steering is not None
    ]
    return min(every, key=lambda of: (of.control is not None, abs(of.strength - 1)))


def _in_order(recorded: dict[str, Session]) -> list[tuple[str, Session]]:
    """Natural images of B and of A, then by strength, then the controls; of each the layers in turn."""
    controls = [control.key for control in CONTROLS]

    def place(item: tuple[str, Session]) -> tuple[int, float, Sequence[int]]:
        of = item[1].manifest.steering
        if of is None:
            return (0, 0.0, ()) if item[0] == TARGET else (1, 0.0, ())
        return (
            (1, of.strength, of.layers) if of.control is None else (2, controls.index(of.control), of.layers)
        )

    return sorted(recorded.items(), key=place)


@dataclass(frozen=True)
class _Seen:
    """What the judges look at in a session, and what they name its images; None of what there is not."""

    latents: FloatArray | None
    pixels: FloatArray | None
    judged: Names
    by_latents: Names | None
    classified: Names | None


def _look(session: Session, natural: NaturalImages) -> _Seen:
    latents, pixels = natural.final_latents(session), natural.pixels(session)
    return _Seen(
        latents,
        pixels,
        natural.judge.judge(natural.unconditional(session)),
        None if natural.second is None or latents is None else natural.second.judge(latents),
        None if natural.classifier is None or pixels is None else natural.classifier.judge(pixels),
    )


def _row(
    key: str, session: Session, seen: _Seen, steering: Steering, natural: NaturalImages
) -> SteeredImages:
    of, guidance = session.manifest.steering, session.manifest.guidance[0]
    seeds = [session.manifest.images[i].seed for i in session.images(guidance)]
    judged, second, named = seen.judged, seen.by_latents, seen.classified
    toward = None if of is None else of.toward
    near = _near(natural.pictures.get(steering.target), seen.pixels)
    latent_ratios = _ratios(natural.latents, seen.latents)
    energy, angle, norm = _measured(session, guidance)
    return SteeredImages(
        session=session.name,
        key=key,
        control=None if of is None else of.control,
        layers=() if of is None else tuple(of.layers),
        strength=0.0 if of is None else of.strength,
        images=len(judged),
        seeds=len(set(seeds)),
        target=share(judged == steering.target, seeds),
        source=share(judged == steering.source, seeds),
        clean=None if near is None else share((judged == steering.target) & near, seeds),
        toward=toward,
        other=None if toward is None else share(judged == toward, seeds),
        by_latents=None if second is None else share(second == steering.target, seeds),
        disagreement=None if second is None else float((second != judged).mean()),
        by_classifier=None if named is None else share(named == steering.target, seeds),
        classifier_disagreement=None if named is None else float((named != judged).mean()),
        latent_ratio=_mean(latent_ratios),
        image_ratio=_mean(_ratios(natural.pictures, seen.pixels)),
        last_ratio=float(nearest_ratio(natural.last, natural.last_block(session)).mean()),
        energy=energy,
        angle=angle,
        norm=norm,
        judged=tuple(judged.tolist()),
        classified=() if named is None else tuple(named.tolist()),
        latent_ratios=() if latent_ratios is None else tuple(latent_ratios.tolist()),
    )


def _near(of_class: Natural | None, pixels: FloatArray | None) -> npt.NDArray[np.bool_] | None:
    """Which pictures are as near to natural ones of a class as these are to each other."""
    return None if of_class is None or pixels is None else of_class.ratios(pixels) <= of_class.radius


def _ratios(of_classes: dict[str, Natural], features: FloatArray | None) -> FloatArray | None:
    return None if features is None or not of_classes else nearest_ratio(of_classes, features)


def _mean(values: FloatArray | None) -> float | None:
    return None if values is None else float(values.mean())


def _measured(session: Session, guidance: float) -> Sequence[float | None]:
    """Mean energy, angle and norm ratio."""
    if (found := by_image(session, STEERING, guidance)) is None or not found.size:
        return None, None, None
    means: list[float] = found.reshape(-1, 3).mean(axis=0).tolist()
    return means


def _errors(judge: Checked, named: Iterable[tuple[Names | None, str]]) -> JudgeError:
    """Errors of a judge: on the natural images of the run it names these, and the second is right."""
    known = [(names, right) for names, right in named if names is not None]
    wrong = sum(int((names != right).sum()) for names, right in known)
    images = sum(len(names) for names, _ in known)
    return JudgeError(judge.name, judge.errors, judge.images, wrong, images)


def _of_layers(found: OverLayers | None) -> Iterator[str]:
    """What geometry tells of them, and how that is tested."""
    if found is None:
        return
    yield found.verdict
    yield (
        f"p: the curve of {found.outcome} shares is shifted around the {len(found.method)} layers and "
        "reflected, the geometry stays; ρ: Spearman's over the layers, of one pair of classes"
    )
    yield "the best layer was chosen by the images that its share is of: new seeds tell what it is worth"


def _notes(
    rows: Sequence[SteeredImages], opened: dict[str, Session], natural: NaturalImages, steering: Steering
) -> Iterator[str]:
    if natural.judge.errors > DISAGREE * natural.judge.images:
        yield (
            f"the judge is wrong on {natural.judge.errors} of {natural.judge.images} natural images: "
            "the shares mean little"
        )
    if not natural.latents:
        yield "no distances of latents: the session that was fitted to has none, a new recording keeps them"
    if steering.half != "cond":
        yield "the unconditional pass was steered, by which the judge tells classes: look at the images"
    for row in rows:
        if row.other is not None:
            yield f"{row.key}: towards {row.toward}, {percent(row.other.value)} of the images are judged so"
        if row.disputed:
            yield f"{row.key}: the judges differ on {percent(row.most_disagreement)} of the images: look at them"
    for key, session in opened.items():
        if (state := session.state).recorded < state.planned:
            yield f"{key}: {state.recorded} of {state.planned} images so far"
    yield "last NN is of features that the steering may have set: typical ones do not make an image natural"
