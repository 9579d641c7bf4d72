"""Sessions on which a claim of the report is true, or false, or on which there is nothing."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.linalg import expm

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.claims import CLAIMS, Verdict
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import BRANCHES, Block, ImageInfo
from subspacelens_tui.sessions.writer import create_session, write_features
from validation.planted_sessions import Layout, decaying_spectrum

LAYOUT = Layout()
# Where a layer must be told from all others, which takes more images.
MORE = Layout(subjects=8, seeds=16)
WIDTH, LAYERS = 48, 10
DEPTH = np.linspace(0, 1, LAYERS)
Floats = npt.NDArray[np.float64]
Profile = Floats | float
"""A number for each layer, or one for all."""


@dataclass(frozen=True)
class Law:
    """Features of one branch at one step: what of them changes over the layers.

    Attributes:
        category, subject, seed: standard deviations of what images share, where what is an image's own has 1.
        scale: of everything.
        mean: length of a mean that all images share.
        decay: standard deviations of the directions are k^-decay.
        own_axes: how much each category has strong directions of its own rather than common ones, 0 to 1; no
            strong directions if None.
        turned: how far coordinates are turned from the directions of decay: sparsity, at one geometry.
        tails: by how much the log norms of images vary.
        outlier: how far one subject lies from the others.
        block: maps the features of one layer to those of the next; those of the first are drawn.
    """

    category: Profile = 0.0
    subject: Profile = 0.0
    seed: Profile = 0.5
    scale: Profile = 1.0
    mean: Profile = 0.0
    decay: Profile = 0.3
    own_axes: Profile | None = None
    turned: Profile = 0.0
    tails: float = 0.0
    outlier: float = 0.0
    block: Callable[[Floats, np.random.Generator], Floats] | None = None

    def draw(self, rng: np.random.Generator, layout: Layout = LAYOUT) -> list[Floats]:
        """Features (N, d) of each layer; an image's own part stays half the same from layer to layer."""
        shared = {
            "category": rng.standard_normal((layout.categories, WIDTH))[layout.category_of],
            "subject": rng.standard_normal((layout.categories * layout.subjects, WIDTH))[layout.subject_of],
            "seed": rng.standard_normal((layout.seeds, WIDTH))[layout.seed_of],
        }
        direction = np.ones(WIDTH) / np.sqrt(WIDTH)
        turn = rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH)
        axes = _Axes(rng)
        norms = np.exp(self.tails * rng.standard_normal((layout.images, 1)))
        outlier = self.outlier * (layout.subject_of == 0)
        always = rng.standard_normal((layout.images, WIDTH))
        layers = []
        for layer in range(LAYERS):
            own = np.sqrt(0.5) * (always + rng.standard_normal((layout.images, WIDTH)))
            X = norms * own
            for name, of in shared.items():
                X = X + _at(getattr(self, name), layer) * of
            X = X * decaying_spectrum(WIDTH, _at(self.decay, layer))
            if self.own_axes is not None:
                X = X + axes.draw(_at(self.own_axes, layer), rng, layout)
            X = X + _at(self.mean, layer) * direction + outlier[:, None]
            X = X @ expm(_at(self.turned, layer) * (turn - turn.T))
            layers.append(_at(self.scale, layer) * X)
            if self.block is not None:
                return self._through_blocks(layers[0], rng)
        return layers

    def _through_blocks(self, X: Floats, rng: np.random.Generator) -> list[Floats]:
        assert self.block is not None
        layers = [X]
        while len(layers) < LAYERS:
            layers.append(self.block(layers[-1], rng))
        return layers


def _at(profile: Profile, layer: int) -> float:
    return float(np.broadcast_to(profile, LAYERS)[layer])


class _Axes:
    """Strong directions, common to all categories or of each its own."""

    rank = 8

    def __init__(self, rng: np.random.Generator) -> None:
        self._axes = [
            np.linalg.qr(rng.standard_normal((WIDTH, self.rank)))[0] for _ in range(1 + LAYOUT.categories)
        ]

    def draw(self, own: float, rng: np.random.Generator, layout: Layout) -> Floats:
        common, *of_category = self._axes
        found = np.empty((layout.images, WIDTH))
        for category, axes in enumerate(of_category):
            rows = layout.category_of == category
            mixed = np.linalg.qr((1 - own) * common + own * axes)[0]
            found[rows] = 5 * rng.standard_normal((int(rows.sum()), self.rank)) @ mixed.T
        return found


