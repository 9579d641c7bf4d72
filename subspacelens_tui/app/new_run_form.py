"""A recording as it is typed into the form: text in, a plan out, or one line for each field that is wrong."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from subspacelens_tui.planning import Estimate, PlanningError, Request, plan, prompts_of
from subspacelens_tui.planning.estimate import estimate_of
from subspacelens_tui.planning.plan import DEFAULT_SEEDS, DEFAULT_STEPS, DTYPES
from subspacelens_tui.planning.steps import runs_as_asked
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.names import automatic_paths, session_path

# More than anyone records at once; a slip of the finger must not fill the memory with a plan.
_IMAGES_AT_MOST = 100_000
_DEVICE = re.compile(r"cpu|mps|(cuda|xpu)(:\d+)?")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise PlanningError(f"must be a whole number, not {text!r}") from None


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise PlanningError(f"must be numbers like 1,3,4.5, not {text!r}") from None


def _steps(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise PlanningError(f"must be steps like 0,5,19, not {text!r}") from None


def _device(text: str) -> str:
    if not _DEVICE.fullmatch(text):
        raise PlanningError(f"there is no device {text!r}: use cpu, cuda, cuda:1, …")
    return text


@dataclass(frozen=True)
class Field:
    """A field of the form.

    Attributes:
        name: as in `Request`; "name" is the session's.
        label: before it.
        unless: what it is while nothing is typed.
        says: what it is for.
        parse: from text to the value of the request.
    """

    name: str
    label: str
    unless: str
    says: str
    parse: Callable[[str], Any] = str


# A field is checked with those before it.
FIELDS: tuple[Field, ...] = (
    Field("model", "model", "demo", "demo, a folder, or an id on the hub"),
    Field("prompts", "prompts", "fits the model", "a prompt set: demo, subjects-25, or a TOML file"),
    Field("seeds", "seeds", str(DEFAULT_SEEDS), "images of each prompt", _whole),
    Field("steps", "steps", str(DEFAULT_STEPS), "steps to ask for; some schedulers run more", _whole),
    Field("guidance", "guidance", "fits the model", "one scale or several; 1: no uncond branch", _numbers),
    Field("capture", "captured", "first, quarters, last", "steps to keep of those run, 0 first", _steps),
    Field("tokens", "tokens", "none", "single tokens to keep of each image and block", _whole),
    Field("device", "device", "a GPU if any", "cpu, cuda, cuda:1, …", _device),
    Field("dtype", "dtype", "fits the device", ", ".join(DTYPES)),
    Field("batch_size", "batch size", "fits the device", "images at a time", _whole),
    Field("name", "name", "model and time", "of the session"),
)


@dataclass(frozen=True)
class Draft:
    """What came of the texts.

    Attributes:
        errors: one line for each field that is wrong.
        notes: one line for each field whose meaning can be said now.
        manifest: the plan; None while something is wrong.
        name: of the session to be, if one is typed.
        estimate: what recording it will take.
        remarks: one line for each thing in the prompt set that may not be as its author thinks.
    """

    errors: Mapping[str, str]
    notes: Mapping[str, str]
    manifest: Manifest | None = None
    name: str | None = None
    estimate: Estimate | None = None
    remarks: Sequence[str] = ()


def read_draft(texts: Mapping[str, str], folder: Path) -> Draft:
    """Check what is typed, and plan it if nothing is wrong.

    Args:
        texts: of the fields by name; empty ones are left to their defaults.
        folder: of sessions.
    """
    request, errors = Request(), dict[str, str]()
    typed = {field: texts.get(field.name, "").strip() for field in FIELDS}
    for field, text in typed.items():
        if not text or field.name == "name":
            continue
        try:
            wanted = replace(request, **{field.name: field.parse(text)})
            _check_count(wanted)
            # With few seeds: what is wrong with another field does not depend on them, the time does.
            plan(wanted if field.name == "seeds" else replace(wanted, seeds=1))
            request = wanted
        except PlanningError as error:
            errors[field.name] = str(error)
    name = texts.get("name", "").strip() or None
    try:
        if name is not None:
            _check_name(folder, name)
    except SessionError as error:
        errors["name"] = str(error)
    if errors:
        return Draft(errors, {})
    manifest = plan(request)
    # Another process may take an automatic name first; then the session gets the next one.
    to_be = name or next(automatic_paths(folder, manifest.model.id)).name
    return Draft(
        errors={},
        notes=_notes(manifest, to_be),
        manifest=manifest,
        name=name,
        estimate=estimate_of(manifest, folder),
        remarks=prompts_of(request).notes,
    )


def _check_count(request: Request) -> None:
    """Refuse a plan that is too long to be made while one types."""
    prompts = len(prompts_of(request).prompts)
    images = prompts * max(0, request.seeds) * len(request.guidance or (1,))
    if images > _IMAGES_AT_MOST:
        raise PlanningError(f"would make {images} images: at most {_IMAGES_AT_MOST} from here")


def _check_name(folder: Path, name: str) -> None:
    if os.path.lexists(session_path(folder, name)):
        raise SessionError(f"there is a session {name} already")


def _captured(manifest: Manifest) -> str:
    """The captured steps, as far as they are known before the model is loaded."""
    steps, model = ", ".join(map(str, manifest.capture_steps)), manifest.model
    if not manifest.default_capture or runs_as_asked(model.id, model.components_from):
        return steps
    return f"{steps} if {manifest.inference_steps} steps are run"


def _notes(manifest: Manifest, name: str) -> dict[str, str]:
    """What the fields came to."""
    return {
        "prompts": f"{manifest.prompt_set}: {len(manifest.prompts)} prompts, "
        f"labels {', '.join(manifest.label_schemes)}",
        "seeds": f"{len(manifest.images)} images in all",
        "guidance": ", ".join(f"{scale:g}" for scale in manifest.guidance),
        "capture": _captured(manifest),
        "batch_size": f"{manifest.batch_size} images at a time",
        "name": name,
    }
