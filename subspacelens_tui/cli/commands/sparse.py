"""Print what it takes to code tokens as one Gaussian, by class, by subspaces or by a sparse code."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.cli.analysis import open_session, say_losses, settings_of
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.program import UsageError, say
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.options.analysis import LABELS_FILE, SELECTION
from subspacelens_tui.options.common import JSON, SESSION
from subspacelens_tui.options.option import Option, layer_numbers, path, switch
from subspacelens_tui.options.recording import ALLOW_PICKLE
from subspacelens_tui.options.sparse import CHECK, SAE, TRAINING, WITHOUT_POSITION

if TYPE_CHECKING:
    from subspacelens_tui.analysis.sparse_dictionaries import Dictionaries
    from subspacelens_tui.analysis.sparse_results import SparseResult
    from subspacelens_tui.analysis.sparse_sample import SparseSample
    from subspacelens_tui.sessions import Session

_TAKEN = ("--labels", "--branch", "--step", "--guidance")
_TO = Option(
    "--to",
    "FILE",
    "also write a row for each layer and lens (.csv, .json or .parquet), or the curves (.svg or .png)",
    path,
)


def run(arguments: argparse.Namespace) -> int:
    """As text or JSON, and to a file where one is named."""
    from subspacelens_tui.analysis.output import print_sparse
    from subspacelens_tui.analysis.sparse_results import Asked, sparse_comparison

    layers = arguments.layers
    file = None if arguments.to is None else _file(Path(arguments.to))
    _refuse_useless(arguments)
    session = open_session(arguments, arguments.session)
    if arguments.sae == "stop":
        return _stop(session)
    dictionaries = _dictionaries(arguments, session, layers)
    asked = Asked(arguments.distortion, layers, arguments.check, dictionaries, arguments.without_position)
    with progress() as say_progress:
        found = sparse_comparison(
            session, settings_of(arguments), asked, functools.partial(say_progress, "layers")
        )
    print_sparse(session, found, arguments.json, arguments.bits)
    if file is not None:
        _write(file, session, found, arguments.bits)
    say_losses(found.losses)
    return 0


def _file(file: Path) -> Path:
    """Refused before anything is computed, if it cannot be written."""
    from subspacelens_tui.analysis.output import FORMATS
    from subspacelens_tui.analysis.output.files import need, why_unwritable

    if (kind := file.suffix.removeprefix(".")) not in FORMATS:
        raise UsageError(f"a table is .csv, .json or .parquet, and a plot .svg or .png, not {file.name!r}")
    need(kind)
    if why := why_unwritable(file):
        raise UsageError(why)
    return file


def _write(file: Path, session: Session, found: SparseResult, bits: bool) -> None:
    """The table, or the plot."""
    from subspacelens_tui.analysis.output import PLOT_FORMATS, Provenance, rate_plot, write_plot, write_table
    from subspacelens_tui.analysis.output.sparse import sparse_rows

    if (kind := file.suffix.removeprefix(".")) in PLOT_FORMATS:
        about = Provenance([(session.name, found.settings)])
        write_plot(rate_plot(file.stem, found), file.parent, [kind], (), about)
    else:
        write_table(file, sparse_rows(session, found, bits))


def _refuse_useless(arguments: argparse.Namespace) -> None:
    """Options of a training where none is asked for, and more active atoms than there are."""
    if arguments.sae != "train":
        for option in TRAINING:
            if getattr(arguments, option.name) not in (option.default, None, False):
                raise UsageError(f"{option.flag} is of a training: add --sae train")
    elif arguments.k is not None and arguments.atoms is not None and arguments.k > arguments.atoms:
        raise UsageError(
            f"--k {arguments.k} of --atoms {arguments.atoms}: no more can be active than there are"
        )


def _stop(session: Session) -> int:
    from subspacelens_tui.cli.training import stop_training
    from subspacelens_tui.sparse import SparseError

    if not (asked := stop_training(session.path)):
        raise SparseError(f"no autoencoder of {session.name} is being trained")
    say(f"asked {asked} training to stop; the command that started it resumes it")
    return 0


def _dictionaries(
    arguments: argparse.Namespace, session: Session, layers: tuple[int, ...] | None
) -> Callable[[SparseSample], Dictionaries] | None:
    """Where the autoencoders come from; they are trained first, if that was asked."""
    from subspacelens_tui.analysis.sparse_dictionaries import load_dictionaries, trained
    from subspacelens_tui.analysis.sparse_sample import wanted_layers
    from subspacelens_tui.cli.training import pickle_reader

    if arguments.sae is None:
        return None
    if arguments.sae == "train":
        folder = _train(arguments, session, layers)
        return lambda sample: trained(folder)
    wanted = wanted_layers(session, layers)
    reader = pickle_reader() if arguments.allow_pickle else None
    return lambda sample: load_dictionaries(Path(arguments.sae), session, wanted, sample, reader)


def _train(arguments: argparse.Namespace, session: Session, layers: tuple[int, ...] | None) -> Path:
    from subspacelens_tui.analysis.sparse_training import plan_training
    from subspacelens_tui.cli.training import train
    from subspacelens_tui.planning.machine import cores
    from subspacelens_tui.sparse.recipe import Asked

    asked = Asked(
        atoms=arguments.atoms,
        k=arguments.k,
        steps=arguments.train_steps,
        batch_topk=arguments.batch_topk,
    )
    settings, where = settings_of(arguments), arguments.device or "auto"
    # One core stays free for the app.
    threads = max(1, cores() - 1)
    return train(
        lambda: plan_training(
            session, settings, layers, asked, where, threads, arguments.check, arguments.without_position
        ),
        session.name,
    )


COMMAND = Command(
    "sparse",
    "print the cost of coding tokens as one Gaussian, by class, by subspaces, by a sparse code",
    run,
    (
        SESSION,
        Option("--layers", "A-B[,…]", "only these layers (default: all)", layer_numbers),
        Option(
            "--distortion",
            "D",
            "compare rates at this squared error, as a share of the variance (default: %(default)s)",
            float,
            0.1,
            more="rates are measured on held-out tokens: see [sparse.md](sparse.md)",
        ),
        switch("--bits", "rates in bits (default: nats)"),
        *(option for option in SELECTION if option.flag in _TAKEN),
        Option(
            "--seed", "N", "random seed for held-out images, permuted classes and starts (default: 0)", int
        ),
        WITHOUT_POSITION,
        SAE,
        *TRAINING,
        CHECK,
        ALLOW_PICKLE,
        LABELS_FILE,
        _TO,
        JSON,
    ),
    order=75,
)
