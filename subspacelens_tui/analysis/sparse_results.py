"""The lenses of `subspacelens_tui.sparse` on the tokens of a session, layer by layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.analyzer import timestep_of
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.sparse_dictionaries import Dictionaries
from subspacelens_tui.analysis.sparse_sample import SparseSample, wanted_layers
from subspacelens_tui.analysis.statistics.token_images import BadTokensError
from subspacelens_tui.sessions import Session
from subspacelens_tui.sparse import (
    Comparison,
    Dictionary,
    SparseError,
    Split,
    Tokens,
    Verdict,
    compare_lenses,
    judge,
)
from subspacelens_tui.sparse.alignment import Alignment, alignment_of
from subspacelens_tui.sparse.atoms import Atom, top_atoms
from subspacelens_tui.sparse.planted_checks import CHECKS, planted_tokens


@dataclass(frozen=True)
class SparseLayer:
    """One layer.

    Attributes:
        layer: number of the block in the model.
        name, width: of it.
        found: its lenses; or why there are none.
        verdict: of them.
        atoms: those of its autoencoder that have most energy; their images are indices into the session's.
        alignment: of these atoms with class subspaces; or why there is none, empty without atoms.
    """

    layer: int
    name: str
    width: int
    found: Comparison | str
    verdict: Verdict
    atoms: tuple[Atom, ...] = ()
    alignment: Alignment | str = ""


@dataclass(frozen=True)
class SparseCheck:
    """The lenses on planted tokens, as many as the session's.

    Attributes:
        name: what was planted.
        right: the verdict that is right.
        found: the lenses.
        verdict: of them.
    """

    name: str
    right: str
    found: Comparison
    verdict: Verdict


@dataclass(frozen=True)
class SparseResult:
    """The layers that were asked for.

    Attributes:
        settings: resolved.
        distortion: at which rates are compared.
        without_position: whether the mean at their position was subtracted from tokens.
        timestep: at the step of the settings, where it is known.
        tokens: of each image.
        split: which images were fitted on and which held out.
        classes: names.
        layers: in the order of the model.
        checks: of planted tokens, if they were asked for.
        notes, losses: as of `Result`.
    """

    settings: Settings
    distortion: float
    without_position: bool
    timestep: float | None
    tokens: int
    split: Split
    classes: tuple[str, ...]
    layers: tuple[SparseLayer, ...]
    checks: tuple[SparseCheck, ...]
    notes: tuple[str, ...]
    losses: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What is asked of a comparison besides the settings.

    Attributes:
        distortion: mean squared error as a share of the variance.
        layers: which, by the numbers of their blocks in the model; all.
        checks: also the lenses on planted tokens.
        dictionaries: from the sample to its autoencoders; None for no sparse lens.
        without_position: subtract the mean at their position from tokens first, so that no lens saves
            anything by telling positions apart.
    """

    distortion: float = 0.1
    layers: Sequence[int] | None = None
    checks: bool = False
    dictionaries: Callable[[SparseSample], Dictionaries] | None = None
    without_position: bool = False


def sparse_comparison(
    session: Session,
    settings: Settings,
    asked: Asked | None = None,
    on_layer: Callable[[int, int], None] = lambda done, total: None,
) -> SparseResult:
    """Fit the lenses on some images, and code the tokens of others.

    Args:
        session: recorded with tokens.
        settings: labels, branch, step, guidance and random seed apply.
        asked: what else.
        on_layer: called with the layers done and their total after each: this takes a second a layer.

    Raises:
        SettingsError: the session has no tokens or lacks what is asked, the distortion is not between 0
            and 1, or position is to be removed from images of several sizes.
        NoImagesError: there are no images, or too few to hold some out.
        SessionError: the tokens cannot be read.
        SparseError: an autoencoder cannot be used.
    """
    asked = asked or Asked()
    if not 0 < asked.distortion < 1:
        raise SettingsError(
            f"the distortion must be between 0 and 1, a share of the variance, not {asked.distortion:g}"
        )
    wanted = wanted_layers(session, asked.layers)
    settings = settings.resolve(session)
    bad_tokens: dict[int, int] = {}
    while True:
        sample = SparseSample(session, settings, bad_tokens, asked.without_position)
        dictionaries = asked.dictionaries(sample) if asked.dictionaries else Dictionaries()
        bench = _Comparing(session, settings, asked.distortion, sample, dictionaries)
        try:
            return bench.result(wanted, asked.checks, on_layer)
        except BadTokensError as error:
            # An image is in all layers or none.
            bad_tokens |= error.layers


