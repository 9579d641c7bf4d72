"""The command line: what is typed, turned into calls; see docs/cli.md for the contract."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

# Only light modules here: each command imports what it needs, so that `--help` is instant and the app
# never sees torch.
from subspacelens_tui import __version__

if TYPE_CHECKING:
    from subspacelens_tui.analysis import Settings
    from subspacelens_tui.recording.plan import Request
    from subspacelens_tui.sessions import Session

PROGRAM = "subspacelens-tui"


class UsageError(Exception):
    """The command line is wrong; exit status 2."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line; argparse would print the usage as well.
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `subspacelens-tui list | head` is no failure; keep Python from complaining at exit.
        sys.stdout = None
        return 0
    except Exception as error:
        status = _status_of(error)
        if status is None:
            raise
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return status


def _status_of(error: Exception) -> int | None:
    """The exit status of an error whose message is meant for the user; None for a defect of ours."""
    from subspacelens_tui.analysis.settings import SettingsError
    from subspacelens_tui.models import ModelError
    from subspacelens_tui.recording.errors import RecordingError
    from subspacelens_tui.sessions import SessionError

    if isinstance(error, UsageError | SettingsError):
        return 2
    if isinstance(error, SessionError | RecordingError | ModelError | OSError):
        return 1
    return None


# --- what each command does -------------------------------------------------------------------------------


