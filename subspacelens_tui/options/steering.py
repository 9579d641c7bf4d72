"""Options of a steering run; each is a field of `planning.steering.SteeringRequest`, which checks it."""

import re
from argparse import ArgumentTypeError
from typing import Literal

from subspacelens_tui.options.option import FormOption, numbers, path

_AUTO = "auto"
_ALL: Literal["all"] = "all"


def _layers(text: str) -> list[int] | Literal["all"] | None:
    """Layers from `6,8`; None for auto."""
    if text == _AUTO:
        return None
    if text == _ALL:
        return _ALL
    found = numbers(int)(text)
    return sorted({int(layer) for layer in found})


def _steps(text: str) -> tuple[int, int]:
    """The first and the last step, from `5-19`."""
    if (said := re.fullmatch(r"(\d{1,6})-(\d{1,6})", text.strip())) is None:
        raise ArgumentTypeError(f"{text[:60]!r} is not a range of steps like 5-19")
    return int(said[1]), int(said[2])


FIELDS: tuple[FormOption, ...] = (
    FormOption(
        "--from",
        "CLASS",
        "class of the images",
        dest="source",
        required=True,
        label="from",
        unless="a class",
        says="class of the images",
    ),
    FormOption(
        "--to",
        "CLASS",
        "class to steer them towards",
        dest="target",
        required=True,
        label="to",
        unless="a class",
        says="class to steer them towards",
    ),
    FormOption(
        "--labels",
        "SCHEME",
        "label scheme of both classes (default: the first that has both)",
        label="labels",
        unless="the first with both",
        says="label scheme of both",
    ),
    FormOption(
        "--layer",
        "L[,L…]",
        "where to steer: one layer or several, auto, or all, one at a time (default: auto)",
        _layers,
        dest="layers",
        more="auto picks the layer with the largest relative shift between the classes, a heuristic; all steers "
        "at each layer in turn, with a rotation of equal energy, and shows excess, shift and overlap beside it",
        label="layer",
        unless=_AUTO,
        says="one, several, all in turn; auto: largest relative shift",
        wants="layers like 6,8, auto or all",
    ),
    FormOption(
        "--method",
        "NAME",
        "transport, atom, mean, patch, project or interchange (default: transport)",
        more="[steering.md](steering.md) describes each method, with results",
        label="method",
        unless="transport",
        says="transport, atom, mean, patch, project, interchange",
    ),
    FormOption(
        "--atom",
        "A[,A…]",
        "atoms to set with --method atom (default: the one most active for --to relative to other classes)",
        numbers(int),
        dest="atoms",
        more="from the autoencoder that `sparse --sae train` trained on the session; `sparse` lists its atoms",
        label="atom",
        unless="most active in “to”",
        says="of --method atom: numbers of atoms",
        wants="numbers like 17,204",
    ),
    FormOption(
        "--value",
        "V[,V…]",
        "value of each atom at strength 1 (default: its mean where it is active in images of --to)",
        numbers(float),
        dest="values",
        label="value",
        unless="its mean in “to”",
        says="of --method atom: what they are set to at strength 1",
        wants="numbers like 2.5",
    ),
    FormOption(
        "--sae",
        "PATH",
        "folder of another autoencoder for --method atom (default: the one trained on the session)",
        path,
        more="of sparsify, SAeUron or SAELens; with `--allow-pickle` also of sdxl-unbox or dictionary_learning",
        label="sae",
        unless="trained on session",
        says="of --method atom: folder of another autoencoder",
    ),
    FormOption(
        "--strengths",
        "S,…",
        "strengths to record, a session for each (default: 0,0.5,0.75,1,1.25)",
        numbers(float),
        more="0, the unsteered twin, is always included; controls have strength 1. With `--layer all` a single "
        "strength, for the method and the controls (default: 1)",
        label="strengths",
        unless="0,0.5,0.75,1,1.25",
        says="a session for each; controls are of strength 1",
        wants="numbers like 0.5,1",
    ),
    FormOption(
        "--seeds",
        "N",
        "new seeds for each prompt of the class (default: 10)",
        int,
        label="seeds",
        unless="10",
        says="new ones for each prompt of the class",
        wants="a whole number",
    ),
    FormOption(
        "--steps",
        "A-B",
        "steer at these denoising steps only (default: all)",
        _steps,
        label="steps",
        unless="all",
        says="denoising steps at which to steer",
        wants="a range of steps like 5-19",
    ),
    FormOption(
        "--name",
        "NAME",
        "name of the run (default: the session and both classes)",
        more="its sessions are NAME~s1, NAME~rotation and so on; existing sessions of the same plan are kept",
        label="name",
        unless="session and classes",
        says="of the run: its sessions are NAME~s1, NAME~rotation, …",
    ),
)
"""In the order of the form, which `--help` has too."""