@dataclass(frozen=True)
class Case:
    """Sessions of one law, and what is right to say of some claims.

    Attributes:
        name: what is planted.
        right: claim → the verdicts that are right.
        draw: the laws of first and last step of the conditional branch, drawn anew for each session.
        data_sets: how many sessions are drawn.
        layout: of their images.
        uncond: gives the unconditional branch's features of a step from the conditional one's.
    """

    name: str
    right: dict[str, tuple[Verdict, ...]]
    draw: Callable[[np.random.Generator], tuple[Law, Law]]
    uncond: Callable[[list[Floats], np.random.Generator], list[Floats]] | None = None
    data_sets: int = 22
    layout: Layout = LAYOUT


YES, NULL, NO, OPEN = Verdict.SUPPORTED, Verdict.EXPLAINED, Verdict.NOT_SUPPORTED, Verdict.CANNOT_TELL
FALSE = (NULL, NO)
UNSUPPORTED = (NULL, NO, OPEN)
BUMP = np.exp(-(((DEPTH - 0.5) / 0.2) ** 2))
EARLY, MIDDLE, LATE = (np.isin(np.arange(LAYERS), layers) * 1.0 for layers in ((1, 2), (4, 5), (7, 8)))
DIP = 1 - np.exp(-(((DEPTH - 0.62) / 0.15) ** 2))


def _same(law: Law) -> Callable[[np.random.Generator], tuple[Law, Law]]:
    return lambda rng: (law, law)


def _walk(rng: np.random.Generator) -> Floats:
    """A random walk over the layers, from 0 to 1."""
    walk = np.cumsum(rng.standard_normal(LAYERS))
    found: Floats = (walk - walk.min()) / (walk.max() - walk.min())
    return found


# Higher at the sides than in between, and not the same when reflected.
_SHAPE = np.array([0.3, 0.5, 0.8, 1.0, 0.9, 0.5, 0.1, 0.0, 0.2, 0.3])


def _unrelated(rng: np.random.Generator) -> tuple[Law, Law]:
    law = Law(subject=0.3 + _walk(rng), decay=1.0, turned=_walk(rng))
    return law, law


def _nearing(cond: list[Floats], rng: np.random.Generator) -> list[Floats]:
    """The conditional features, smaller by up to 60 %; at the last layer the same."""
    return [(0.4 + 0.6 * at) * X for at, X in zip(DEPTH, cond, strict=True)]


def _apart(cond: list[Floats], rng: np.random.Generator) -> list[Floats]:
    """The same the other way round: apart at the last layer."""
    return [(1.0 - 0.6 * at) * X for at, X in zip(DEPTH, cond, strict=True)]


def _unlabelled(cond: list[Floats], rng: np.random.Generator) -> list[Floats]:
    """Nearing in scale, but the images of all subjects exchanged within their seed."""
    order = np.arange(LAYOUT.images)
    for seed in range(LAYOUT.seeds):
        rows = LAYOUT.seed_of == seed
        order[rows] = rng.permutation(order[rows])
    return [X[order] for X in _nearing(cond, rng)]


def _parts(X: Floats) -> tuple[Floats, Floats]:
    """Z (d, N), centred, and its covariance."""
    Z = (X - X.mean(axis=0)).T
    return Z, Z @ Z.T / Z.shape[1]


def _random_map(X: Floats, rng: np.random.Generator) -> Floats:
    """A tenth of a random linear layer, which knows neither labels nor the spectrum, is added."""
    return X + 0.1 * X @ rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH)


def _denoised(X: Floats, rng: np.random.Generator) -> Floats:
    """Half of the way to what a Gaussian denoiser makes of it (σ² of a tenth of the mean variance)."""
    Z, S = _parts(X)
    noise = 0.1 * np.trace(S) / WIDTH * np.eye(WIDTH)
    return _random_map(X - 0.5 * np.linalg.solve(S + noise, noise @ Z).T, rng)


