"""A recording as it is typed into the form: text in, a plan out, or one line for each field that is wrong."""

import os
import re
from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from subspacelens_tui.options.option import FormOption
from subspacelens_tui.options.recording import DEVICE, FIELDS
from subspacelens_tui.planning import Estimate, PlanningError, Request, plan, prompts_of
from subspacelens_tui.planning.estimate import estimate_of
from subspacelens_tui.planning.steps import runs_as_asked
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.names import automatic_paths, session_path

# More than anyone records at once; a slip of the finger must not fill the memory with a plan.
_IMAGES_AT_MOST = 100_000
_DEVICE = re.compile(r"cpu|mps|(cuda|xpu)(:\d+)?")


def _parsed(field: FormOption, text: str) -> Any:
    if field is DEVICE and not _DEVICE.fullmatch(text):
        raise PlanningError(f"there is no device {text!r}: use cpu, cuda, cuda:1, …")
    try:
        return field.parse(text)
    except (ValueError, ArgumentTypeError):
        raise PlanningError(f"must be {field.wants}, not {text!r}") from None


@dataclass(frozen=True)
class NewRunForm:
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


def read_form(texts: Mapping[str, str], folder: Path) -> NewRunForm:
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
            wanted = replace(request, **{field.name: _parsed(field, text)})
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
        return NewRunForm(errors, {})
    manifest = plan(request)
    # Another process may take an automatic name first; then the session gets the next one.
    to_be = name or next(automatic_paths(folder, manifest.model.id)).name
    return NewRunForm(
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
    if not manifest.default_capture or runs_as_asked(model.id, model.components_from, model.scheduler):
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
