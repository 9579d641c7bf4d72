"""A steering run as it is typed into the form: options out, or one line for each field that is wrong."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from subspacelens_tui.options.steering import FIELDS
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.steering import SteeringRequest, check_request, default_name, size_of
from subspacelens_tui.planning.steering_statistics import Statistics, scheme_of
from subspacelens_tui.sessions import Session, SessionError
from subspacelens_tui.sessions.names import session_path

_ENDS = ("source", "target")


@dataclass(frozen=True)
class SteeringForm:
    """What came of the texts.

    Attributes:
        errors: one line for each field that is wrong.
        notes: one line for each field whose meaning can be said now.
        name: of the run to be; None while something is wrong.
        options: of the command that makes it.
        remark: what it will record.
    """

    errors: Mapping[str, str]
    notes: Mapping[str, str]
    name: str | None = None
    options: tuple[str, ...] = ()
    remark: str = ""


def read_steering_form(texts: Mapping[str, str], session: Session) -> SteeringForm:
    """Check what is typed.

    Args:
        texts: of the fields by name; empty ones are left to their defaults.
        session: what steering is to be fitted to.
    """
    typed = {field: text for field in FIELDS if (text := texts.get(field.name, "").strip())}
    values, errors = dict[str, Any](), dict[str, str]()
    for field, text in typed.items():
        try:
            values[field.name] = field.parse(text)
        except (ValueError, ArgumentTypeError):
            errors[field.name] = f"must be {field.wants}, not {text!r}"
    errors |= {end: "name a class" for end in _ENDS if end not in values}
    if not errors.keys() & set(_ENDS):
        errors |= _wrong(values, session)
    if errors:
        return SteeringForm(errors, {})
    request = SteeringRequest(**values)
    classes = check_request(session, request)
    name = request.name or default_name(session, classes, request)
    if wrong := _name_taken(session, name):
        return SteeringForm({"name": wrong}, {})
    sessions, images = size_of(session, request)
    return SteeringForm(
        errors={},
        notes={"labels": classes.scheme, "name": name},
        name=name,
        options=tuple(f"{field.flag}={text}" for field, text in typed.items()),
        remark=f"{sessions} sessions, {images} images in all, with controls of equal energy",
    )


def _wrong(values: Mapping[str, Any], session: Session) -> dict[str, str]:
    """The line of each field with which what is right before it cannot be done."""
    source, target = (values[end] for end in _ENDS)
    errors = dict[str, str]()
    try:
        statistics = Statistics(session, values.get("labels") or scheme_of(session, source, target))
    except SessionError as error:
        return {"labels": str(error)}
    for end in _ENDS:
        try:
            statistics.classes(values[end], values[end])
        except PlanningError as error:
            errors[end] = str(error)
    request = SteeringRequest(source, target, statistics.scheme)
    try:
        if not errors:
            check_request(session, request)
    except PlanningError as error:
        errors["target"] = str(error)
    if errors:
        return errors
    for name in [name for name in values if name not in (*_ENDS, "labels", "name")]:
        with_it = replace(request, **{name: values[name]})
        try:
            check_request(session, with_it)
            request = with_it  # a strength can be wrong beside the layers that were typed before it
        except PlanningError as error:
            errors[name] = str(error)
    return errors


def _name_taken(session: Session, name: str) -> str:
    """Why a run cannot have a name; empty if it can."""
    try:
        paths = [session_path(session.path.parent, f"{name}~{key}") for key in ("target", "s0")]
    except SessionError as error:
        return str(error)
    taken = any(path.exists() for path in paths)
    return f"there is a run {name} already: type another name" if taken else ""
