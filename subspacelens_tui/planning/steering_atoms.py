"""The sparse autoencoder of a layer whose atoms are clamped: one trained on the session, or somebody's."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.trainings import JOB, jobs_of
from subspacelens_tui.sparse import Dictionary as Trained
from subspacelens_tui.sparse import SparseError
from subspacelens_tui.sparse.layer_folders import check_fit, folders_by_layer
from subspacelens_tui.sparse.layouts import ReadPickle, load_autoencoder
from subspacelens_tui.sparse.training_job import TRAININGS, Target, is_trained, read_job
from subspacelens_tui.steering import Dictionary, SteeringError


@dataclass(frozen=True)
class AskedAtoms:
    """Which atoms are to be clamped to what.

    Attributes:
        atoms: by number; that which tells the class best if none is named.
        values: of each; its mean where it is active in the class if none is given.
        sae: a folder of autoencoders; None for those trained on the session.
        read_pickle: as of `load_autoencoder`.
    """

    atoms: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    sae: str | None = None
    read_pickle: ReadPickle | None = None


@dataclass(frozen=True)
class FoundAutoencoder:
    """An autoencoder and a step.

    Attributes:
        trained: for tokens as they were recorded, once it is scaled to their norm.
        step: whose tokens it was trained on; of somebody's the last captured one.
    """

    trained: Trained
    step: int

    def dictionary(self, target: str, asked: AskedAtoms, tokens: npt.NDArray[np.floating]) -> Dictionary:
        """As steering needs it.

        Args:
            target: the class that atoms and values are for.
            asked: these.
            tokens: (N, T, d) of natural images at its step, to whose norm it may have to be scaled.

        Raises:
            PlanningError: it cannot be used so.
        """
        try:
            sae = self.trained.for_tokens(tokens).autoencoder
            bias = sae.encoder_bias - sae.encoder @ sae.shift
            found = Dictionary(sae.encoder, bias, sae.decoder, sae.k, sae.threshold, self.step)
            return found.asked(target, asked.atoms, asked.values)
        except (SparseError, SteeringError) as error:
            raise PlanningError(str(error)) from None


def autoencoder_of(session: Session, layer: int, asked: AskedAtoms, guidance: float) -> FoundAutoencoder:
    """The autoencoder of a layer's conditional tokens.

    Raises:
        PlanningError: there is none, with the command that trains one, or it cannot be used.
    """
    try:
        if asked.sae is None:
            return _trained_on(session, layer, guidance)
        return _somebodys(session, layer, Path(asked.sae), asked.read_pickle)
    except SparseError as error:
        raise PlanningError(str(error)) from None


def _trained_on(session: Session, layer: int, guidance: float) -> FoundAutoencoder:
    """The newest that was trained on this session."""
    found = []
    for folder in jobs_of(session.path):
        job = read_job(folder)
        of = (job.branch, job.guidance, job.without_position)
        if of == ("cond", guidance, False) and layer in job.recipes:
            target = Target(TRAININGS[0], layer, None, job.recipes[layer])
            if is_trained(folder, target):
                found.append((folder, target, job.step))
    if not found:
        raise PlanningError(
            f"no autoencoder of layer {layer} was trained on {session.name}: "
            f"`subspacelens-tui sparse {session.name} --sae train --layers {layer}` trains one"
        )
    folder, target, step = max(found, key=lambda one: (one[0] / JOB).stat().st_mtime)
    return FoundAutoencoder(Trained(load_autoencoder(folder.joinpath(*target.inside)).autoencoder), step)


def _somebodys(session: Session, layer: int, path: Path, read_pickle: ReadPickle | None) -> FoundAutoencoder:
    if not path.exists():
        raise SparseError(f"there is no {path}: --sae is the folder of an autoencoder")
    folder = folders_by_layer(path, session, [layer]).get(layer)
    if folder is None:
        raise SparseError(f"{path} has no folder for {session.manifest.blocks[layer].name}")
    loaded = load_autoencoder(folder, read_pickle)
    check_fit(session, layer, loaded, folder)
    if loaded.of_update:
        raise SparseError(
            f"{folder} codes what a block adds to its input, and steering sees its output: it is not used"
        )
    if loaded.without_position:
        raise SparseError(
            f"{folder} codes tokens minus the mean at their position, and steering sees them whole: it is not used"
        )
    trained = Trained(loaded.autoencoder, None, loaded.mean_norm)
    return FoundAutoencoder(trained, session.resolve_step(None))
