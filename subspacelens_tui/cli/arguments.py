"""Every command and option of the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from subspacelens_tui import __version__
from subspacelens_tui.cli import preferences, reading, recording
from subspacelens_tui.cli.program import PROGRAM
from subspacelens_tui.standard_streams import complain


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line; argparse would print the usage as well.
        complain(self.prog, message, f" (see {self.prog} --help)")
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = _Parser(
        prog=PROGRAM,
        description="Watch how each layer of a diffusion transformer organises concepts while it generates.",
    )
    whole.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    whole.set_defaults(run=reading.app)
    common = _Parser(add_help=False)
    common.add_argument(
        "--sessions",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of sessions (default: $SUBSPACELENS_SESSIONS, or ./sessions)",
    )
    whole.add_argument("--sessions", metavar="DIR", default=None, help=argparse.SUPPRESS)
    preferences.add_flags(whole)
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    _add_record(commands, common)
    _add_readers(commands, common)
    doctor = commands.add_parser("doctor", parents=[common], help="say what this machine can run")
    doctor.set_defaults(run=recording.doctor)
    doctor.add_argument("--json", action="store_true", help="as JSON, sizes in bytes")
    _add_model(doctor, "also say what recording this model will take", default=None)
    settings = commands.add_parser(
        "settings", parents=[common], help="print the settings and where they are kept"
    )
    settings.set_defaults(run=preferences.show)
    preferences.add_flags(settings)
    return whole


def _add_record(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    demo = commands.add_parser("demo", parents=[common], help="record the bundled model and watch it live")
    record = commands.add_parser("record", parents=[common], help="record a model and watch it live")
    for command in (demo, record):
        command.set_defaults(run=recording.record)
        preferences.add_flags(command)
        command.add_argument(
            "--prompts", metavar="FILE|NAME", help="a prompt set: TOML file, demo or subjects-25"
        )
        command.add_argument(
            "--seeds", type=int, default=20, metavar="N", help="images per prompt (default: 20)"
        )
        command.add_argument(
            "--steps",
            type=int,
            default=20,
            metavar="N",
            help="number of denoising steps (default: 20); some schedulers run more",
        )
        command.add_argument(
            "--guidance",
            type=_numbers(float),
            metavar="G[,G…]",
            help="classifier-free guidance scales; 1 means no unconditional branch (default: 4.5, demo 3)",
        )
        command.add_argument(
            "--capture",
            type=_numbers(int),
            metavar="STEP,…",
            help="denoising steps to record, 0 the noisiest (default: first, quarters, last)",
        )
        command.add_argument(
            "--batch-size", type=int, metavar="N", help="images per batch (default: as many as fit)"
        )
        command.add_argument(
            "--tokens",
            type=int,
            nargs="?",
            const=16,
            metavar="T",
            help="also keep T single tokens of each image and block (default: none; 16 without T)",
        )
        command.add_argument("--name", metavar="NAME", help="name of the session (default: model and time)")
        command.add_argument(
            "--headless", action="store_true", help="record here without the app; progress on stderr"
        )
        command.add_argument("--random-init", action="store_true", help="untrained weights, as a control")
        command.add_argument(
            "--compile", action="store_true", help="compile each block first: slower to start, then faster"
        )
        command.add_argument(
            "--allow-nonfinite",
            action="store_true",
            help="record images with NaN or infinite features instead of stopping, and mark them (repeat it "
            "with --resume)",
        )
        command.add_argument(
            "--seeds-per-subject",
            choices=("shared", "independent"),
            default="shared",
            help="whether all prompts share the same initial noise (default: shared)",
        )
    _add_device(demo)
    demo.set_defaults(
        model="demo", revision=None, variant=None, components_from=None, allow_pickle=False, resume=None
    )
    record.add_argument(
        "--resume", type=_path, metavar="SESSION", help="resume a recording that was stopped or killed"
    )
    _add_model(record, "hub id or folder (default: demo)", default="demo")
    record.add_argument(
        "--allow-pickle",
        action="store_true",
        help="also load pickled weights, which can run any code: only if you trust them",
    )


def _add_model(command: _Parser, help: str, default: str | None) -> None:
    command.add_argument("--model", default=default, metavar="ID|PATH|demo", help=help)
    command.add_argument("--revision", metavar="R", help="branch, tag or commit of the hub repository")
    command.add_argument("--variant", metavar="V", help="variant of the weight files, such as fp16")
    command.add_argument(
        "--components-from",
        metavar="ID|PATH",
        help="where text encoder, VAE and scheduler are, for a model that is a transformer only",
    )
    _add_device(command)


def _add_device(command: _Parser) -> None:
    command.add_argument(
        "--device", metavar="D", help="cpu, cuda, cuda:1, … (default: a GPU if there is one)"
    )
    command.add_argument(
        "--dtype",
        metavar="T",
        help="float32, bfloat16 or float16 (default: bfloat16 on a GPU that has it, else float32)",
    )


def _add_readers(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    replay = commands.add_parser("replay", parents=[common], help="open a session, finished or running")
    replay.set_defaults(run=reading.replay)
    show = commands.add_parser("show", parents=[common], help="print the panes of a session once")
    show.set_defaults(run=reading.show)
    for command in (replay, show):
        command.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
        command.add_argument("--layer", type=int, metavar="L", help="the layer to select (default: 0)")
        preferences.add_flags(command)
        _add_view(command)

    stop = commands.add_parser("stop", parents=[common], help="stop a recording cleanly")
    stop.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
    stop.set_defaults(run=recording.stop)

    listing = commands.add_parser("list", parents=[common], help="list the sessions")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=reading.list_all)

    analyze = commands.add_parser("analyze", parents=[common], help="print the metrics of every layer")
    analyze.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
    kind = analyze.add_mutually_exclusive_group()
    kind.add_argument("--sweep", metavar="METRIC", help="one metric at every guidance scale and step")
    kind.add_argument(
        "--tables", action="store_true", help="summary tables: Rc/R by depth, cond vs uncond, …"
    )
    kind.add_argument(
        "--tokens", action="store_true", help="metrics of single tokens (of sessions recorded with --tokens)"
    )
    kind.add_argument(
        "--every-image",
        action="store_true",
        help="use every image exactly; only metrics computable from d × d matrices",
    )
    analyze.set_defaults(run=reading.analyze)
    compare = commands.add_parser("compare", parents=[common], help="print the difference between two sides")
    for side in ("a", "b"):
        compare.add_argument(side, metavar=side.upper(), help="SESSION, or SESSION@branch=uncond,step=5,…")
    compare.set_defaults(run=reading.compare)
    for command in (analyze, compare):
        _add_view(command)
        _add_settings(command)

    export = commands.add_parser("export", parents=[common], help="write the metrics to files")
    export.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
    export.add_argument("--to", type=_path, required=True, metavar="DIR", help="folder for the files")
    export.add_argument(
        "--format",
        default="csv,json",
        metavar="F[,F…]",
        help="csv, json, parquet, svg and png, or all (default: csv,json)",
    )
    export.set_defaults(run=reading.export)
    _add_eps_and_features(export)
    _add_evidence(export, permutations=200)


def _add_view(command: _Parser) -> None:
    command.add_argument("--labels", metavar="SCHEME", help="label scheme (default: the first)")
    command.add_argument("--branch", help="cond or uncond (default: cond)")
    command.add_argument("--step", type=int, metavar="S", help="captured step (default: the last)")
    command.add_argument("--guidance", type=float, metavar="G", help="guidance scale (default: the first)")
    _add_eps_and_features(command)
    command.add_argument(
        "--subspace-dim",
        "--rank",
        dest="subspace_dim",
        type=int,
        metavar="R",
        help="dimension of the class subspaces (default: half the smallest class, at most 10)",
    )


def _add_eps_and_features(command: _Parser) -> None:
    command.add_argument("--eps", type=float, metavar="E", help="coding precision ε (default: 0.5)")
    command.add_argument(
        "--features",
        metavar="TRANSFORM",
        help="feature transform: raw, centred, class-centred, unit or trace (default: raw)",
    )


def _add_evidence(command: _Parser, permutations: int) -> None:
    command.add_argument(
        "--permutations",
        type=int,
        default=permutations,
        metavar="P",
        help=f"label permutations (default: {permutations})",
    )
    command.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="random seed for permutations and splits (default: 0)",
    )
    command.add_argument(
        "--errors",
        default="image",
        metavar="BY",
        help="standard errors: jackknife over image, seed, subject or seed+subject, or none (default: image)",
    )
    command.add_argument("--labels-file", metavar="FILE", help="TOML that adds label schemes to the session")


def _add_settings(command: _Parser) -> None:
    _add_evidence(command, permutations=0)
    command.add_argument(
        "--design",
        metavar="D",
        help="permutation null: free, within-seed, fine-within-coarse or subjects (default: fits the labels)",
    )
    command.add_argument(
        "--iso-rate", type=float, metavar="R", help="choose ε in each layer so that R has this value, in nats"
    )
    command.add_argument(
        "--thorough", action="store_true", help="also compute split-half ceilings, normality and spectra"
    )
    command.add_argument("--json", action="store_true", help="as JSON")


def _path(text: str) -> str:
    """A path; shells leave the ~ of `--to=~/tables` to the program."""
    if not text:
        raise argparse.ArgumentTypeError("a path is needed, and it is empty")
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"there is no home folder for {text}") from None


def _numbers(kind: type[int] | type[float]) -> Callable[[str], list[int] | list[float]]:
    def parse(text: str) -> list[int] | list[float]:
        found = []
        for part in text.split(","):
            try:
                found.append(kind(part))
            except ValueError:
                # Of a long list only what is wrong in it.
                wrong = f"{text!r}" if len(text) <= 60 else f"a list with {part[:60]!r} in it"
                raise argparse.ArgumentTypeError(f"{wrong} is not a list of numbers like 1,2,3") from None
        return found

    return parse
