"""The one table of keys. Bindings, footer, command palette and help are all made from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding, BindingType

_NAMES = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "shift+left": "⇧←",
    "shift+right": "⇧→",
    "question_mark": "?",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "escape": "esc",
    "shift+tab": "⇧tab",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "slash": "/",
    "delete": "del",
}


@dataclass(frozen=True)
class Key:
    """A line of the table.

    Attributes:
        keys: key names as Textual knows them, separated by commas; the first is shown in the footer.
        action: the screen's action, with its arguments.
        says: what it does, for help and palette.
        group: heading in the help.
        short: for the footer; not shown there if empty.
    """

    keys: str
    action: str
    says: str
    group: str
    short: str = ""

    @property
    def run(self) -> str:
        """The action, found from any widget of the screen."""
        return self.action if self.action.startswith("app.") else f"screen.{self.action}"

    @property
    def shown(self) -> str:
        """The keys as people know them."""
        return " ".join(key_name(key) for key in self.keys.split(","))


def key_name(key: str) -> str:
    """A key as people know it."""
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+')}"
    return _NAMES.get(key, key)


ANYWHERE: tuple[Key, ...] = (
    Key("question_mark,f1", "app.help", "this help", "Everywhere", "help"),
    Key(
        "ctrl+p", "app.command_palette", "command palette: every action by its name", "Everywhere", "commands"
    ),
    Key("q,ctrl+q,ctrl+c", "leave", "quit (asks while a recording runs)", "Everywhere", "quit"),
)

SESSION: tuple[Key, ...] = (
    Key("up,k", "layer(-1)", "layer before", "Layers"),
    Key("down,j", "layer(1)", "next layer", "Layers", "layer"),
    Key("home", "first_layer", "first layer", "Layers"),
    Key("end", "last_layer", "last layer", "Layers"),
    Key("l", "next_choice('labels', 1)", "labels: next scheme", "What is analysed", "labels"),
    Key("minus", "eps(-1)", "ε: one step down, ten steps a decade", "What is analysed", "ε"),
    Key("plus,equals_sign", "eps(1)", "ε: one step up", "What is analysed"),
    Key("e", "type_eps", "ε: type a value", "What is analysed"),
    Key(
        "b",
        "next_choice('branch', 1)",
        "branch: cond, uncond, both, difference",
        "What is analysed",
        "branch",
    ),
    Key("s", "next_choice('step', 1)", "step: next captured denoising step", "What is analysed", "step"),
    Key("S", "next_choice('step', -1)", "step: captured step before", "What is analysed"),
    Key(
        "f",
        "next_choice('features', 1)",
        "features: raw, centred, class-centred, unit, trace",
        "What is analysed",
        "features",
    ),
    Key("F", "next_choice('features', -1)", "features: view before", "What is analysed"),
    Key("g", "next_choice('guidance', 1)", "guidance: next recorded scale", "What is analysed"),
    Key("r", "rank(1)", "rank of the class subspaces: one more", "What is analysed"),
    Key("R", "rank(-1)", "rank of the class subspaces: one less", "What is analysed"),
    Key(
        "u",
        "next_choice('null', 1)",
        "null: what fits the labels, free, in seeds, fine in coarse, subjects",
        "What is analysed",
    ),
    Key(
        "i",
        "next_choice('intervals', 1)",
        "intervals: jackknife error bars by image, seed or subject",
        "What is analysed",
    ),
    Key("d", "next_measure", "curves: excess over the null, ΔR, or both", "What is shown", "ΔR/excess"),
    Key("t", "together", "curves: all label schemes together or the chosen one", "What is shown"),
    Key("n", "digits", "matrix: numbers in its cells or colours only", "What is shown", "numbers"),
    Key("tab", "pane(1)", "next pane", "Panes", "pane"),
    Key("shift+tab", "pane(-1)", "pane before", "Panes"),
    Key("1", "jump('layers')", "layer list", "Panes"),
    Key("2", "jump('excess')", "excess curves", "Panes"),
    Key("3", "jump('rates')", "ΔR curves", "Panes"),
    Key("4", "jump('rank')", "effective rank", "Panes"),
    Key("5", "jump('overlap')", "overlap matrix", "Panes"),
    Key("6", "jump('inspector')", "figures of the layer", "Panes"),
    Key("7", "jump('log')", "log of the recording", "Panes"),
    Key("y", "copy", "copy the pane as text, over SSH too (OSC 52)", "Panes"),
    Key("z", "maximise", "the pane alone on the screen, and back", "Panes", "zoom"),
    Key("escape", "back", "back: from a single pane, then to the list of sessions", "Panes"),
    Key("space", "follow", "follow the newest images, or stay at these", "Images", "follow"),
    Key("v", "play", "play the recording again, round by round of prompts", "Images", "play"),
    Key("V", "faster", "play: faster, up to eight times, then slowly again", "Images"),
    Key("comma", "images(-1)", "one image less", "Images"),
    Key("full_stop", "images(1)", "one image more", "Images"),
    Key("less_than_sign,shift+left", "rounds(-1)", "one round of prompts less", "Images"),
    Key("greater_than_sign,shift+right", "rounds(1)", "one round of prompts more", "Images"),
    Key("p", "pause_recording", "pause the recording, or resume it", "Recording", "pause"),
    Key("x", "stop_recording", "stop the recording (asks)", "Recording"),
    Key("o", "sessions", "list of sessions", "Everywhere", "sessions"),
)

MATRIX: tuple[Key, ...] = (
    Key("left", "cell(0, -1)", "overlap: cell to the left", "In the overlap matrix"),
    Key("right", "cell(0, 1)", "overlap: cell to the right", "In the overlap matrix"),
    Key("up", "cell(-1, 0)", "overlap: cell above", "In the overlap matrix"),
    Key("down", "cell(1, 0)", "overlap: cell below", "In the overlap matrix"),
)

SCRUBBER: tuple[Key, ...] = (
    Key("left", "images(-1)", "one image less", "In the scrubber"),
    Key("right", "images(1)", "one image more", "In the scrubber"),
)

LOG: tuple[Key, ...] = (
    Key("pageup", "scroll_log(10)", "log: look back", "In the log"),
    Key("pagedown", "scroll_log(-10)", "log: look forward", "In the log"),
)

LIST: tuple[Key, ...] = (
    Key("up,k", "move(-1)", "session above", "Sessions", "move"),
    Key("down,j", "move(1)", "session below", "Sessions"),
    Key("pageup", "move(-10)", "ten up", "Sessions"),
    Key("pagedown", "move(10)", "ten down", "Sessions"),
    Key("home", "move(-1000000)", "first session", "Sessions"),
    Key("end", "move(1000000)", "last session", "Sessions"),
    Key("enter", "open", "open the session", "Sessions", "open"),
    Key("slash", "filter", "filter by name or model as you type", "Sessions", "filter"),
    Key("D,delete", "delete", "delete the session (asks)", "Sessions", "delete"),
    Key("escape", "clear_filter", "clear the filter", "Sessions"),
)


def bindings(*tables: Sequence[Key]) -> list[BindingType]:
    """Textual's bindings for some tables."""
    return [
        Binding(key.keys, key.run, key.says, show=bool(key.short), priority=key.keys == "tab")
        for table in tables
        for key in table
    ]


def in_footer(*tables: Sequence[Key]) -> list[Key]:
    """The keys that the footer shows, in its order."""
    return [key for table in tables for key in table if key.short]