def _stepped_up(X: Floats, rng: np.random.Generator) -> Floats:
    """A step up the rate reduction of the subjects: 5 % of expansion and 2 % of compression."""
    Z, S = _parts(X)
    scale = WIDTH / Settings().eps ** 2
    expansion = np.linalg.solve(np.eye(WIDTH) + scale * S, Z)
    compression = np.empty_like(Z)
    for subject in np.unique(LAYOUT.subject_of):
        of = Z[:, LAYOUT.subject_of == subject]
        inner = np.eye(WIDTH) + scale / of.shape[1] * of @ of.T
        compression[:, LAYOUT.subject_of == subject] = np.linalg.solve(inner, of)
    size = np.linalg.norm(Z)
    step = 0.05 * expansion / np.linalg.norm(expansion) - 0.02 * compression / np.linalg.norm(compression)
    return _random_map(X + size * step.T, rng)


_IN_BLOCKS = Law(category=0.3, subject=0.3, seed=0.3, decay=0.5)
# Half of an image's own part is drawn anew at each layer of these sessions. That takes something away from
# directions of low variance, which is what the claim on denoisers is about: its null are blocks that do not.
_OF_NOTHING = {claim: UNSUPPORTED for claim in CLAIMS if claim != "denoiser"}
GROWTH, AT_ONE_SCALE = "growth", ("growth-trace", "growth-iso-rate")
CASES = (
    Case(
        "category effect 0 to 2, scale × 4",
        {GROWTH: (YES,)},
        _same(Law(category=2 * DEPTH, scale=1 + 3 * DEPTH)),
    ),
    Case(
        "ever more directions of their own", dict.fromkeys(AT_ONE_SCALE, (YES,)), _same(Law(own_axes=DEPTH))
    ),
    Case("scale × 4, nothing else", {GROWTH: (NULL,), "ratio": (NULL,)}, _same(Law(scale=1 + 3 * DEPTH))),
    Case(
        "category effect 1.5, subject effect 0.7, scale × 4",
        {**dict.fromkeys(AT_ONE_SCALE, FALSE), "hierarchy": (YES,)},
        _same(Law(category=1.5, subject=0.7, scale=1 + 3 * DEPTH)),
    ),
    Case("scale ÷ 4", {GROWTH: (NO,)}, _same(Law(category=0.7, scale=4 - 3 * DEPTH))),
    Case("category effect dips", {"dip": (YES,)}, _same(Law(category=5 * DIP, seed=0.2))),
    Case("scale dips, nothing else", {"dip": (NULL,)}, _same(Law(scale=0.2 + DIP))),
    Case("category effect grows evenly", {"dip": (NO,)}, _same(Law(category=DEPTH, scale=1 + DEPTH))),
    Case("spectrum flat in the middle", {"rank": (YES,)}, _same(Law(decay=2 - 1.2 * BUMP))),
    Case("spectrum ever flatter", {"rank": (NO,)}, _same(Law(decay=2 - 1.2 * DEPTH))),
    Case(
        "a shared mean, small in the middle",
        {"rank": (NULL,)},
        _same(Law(decay=0.9, mean=20 * (1 - BUMP))),
    ),
    Case(
        "category directions at layers 4 and 5",
        {"overlap-middle": (YES,)},
        _same(Law(own_axes=MIDDLE)),
        layout=MORE,
    ),
    Case("category directions at layers 7 and 8", {"overlap-middle": (NO,)}, _same(Law(own_axes=LATE))),
    Case(
        "category directions at layers 1 and 2, then at 7 and 8",
        {"overlap-moves": (YES,)},
        lambda rng: (Law(own_axes=EARLY), Law(own_axes=LATE)),
        layout=MORE,
    ),
    Case(
        "category directions at layers 7 and 8, then at 1 and 2",
        {"overlap-moves": (NO,)},
        lambda rng: (Law(own_axes=LATE), Law(own_axes=EARLY)),
    ),
    Case("subject effect 0 to 2", {"ratio": (YES,)}, _same(Law(subject=2 * DEPTH, seed=0.2))),
    Case("subject effect 2 to 0", {"ratio": (NO,)}, _same(Law(subject=2 - 2 * DEPTH, seed=0.2))),
    Case("subjects differ, categories do not", {"hierarchy": (NULL,)}, _same(Law(subject=0.7))),
    Case(
        "categories differ, their subjects do not", {"hierarchy": (NULL,)}, _same(Law(category=0.7, seed=0.2))
    ),
    Case("branches near each other", {"branches": (YES,)}, _same(Law(category=1, subject=0.5)), _nearing),
    Case("branches part", {"branches": (NO,)}, _same(Law(category=1, subject=0.5)), _apart),
    Case(
        "branches near each other, subjects exchanged in one",
        {"branches": FALSE},
        _same(Law(category=1, subject=0.5)),
        _unlabelled,
    ),
    Case(
        "dense where subjects differ",
        {"density": (YES,)},
        _same(Law(subject=0.3 + _SHAPE, decay=1.0, turned=_SHAPE)),
    ),
    Case(
        "sparse where subjects differ",
        {"density": (NO,)},
        _same(Law(subject=0.3 + _SHAPE, decay=1.0, turned=1 - _SHAPE)),
    ),
    Case("density and subject effect unrelated", {"density": UNSUPPORTED}, _unrelated),
    Case("norms that vary by 50 %", {"non-gaussian": (YES,)}, _same(Law(tails=0.5))),
    Case(
        "Gaussian, one subject far away",
        {"non-gaussian": (NULL,)},
        _same(Law(outlier=5)),
        data_sets=62,
    ),
    Case("nothing", _OF_NOTHING, _same(Law()), data_sets=80),
    Case("nothing, scale × 4", _OF_NOTHING, _same(Law(scale=1 + 3 * DEPTH)), data_sets=24),
    Case(
        "blocks that denoise", {"denoiser": (YES,)}, _same(replace(_IN_BLOCKS, block=_denoised)), data_sets=24
    ),
    Case(
        "blocks that step up the rate reduction of the subjects",
        {"mechanism": (YES,), "denoiser": FALSE},
        _same(replace(_IN_BLOCKS, block=_stepped_up)),
        data_sets=24,
    ),
    Case(
        "blocks that add a random map",
        dict.fromkeys(("mechanism", "denoiser"), UNSUPPORTED),
        _same(replace(_IN_BLOCKS, block=_random_map)),
        data_sets=80,
    ),
)
NULLS = ("nothing", "nothing, scale × 4", "blocks that add a random map")


