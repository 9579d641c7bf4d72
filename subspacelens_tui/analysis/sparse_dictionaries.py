"""The sparse autoencoders of a session's layers: those trained beside it, and those of others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from subspacelens_tui.analysis.sparse_sample import SparseSample, wanted_layers
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.trainings import jobs_of
from subspacelens_tui.sparse import Dictionary, SparseError
from subspacelens_tui.sparse.autoencoder_parts import Loaded
from subspacelens_tui.sparse.layer_folders import check_fit, folders_by_layer
from subspacelens_tui.sparse.layouts import ReadPickle, load_autoencoder
from subspacelens_tui.sparse.training_job import (
    TRAININGS,
    Target,
    finished_at,
    is_trained,
    read_job,
    targets_of,
)


@dataclass(frozen=True)
class Dictionaries:
    """What the sparse lens of each layer is measured with.

    Attributes:
        by_layer: the autoencoder; or why there is none.
        checks: of planted tokens, by name.
        of_update: layers whose autoencoder is of what the block adds to its input.
        notes: what to know of them.
    """

    by_layer: dict[int, Dictionary | str] = field(default_factory=dict)
    checks: dict[str, Dictionary] = field(default_factory=dict)
    of_update: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


def trained(folder: Path) -> Dictionaries:
    """What a training has finished.

    Raises:
        SessionError: its job is damaged.
    """
    by_layer: dict[int, Dictionary | str] = {}
    checks: dict[str, Dictionary] = {}
    for target in targets_of(read_job(folder)):
        if target.training != TRAININGS[0]:
            continue
        found = _trained(folder, target)
        if target.check is None:
            by_layer[target.layer] = found
        elif isinstance(found, Dictionary):
            checks[target.check] = found
    return Dictionaries(by_layer, checks)


def _trained(folder: Path, target: Target) -> Dictionary | str:
    if not is_trained(folder, target):
        return "its autoencoder is not trained yet"
    try:
        first = load_autoencoder(folder.joinpath(*target.inside)).autoencoder
        again = Target(TRAININGS[1], target.layer, target.check, target.recipe)
        second = load_autoencoder(folder.joinpath(*again.inside)) if is_trained(folder, again) else None
        return Dictionary(first, None if second is None else second.autoencoder)
    except SparseError as error:
        return str(error)


def trained_beside(
    session: Session, layers: Sequence[int] | None = None
) -> Callable[[SparseSample], Dictionaries]:
    """The autoencoders of a session that were trained on just the images that are fitted on.

    Args:
        session: that they lie beside.
        layers: which, by the numbers of their blocks in the model; all. Of each the one that was finished
            last counts.
    """

    def source(sample: SparseSample) -> Dictionaries:
        settings = sample.settings
        wanted = (settings.branch, settings.step, settings.guidance, sample.fitted, sample.without_position)
        jobs = [(folder, read_job(folder)) for folder in jobs_of(session.path)]
        fitting = [
            (folder, job)
            for folder, job in jobs
            if (job.branch, job.step, job.guidance, job.images, job.without_position) == wanted
        ]
        by_layer: dict[int, Dictionary | str] = {}
        for layer in wanted_layers(session, layers):
            targets = [
                (folder, Target(TRAININGS[0], layer, None, job.recipes[layer]))
                for folder, job in fitting
                if layer in job.recipes
            ]
            if targets:
                by_layer[layer] = _trained(*max(targets, key=lambda of: finished_at(*of)))
            else:
                number, option = session.manifest.block_numbers[layer], sample.option
                by_layer[layer] = (
                    f"no sparse autoencoder of layer {number} is trained: `subspacelens-tui sparse "
                    f"{session.name}{option} --sae train --layers {number}` trains one"
                )
        return Dictionaries(by_layer)

    return source


def load_dictionaries(
    path: Path, session: Session, layers: Sequence[int], sample: SparseSample, read_pickle: ReadPickle | None
) -> Dictionaries:
    """Autoencoders of others: one in a folder, or folders named by block or layer.

    Raises:
        SparseError: there is none, or it cannot be used.
    """
    if not path.exists():
        raise SparseError(f"there is no {path}: --sae is train, stop, or the folder of an autoencoder")
    folders = folders_by_layer(path, session, layers)
    by_layer: dict[int, Dictionary | str] = {}
    notes, of_update = [], set()
    for layer in layers:
        if layer not in folders:
            by_layer[layer] = f"{path} has no folder for {session.manifest.blocks[layer].name}"
            continue
        loaded = load_autoencoder(folders[layer], read_pickle)
        check_fit(session, layer, loaded, folders[layer])
        _refuse_other_tokens(loaded, sample, folders[layer])
        _refuse_leaks(session, loaded, sample)
        by_layer[layer] = Dictionary(loaded.autoencoder, None, loaded.mean_norm)
        notes.append(_about(session, layer, loaded))
        if loaded.of_update:
            of_update.add(layer)
    return Dictionaries(by_layer, {}, frozenset(of_update), tuple(notes))


def _about(session: Session, layer: int, loaded: Loaded) -> str:
    """A line on what was loaded, and what to beware of."""
    block, number = session.manifest.blocks[layer].name, session.manifest.block_numbers[layer]
    parts = [
        f"layer {number}: an autoencoder in the layout of {loaded.layout}, {loaded.autoencoder.atoms} atoms"
    ]
    if loaded.hook and loaded.hook not in (block, str(number)):
        parts.append(f"its hook point is {loaded.hook}, and {block} is measured")
    if loaded.of_update:
        parts.append("it is of the block's update, so all lenses of this layer are of output minus input")
    if loaded.mean_norm is not None:
        parts.append(f"tokens are scaled to a mean norm of {loaded.mean_norm:.3g} for it")
    if loaded.session != session.name:
        parts.append("if it was trained on the images that are held out here, its edge is too large")
    return "; ".join(parts)


def _refuse_other_tokens(loaded: Loaded, sample: SparseSample, folder: Path) -> None:
    """See that one of tokens minus the mean at their position is not measured on others, nor the reverse.

    Raises:
        SparseError: it would be.
    """
    if loaded.without_position and not sample.without_position:
        raise SparseError(
            f"{folder} was trained on tokens minus the mean at their position: add --without-position"
        )
    if sample.without_position and not loaded.without_position:
        raise SparseError(
            f"{folder} was trained on tokens as they are, and --without-position subtracts the mean at each "
            "position: leave it out, or train a new one with --sae train"
        )


def _refuse_leaks(session: Session, loaded: Loaded, sample: SparseSample) -> None:
    """See that one of ours was not trained on images that are held out now.

    Raises:
        SparseError: it was.
    """
    if loaded.images is None or loaded.session != session.name:
        return
    if shared := loaded.images & set(sample.held_out):
        raise SparseError(
            f"this autoencoder was trained on {len(shared)} of the images that are held out here: choose the "
            "--seed and --labels that it was trained with, or train another"
        )