@dataclass(frozen=True)
class _Comparing:
    session: Session
    settings: Settings
    distortion: float
    sample: SparseSample
    dictionaries: Dictionaries

    def result(
        self, wanted: Sequence[int], checks: bool, on_layer: Callable[[int, int], None]
    ) -> SparseResult:
        names = tuple(CHECKS) if checks else ()
        found, checked, total = [], [], len(wanted) + len(names)
        with one_blas_thread():
            for done, layer in enumerate(wanted, 1):
                found.append(self._layer(layer))
                on_layer(done, total)
            for done, name in enumerate(names, len(wanted) + 1):
                checked.append(self._check(name, wanted[0]))
                on_layer(done, total)
        return SparseResult(
            settings=self.settings,
            distortion=self.distortion,
            without_position=self.sample.without_position,
            timestep=timestep_of(self.session, self.settings),
            tokens=self.sample.tokens.positions.shape[1],
            split=self.sample.split,
            classes=self.sample.tokens.classes,
            layers=tuple(found),
            checks=tuple(checked),
            notes=(*self.dictionaries.notes, *self.sample.tokens.notes()),
            losses=self.sample.tokens.losses(),
        )

    def _layer(self, layer: int) -> SparseLayer:
        manifest = self.session.manifest
        block, number = manifest.blocks[layer], manifest.block_numbers[layer]
        values = self.sample.values(layer)
        if layer in self.dictionaries.of_update:
            values = values - self.sample.values(layer - 1)
        dictionary = self.dictionaries.by_layer.get(layer)
        try:
            found = self._compared(values, dictionary)
            of_atoms = self._atoms(values, dictionary) if isinstance(dictionary, Dictionary) else ((), "")
        except SparseError as error:
            return SparseLayer(number, block.name, block.width, str(error), Verdict("undecided", str(error)))
        return SparseLayer(number, block.name, block.width, found, judge(found), *of_atoms)

    def _atoms(
        self, values: npt.NDArray[np.floating], dictionary: Dictionary
    ) -> tuple[tuple[Atom, ...], Alignment | str]:
        sample, seed = self.sample, self.settings.seed
        split, indices = sample.split, sample.tokens.indices
        raw = dictionary.for_tokens(values[split.train])
        top = top_atoms(raw.autoencoder, raw.second, values, split.groups.classes, sample.cells, seed)
        if not top:
            return (), ""
        rows = raw.autoencoder.decoder[[atom.atom for atom in top]]
        named = (replace(atom, images=tuple(indices[list(atom.images)].tolist())) for atom in top)
        return tuple(named), alignment_of(rows, values, split, seed)

    def _check(self, name: str, layer: int) -> SparseCheck:
        """On planted tokens of the sizes of a layer: the first images are those that are fitted on."""
        split = self.sample.split
        like = self.sample.values(layer)[split.train]
        order = np.concatenate([split.train, split.test])
        values = np.zeros((len(split.groups.seeds), *like.shape[1:]))
        values[order] = planted_tokens(name, like, len(order), self.settings.seed)
        found = self._compared(values, self.dictionaries.checks.get(name))
        return SparseCheck(name, CHECKS[name], found, judge(found))

    def _compared(self, values: npt.NDArray[np.floating], dictionary: Dictionary | str | None) -> Comparison:
        tokens = Tokens(values, self.sample.split, self.sample.cells)
        return compare_lenses(tokens, self.distortion, self.settings.seed, dictionary)