@contextmanager
def planted(case: Case, data_set: int) -> Iterator[Analyzer]:
    """An `Analyzer` of a session of a case, of two branches and two steps; gone at the end."""
    rng = np.random.default_rng([14, CASES.index(case), data_set])
    manifest = case.layout.manifest(LAYERS, WIDTH)
    manifest = manifest.model_copy(
        update={
            "images": [ImageInfo(prompt=of.prompt, seed=of.seed, guidance=3.0) for of in manifest.images],
            "guidance": [3.0],
            "guidance_branches": [list(BRANCHES)],
            "steps": 20,
            "capture_steps": [5, 19],
            "blocks": [Block(name=f"block {layer}", width=WIDTH) for layer in range(LAYERS)],
        }
    )
    cond = [law.draw(rng, case.layout) for law in case.draw(rng)]
    uncond = [case.uncond(of, rng) if case.uncond else Law().draw(rng, case.layout) for of in cond]
    # (images, branches, steps, width) of each layer.
    blocks = [
        np.stack([np.stack([of[layer] for of in branch], axis=1) for branch in (cond, uncond)], axis=1)
        for layer in range(LAYERS)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planted"
        create_session(path, manifest)
        stored = [features.astype(np.float32) for features in blocks]
        write_features(path, list(range(case.layout.images)), stored[0], stored)
        EventWriter(path).write("finished")
        yield Analyzer(open_session(path))