def _app(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import sessions_folder

    _need_terminal("the list of sessions: `subspacelens-tui list` prints it")
    return run(sessions_folder(arguments.sessions))


def _record(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.recording.plan import plan
    from subspacelens_tui.recording.size import size_line
    from subspacelens_tui.sessions.catalog import new_session_path, sessions_folder
    from subspacelens_tui.sessions.writer import create_session

    if not arguments.headless:
        _need_terminal("a recording: add --headless to record without a screen")
    if arguments.resume is not None:
        return _resume(arguments)
    manifest = plan(_request(arguments))
    folder = new_session_path(sessions_folder(arguments.sessions), arguments.name, Path(arguments.model).name)
    create_session(folder, manifest)
    if manifest.tokens is not None:
        print(f"{PROGRAM}: {size_line(manifest, folder)}", file=sys.stderr)
    return _start(arguments, folder)


def _resume(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.sessions import Phase, SessionError, open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    folder = find_session(arguments.resume, sessions_folder(arguments.sessions))
    state = open_session(folder).state
    if state.phase is Phase.FINISHED:
        raise SessionError(f"{folder.name} is finished: `{PROGRAM} replay {folder.name}` opens it")
    if state.phase in (Phase.LOADING, Phase.RECORDING, Phase.PAUSED):
        raise SessionError(f"{folder.name} is being recorded: `{PROGRAM} replay {folder.name}` shows it")
    return _start(arguments, folder)


def _start(arguments: argparse.Namespace, folder: Path) -> int:
    from subspacelens_tui.recording.process import start_recorder
    from subspacelens_tui.sessions.catalog import sessions_folder

    if arguments.headless:
        return _record_here(folder)
    process = start_recorder(folder)
    status = _watch(folder, sessions_folder(arguments.sessions))
    process.poll()
    return status


def _stop(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.sessions import SessionError, open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.control import ask

    folder = find_session(arguments.session, sessions_folder(arguments.sessions))
    state = open_session(folder).state
    if not state.phase.running:
        raise SessionError(f"{folder.name} is not being recorded: it is {state.phase}")
    ask(folder, "stop")
    print(
        f"asked the recorder of {folder.name} to stop; `record --resume {folder.name}` goes on",
        file=sys.stderr,
    )
    return 0


def _record_here(folder: Path) -> int:
    from subspacelens_tui.recording.process import print_progress
    from subspacelens_tui.recording.recorder import Recorder

    status = Recorder(folder, on_progress=print_progress).run()
    print(folder)
    return status


def _watch(folder: Path, sessions: Path) -> int:
    """The live screen; afterwards a line on how the recording stands, because the screen is gone."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions import Phase, open_session

    status = run(sessions, folder)
    state = open_session(folder).state
    if state.phase is Phase.FAILED:
        print(f"{PROGRAM}: the recording failed: {state.detail}", file=sys.stderr)
        return status or 1
    if state.phase.running:
        print(
            f"{folder.name} goes on recording; `{PROGRAM} replay {folder.name}` shows it again",
            file=sys.stderr,
        )
    return status


def _request(arguments: argparse.Namespace) -> Request:
    from subspacelens_tui.recording.plan import Request

    return Request(
        model=arguments.model,
        prompts=arguments.prompts,
        seeds=arguments.seeds,
        steps=arguments.steps,
        guidance=arguments.guidance,
        capture=arguments.capture,
        batch_size=arguments.batch_size,
        tokens=arguments.tokens,
        device=arguments.device,
        dtype=arguments.dtype,
        revision=arguments.revision,
        random_init=arguments.random_init,
        seeds_per_subject=arguments.seeds_per_subject,
    )


def _replay(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    folder = sessions_folder(arguments.sessions)
    session = find_session(arguments.session, folder)
    _need_terminal("a session: `subspacelens-tui analyze` prints its figures")
    return run(folder, session)


def _list(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.analysis.report import print_listing
    from subspacelens_tui.sessions.catalog import list_sessions, sessions_folder

    print_listing(list_sessions(sessions_folder(arguments.sessions)), as_json=arguments.json)
    return 0


def _analyze(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.report import print_figures, print_sweep, print_tables, print_tokens
    from subspacelens_tui.analysis.sweep import sweep
    from subspacelens_tui.analysis.tables import article_tables
    from subspacelens_tui.analysis.tokens.figures import token_figures

    session = _open(arguments, arguments.session)
    settings, analyzer = _settings(arguments), Analyzer(session)
    if arguments.tables:
        print_tables(article_tables(analyzer, settings), as_json=arguments.json)
    elif arguments.sweep:
        print_sweep(sweep(analyzer, settings, arguments.sweep), as_json=arguments.json)
    elif arguments.tokens:
        print_tokens(session, token_figures(session, settings, _say_layer), as_json=arguments.json)
    else:
        print_figures(session, analyzer.figures(settings), as_json=arguments.json)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.compare import compare, side_settings
    from subspacelens_tui.analysis.report import print_comparison

    sides = []
    for side in (arguments.a, arguments.b):
        name, _, changes = side.partition("@")
        settings = side_settings(_settings(arguments), changes)
        sides.append(Analyzer(_open(arguments, name)).figures(settings))
    print_comparison((arguments.a, arguments.b), compare(*sides), as_json=arguments.json)
    return 0


def _open(arguments: argparse.Namespace, name: str) -> Session:
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.labels import add_labels

    session = open_session(find_session(name, sessions_folder(arguments.sessions)))
    if arguments.labels_file is not None:
        add_labels(session, Path(arguments.labels_file))
    return session


def _settings(arguments: argparse.Namespace) -> Settings:
    from subspacelens_tui.analysis import Settings

    return Settings(
        labels=arguments.labels,
        eps=arguments.eps,
        branch=arguments.branch,
        step=arguments.step,
        guidance=arguments.guidance,
        features=arguments.features,
        rank=arguments.rank,
        permutations=arguments.permutations,
        design=arguments.design,
        seed=arguments.seed,
        errors=None if arguments.errors == "none" else arguments.errors,
        iso_rate=arguments.iso_rate,
        thorough=arguments.thorough,
    )


def _export(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.analysis.export import export
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    session = open_session(find_session(arguments.session, sessions_folder(arguments.sessions)))
    for path in export(session, Path(arguments.to)):
        print(path)
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.recording.doctor import examine

    for line in examine():
        print(line)
    return 0


def _say_layer(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rlayer {done}/{total}", end="" if done < total else "\n", file=sys.stderr, flush=True)


def _need_terminal(what: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"a terminal is needed to show {what}")


# --- what can be typed ------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Watch how each layer of a diffusion transformer organises concepts while it generates.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.set_defaults(run=_app)
    common = _Parser(add_help=False)
    common.add_argument(
        "--sessions",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of sessions (default: $SUBSPACELENS_SESSIONS, or ./sessions)",
    )
    parser.add_argument("--sessions", metavar="DIR", default=None, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    _add_record(commands, common)
    _add_readers(commands, common)
    doctor = commands.add_parser("doctor", parents=[common], help="say what this machine can run")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_record(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    demo = commands.add_parser("demo", parents=[common], help="record the bundled model and watch it live")
    record = commands.add_parser("record", parents=[common], help="record a model and watch it live")
    for command in (demo, record):
        command.set_defaults(run=_record)
        command.add_argument(
            "--prompts", metavar="FILE|NAME", help="a prompt set: TOML file, demo or subjects-25"
        )
        command.add_argument(
            "--seeds", type=int, default=20, metavar="N", help="images per prompt (default: 20)"
        )
        command.add_argument(
            "--steps", type=int, default=20, metavar="N", help="denoising steps (default: 20)"
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
            help="denoising steps to keep, 0 the noisiest (default: first, quarters, last)",
        )
        command.add_argument("--batch-size", type=int, metavar="N", help="images generated together")
        command.add_argument(
            "--tokens",
            type=int,
            nargs="?",
            const=16,
            metavar="T",
            help="also keep T single tokens of each image and block (default: none; 16 without T)",
        )
        command.add_argument(
            "--device", metavar="D", help="cpu, cuda, cuda:1, … (default: a GPU if there is one)"
        )
        command.add_argument(
            "--dtype", metavar="T", help="float32, bfloat16 or float16 (default: fits the device)"
        )
        command.add_argument("--name", metavar="NAME", help="of the session (default: model and time)")
        command.add_argument(
            "--headless", action="store_true", help="no screen: record here, progress on stderr"
        )
        command.add_argument("--random-init", action="store_true", help="untrained weights, as a control")
        command.add_argument(
            "--seeds-per-subject",
            choices=("shared", "independent"),
            default="shared",
            help="whether all prompts start from the same noises (default: shared)",
        )
    demo.set_defaults(model="demo", revision=None, resume=None)
    record.add_argument(
        "--model", default="demo", metavar="ID|PATH|demo", help="hub id or folder (default: demo)"
    )
    record.add_argument("--resume", metavar="SESSION", help="go on with a session that was stopped or killed")
    record.add_argument("--revision", metavar="R", help="of the hub repository")


def _add_readers(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    replay = commands.add_parser("replay", parents=[common], help="open a session, finished or running")
    replay.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
    replay.set_defaults(run=_replay)

    stop = commands.add_parser("stop", parents=[common], help="stop the recording of a session in good order")
    stop.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
    stop.set_defaults(run=_stop)

    listing = commands.add_parser("list", parents=[common], help="list the sessions")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_list)

    analyze = commands.add_parser("analyze", parents=[common], help="print the figures of every layer")
    analyze.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
    kind = analyze.add_mutually_exclusive_group()
    kind.add_argument("--sweep", metavar="FIGURE", help="one figure over all guidance scales and steps")
    kind.add_argument("--tables", action="store_true", help="the tables of the article")
    kind.add_argument("--tokens", action="store_true", help="the figures of single tokens, see record")
    analyze.set_defaults(run=_analyze)
    compare = commands.add_parser("compare", parents=[common], help="print the difference of two sides")
    for side in ("a", "b"):
        compare.add_argument(side, metavar=side.upper(), help="SESSION, or SESSION@branch=uncond,step=5,…")
    compare.set_defaults(run=_compare)
    for command in (analyze, compare):
        _add_settings(command)

    export = commands.add_parser("export", parents=[common], help="write the figures to files")
    export.add_argument("session", metavar="SESSION", help="a name in the sessions folder, or a path")
    export.add_argument("--to", required=True, metavar="DIR", help="folder for the files")
    export.set_defaults(run=_export)


def _add_settings(command: _Parser) -> None:
    command.add_argument("--labels", metavar="SCHEME", help="label scheme (default: the first)")
    command.add_argument(
        "--eps", type=float, default=0.5, metavar="E", help="coding precision ε (default: 0.5)"
    )
    command.add_argument("--branch", default="cond", help="cond or uncond (default: cond)")
    command.add_argument("--step", type=int, metavar="S", help="captured step (default: the last)")
    command.add_argument("--guidance", type=float, metavar="G", help="guidance scale (default: the first)")
    command.add_argument(
        "--features",
        default="raw",
        metavar="VIEW",
        help="raw, centred, class-centred, unit or trace (default: raw)",
    )
    command.add_argument(
        "--rank", type=int, metavar="R", help="of the class subspaces (default: fits the classes)"
    )
    command.add_argument(
        "--permutations", type=int, default=0, metavar="P", help="label permutations (default: 0)"
    )
    command.add_argument(
        "--design",
        default="free",
        metavar="D",
        help="free, within-seed, fine-within-coarse or subjects (default: free)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    command.add_argument(
        "--errors",
        default="image",
        metavar="BY",
        help="jackknife over image, seed or subject, or none (default: image)",
    )
    command.add_argument(
        "--iso-rate", type=float, metavar="R", help="each layer's ε chosen so that R is this (nats)"
    )
    command.add_argument(
        "--thorough", action="store_true", help="also split-half ceilings, normality and spectra"
    )
    command.add_argument("--json", action="store_true", help="as JSON")
    command.add_argument("--labels-file", metavar="FILE", help="TOML that adds label schemes to the session")


def _numbers(kind: type[int] | type[float]) -> Callable[[str], list[int] | list[float]]:
    def parse(text: str) -> list[int] | list[float]:
        try:
            return [kind(part) for part in text.split(",")]
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers like 1,2,3") from None

    return parse
