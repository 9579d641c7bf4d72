"""The colours that carry meaning: of curves and of the overlap matrix. Everything else is the theme's."""

from rich.color import Color
from rich.style import Style

# Okabe & Ito's colours, told apart by colour-blind eyes; each list in the order of use on its background.
_ON_DARK = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00")
_ON_LIGHT = ("#0072b2", "#d55e00", "#007a5a", "#a8487f", "#8a6d00", "#333333")

# Viridis in ten steps, each a colour of the 256-colour cube, so that no terminal changes it; ascending in
# luminance, so that it reads in grey as well.
RAMP = (
    "#5f005f",
    "#5f0087",
    "#005f87",
    "#008787",
    "#00af87",
    "#5faf5f",
    "#5fd75f",
    "#afd75f",
    "#d7ff5f",
    "#ffff87",
)
_FIRST_BRIGHT = 4

# Stands in for the ramp where there are few or no colours.
SHADES = " ░▒▓█"


def curve_colour(index: int, dark: bool) -> str:
    """The colour of the curve with this index, as #rrggbb."""
    colours = _ON_DARK if dark else _ON_LIGHT
    return colours[index % len(colours)]


def ramp_index(value: float, low: float, high: float, steps: int = len(RAMP)) -> int:
    """Which step of a ramp over [low, high] a value falls on."""
    if not high > low:
        return 0
    return min(steps - 1, max(0, int((value - low) / (high - low) * steps)))


def ramp_style(index: int) -> Style:
    """A cell of the matrix: a step of the ramp, with text that is readable on it."""
    ink = "#000000" if index >= _FIRST_BRIGHT else "#ffffff"
    return Style.from_color(Color.parse(ink), Color.parse(RAMP[index]))


def blend(colour: str, background: str, share: float) -> str:
    """A tint of the background: `share` of the colour, the rest background; both #rrggbb."""
    mixed = [
        round(share * int(colour[i : i + 2], 16) + (1 - share) * int(background[i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    return "#{:02x}{:02x}{:02x}".format(*mixed)
