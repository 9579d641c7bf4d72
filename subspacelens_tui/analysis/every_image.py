"""The metrics of every image: what scatters give exactly, and a reason for what they do not."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from subspacelens_tui.analysis.analyzer import fitted, timestep_of
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.classes import ordered_classes
from subspacelens_tui.analysis.evaluate import evaluate
from subspacelens_tui.analysis.excluded_images import left_out_lines, why_empty
from subspacelens_tui.analysis.layers import layer_notes
from subspacelens_tui.analysis.progress import IsCancelled, Progress, Watch
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.rounding import rounding_notes
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.base import Labelings
from subspacelens_tui.analysis.statistics.image_stream import ImageStream
from subspacelens_tui.analysis.statistics.scatter import ImageGroups, ScatterLayer
from subspacelens_tui.geometry import GeometryError, permuted_labels
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.caveats import notable_lines


def every_image_result(
    session: Session,
    settings: Settings,
    cancelled: IsCancelled | None = None,
    progress: Progress | None = None,
) -> Result:
    """The metrics of all images, however many: in time linear in N, and in memory that N leaves alone.

    Exact where they are given: rates, spectra, ranks, overlap, Hoyer sparsity, the null of whole subjects,
    the jackknife over subjects. What needs N × N numbers is missing, with the reason.

    Raises:
        SettingsError: if the session lacks what is asked, or the classes are too many for their scatters.
        Cancelled: once `cancelled` says True.
    """
    with one_blas_thread():
        return _result(session, settings.resolve(session), Watch(cancelled, progress))


def _result(session: Session, settings: Settings, watch: Watch) -> Result:
    timestep = timestep_of(session, settings)
    if not session.manifest.blocks or not session.files_of(settings.guidance):
        losses = left_out_lines(session, (), None)
        absent = why_empty(session, settings.guidance, (), None)
        found = Result(settings, 0, (), (), (), timestep=timestep, notes=losses)
        return replace(found, losses=losses, absent=absent)
    stream = ImageStream(session, settings, watch)
    left_out = stream.not_finite.summary(stream.count)
    losses = left_out_lines(session, stream.problems, left_out)
    notes = (*losses, *_notes(session, stream))
    if stream.count < 2:
        absent = "two images are needed, there is one"
        if not stream.count:
            absent = why_empty(session, settings.guidance, stream.problems, left_out)
        found = Result(settings, stream.count, (), (), (), timestep=timestep, notes=notes)
        return replace(found, left_out=left_out, losses=losses, absent=absent)
    classes = ordered_classes(session.manifest, settings.labels or "", set(stream.groups))
    codes = [classes.index(name) for name in stream.groups]
    settings = fitted(settings, stream.images, stream.class_sizes(classes))
    groups = ImageGroups(classes, codes, stream.by_subject)
    labelings = _labelings(stream, codes, settings)
    try:
        # One layer at a time: its scatters fill the memory.
        layers: list[LayerResult] = []
        for block, moments in zip(session.manifest.numbered_blocks, stream.layers(), strict=True):
            layer = ScatterLayer(len(layers), moments, groups, settings)
            layers += evaluate([layer], [block], settings, labelings, watch)
    except GeometryError as error:
        raise SettingsError(f"the {settings.features} view cannot be had: {error}") from None
    return Result(
        settings=settings,
        images=stream.count,
        classes=classes,
        class_sizes=stream.class_sizes(classes),
        layers=tuple(layers),
        timestep=timestep,
        notes=(*notes, *rounding_notes(layers)),
        left_out=left_out,
        losses=losses,
    )


def _labelings(stream: ImageStream, codes: list[int], settings: Settings) -> Labelings | str | None:
    """The class of each subject under each permutation of whole subjects; or why there is none."""
    if not settings.permutations:
        return None
    if settings.design != "subjects":
        return f"the design {settings.design} permutes images, and needs the N × N Gram matrix"
    if not stream.by_subject:
        return "there are too many subjects to keep a scatter matrix of each"
    try:
        found = permuted_labels(
            np.asarray(codes), "subjects", settings.permutations, settings.seed, groups=np.arange(len(codes))
        )
    except GeometryError as error:
        return str(error)
    return Labelings(np.asarray(found), "subjects")


def _notes(session: Session, stream: ImageStream) -> Iterator[str]:
    """What the reader of the metrics should know."""
    yield f"of all {stream.count} images, exactly, from d × d second moments"
    yield from stream.unused
    yield from notable_lines(session.manifest)
    yield from layer_notes(session.manifest)
