"""The settings there are. docs/settings.md is made from this file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

from subspacelens_tui.sessions.lookalikes import canonical
from subspacelens_tui.sessions.text_files import from_home

Markers = Literal["braille", "blocks", "ascii"]
Pictures = Literal["auto", "kitty", "sixel", "half-blocks", "off"]
Curves = Literal["okabe-ito", "tol-bright"]
Ramp = Literal["viridis", "cividis", "greys"]


class PreferencesError(ValueError):
    """A setting is wrong; the message is one line that says which, where and what to write instead."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Keys = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=40)]], BeforeValidator(_as_list)
]


class Preferences(BaseModel):
    """All settings with their defaults; the descriptions are the documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    theme: str = Field(
        default="textual-dark", description="a theme of Textual; `textual-light` for a light background"
    )
    markers: Markers = Field(
        default="braille",
        description="what curves are drawn with; `blocks` for a font without braille, and with `ascii` the "
        "whole screen, frames and symbols too, is drawn in ASCII",
    )
    digits: bool = Field(
        default=True, description="numbers in the cells of the overlap matrix; `false` for colours only"
    )
    pictures: Pictures = Field(
        default="auto",
        description="how images are shown; `auto` asks the terminal, `half-blocks` works in all with colours",
    )
    curves: Curves = Field(
        default="okabe-ito",
        description="colours of the curves, told apart by colour-blind eyes",
    )
    ramp: Ramp = Field(default="viridis", description="colours of the overlap matrix, from small to large")
    refresh: float | None = Field(
        default=None,
        ge=0.05,
        le=60,
        allow_inf_nan=False,
        description="seconds between refreshes of a live session (default: 0.25, over SSH 0.5)",
    )
    eps: float = Field(
        default=0.5, gt=0, allow_inf_nan=False, description="the coding precision ε a session opens with"
    )
    labels: str | None = Field(
        default=None, description="label scheme that a session opens with, if it has it (default: its first)"
    )
    sessions: Path | None = Field(default=None, description="folder of sessions (default: `./sessions`)")
    keys: dict[str, _Keys] = Field(
        default_factory=dict,
        description="keys of actions, in a table `[keys]`: a key or a list of keys each; see Keys below",
    )

    @field_validator("theme")
    @classmethod
    def _known_theme(cls, theme: str) -> str:
        from textual.theme import BUILTIN_THEMES

        if theme not in BUILTIN_THEMES:
            raise ValueError(f"must be one of {', '.join(sorted(BUILTIN_THEMES))}")
        return theme

    @field_validator("labels")
    @classmethod
    def _as_in_sessions(cls, labels: str | None) -> str | None:
        return canonical(labels) if labels is not None else None

    @field_validator("sessions")
    @classmethod
    def _from_home(cls, sessions: Path | None) -> Path | None:
        return from_home(sessions) if sessions is not None else None
