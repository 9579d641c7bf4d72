"""The colours that carry meaning: of curves and of the overlap matrix. Everything else is the theme's.

A process has one screen, so it has one palette: `choose` sets it before the app starts.
"""

from rich.color import Color
from rich.style import Style

# Told apart by colour-blind eyes: Okabe & Ito's and Paul Tol's bright colours, in the order of use on a dark
# and on a light background.
_CURVES = {
    "okabe-ito": (
        ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00"),
        ("#0072b2", "#c85200", "#007a5a", "#a8487f", "#8a6d00", "#333333"),
    ),
    "tol-bright": (
        ("#66ccee", "#ccbb44", "#ee6677", "#228833", "#aa3377", "#bbbbbb"),
        ("#4477aa", "#aa3377", "#228833", "#997700", "#cc3344", "#555555"),
    ),
}

# In ten steps, each a colour of the 256-colour cube, so that no terminal changes it; ascending in luminance,
# so that they read in grey as well.
_RAMPS = {
    "viridis": (
        *("#5f005f", "#5f0087", "#005f87", "#008787", "#00af87"),
        *("#5faf5f", "#5fd75f", "#afd75f", "#d7ff5f", "#ffff87"),
    ),
    "cividis": (
        *("#00005f", "#303030", "#4e4e4e", "#626262", "#767676"),
        *("#8a8a8a", "#afaf5f", "#d7af5f", "#d7d75f", "#ffff5f"),
    ),
    "greys": (
        *("#1c1c1c", "#303030", "#444444", "#585858", "#6c6c6c"),
        *("#808080", "#9e9e9e", "#b2b2b2", "#d0d0d0", "#eeeeee"),
    ),
}
# The same for what has a sign: blue below zero, orange above, dark around it.
_DIVERGING = (
    *("#87ffff", "#00d7ff", "#00afd7", "#0087af", "#005f87", "#00005f", "#262626"),
    *("#262626", "#5f0000", "#875f00", "#af5f00", "#d78700", "#ffaf00", "#ffd75f"),
)
STEPS = 10
_BRIGHT = 0.18
_DIMMED, _DIMMED_INK = 0.3, 0.6

_chosen = {"curves": "okabe-ito", "ramp": "viridis"}


def choose(curves: str, ramp: str) -> None:
    """Use these colours from now on, by their names in the settings."""
    _chosen.update(curves=curves, ramp=ramp)


# Stands in for the ramp where there are few or no colours.
SHADES = " ░▒▓█"


def curve_colour(index: int, dark: bool) -> str:
    """The colour of the curve with this index, as #rrggbb."""
    colours = _CURVES[_chosen["curves"]][0 if dark else 1]
    return colours[index % len(colours)]


def ramp_steps(diverging: bool = False) -> int:
    """How many colours a ramp has."""
    return len(_DIVERGING) if diverging else STEPS


def ramp_index(value: float, low: float, high: float, steps: int = STEPS) -> int:
    """Which step of a ramp over [low, high] a value falls on."""
    if not high > low:
        return 0
    return min(steps - 1, max(0, int((value - low) / (high - low) * steps)))


def ramp_style(index: int, diverging: bool = False, dimmed: str | None = None) -> Style:
    """A cell of a matrix: a step of the ramp, with text that is readable on it.

    Args:
        index: of the step.
        diverging: whether the middle of the ramp is zero.
        dimmed: the background that most of the colour gives way to, as #rrggbb; None for all of the colour.
    """
    colour = (_DIVERGING if diverging else _RAMPS[_chosen["ramp"]])[index]
    ink = "#000000" if _luminance(colour) > _BRIGHT else "#ffffff"
    if dimmed is not None:
        colour = blend(colour, dimmed, _DIMMED)
        ink = blend("#000000" if _luminance(colour) > _BRIGHT else "#ffffff", colour, _DIMMED_INK)
    return Style.from_color(Color.parse(ink), Color.parse(colour))


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2) of #rrggbb; 0.18 is as far from black as from white."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def blend(colour: str, background: str, share: float) -> str:
    """A tint of the background: `share` of the colour, the rest background; both #rrggbb."""
    mixed = [
        round(share * int(colour[i : i + 2], 16) + (1 - share) * int(background[i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    return "#{:02x}{:02x}{:02x}".format(*mixed)
