"""The keys of the session screen, and those that mean something in one of its panes only."""

from subspacelens_tui.app.keys import Key
from subspacelens_tui.app.panes.registry import PANES

PANE_KEYS: tuple[Key, ...] = tuple(
    Key(f"pane-{pane.place}", pane.jump, f"jump('{pane.place}')", pane.says, "Panes")
    for pane in PANES
    if pane.says
)
"""The digit of each place; panes that share one share its key."""

PANE_SCOPES: dict[str, tuple[Key, ...]] = {
    pane.keys[0].group.removeprefix("In "): pane.keys for pane in PANES if pane.keys
}
"""Keys that mean something in one pane only, by what the help calls it."""

SESSION: tuple[Key, ...] = (
    Key("previous-layer", "up,k", "layer(-1)", "previous layer", "Layers"),
    Key("next-layer", "down,j", "layer(1)", "next layer", "Layers", "layer"),
    Key("first-layer", "home", "first_layer", "first layer", "Layers"),
    Key("last-layer", "end", "last_layer", "last layer", "Layers"),
    Key("labels", "l", "next_choice('labels', 1)", "labels: next scheme", "Analysis"),
    Key("label-file", "ctrl+l", "label_file", "labels: add schemes from a label file", "Analysis"),
    Key("smaller-eps", "minus", "eps(-1)", "ε: smaller, ten steps per decade", "Analysis"),
    Key("larger-eps", "plus,equals_sign", "eps(1)", "ε: larger", "Analysis"),
    Key("type-eps", "e", "type_eps", "ε: type a value or use the slider", "Analysis"),
    Key(
        "iso-rate", "I", "iso_rate", "ε: the same in all layers, or chosen per layer for equal R", "Analysis"
    ),
    Key(
        "branch",
        "b",
        "next_choice('branch', 1)",
        "branch: cond, uncond, both, difference",
        "Analysis",
    ),
    Key(
        "next-step",
        "s",
        "next_choice('step', 1)",
        "step: next captured denoising step",
        "Analysis",
    ),
    Key("previous-step", "S", "next_choice('step', -1)", "step: previous captured step", "Analysis"),
    Key(
        "next-features",
        "f",
        "next_choice('features', 1)",
        "features: raw, centred, class-centred, unit, trace",
        "Analysis",
    ),
    Key("previous-features", "F", "next_choice('features', -1)", "features: previous transform", "Analysis"),
    Key("guidance", "g", "next_choice('guidance', 1)", "guidance: next recorded scale", "Analysis"),
    Key("larger-rank", "r", "rank(1)", "subspace dimension: one more", "Analysis"),
    Key("smaller-rank", "R", "rank(-1)", "subspace dimension: one fewer; below 1 auto", "Analysis"),
    Key(
        "null",
        "u",
        "next_choice('null', 1)",
        "null: auto, free, within-seed, fine-within-coarse, subjects",
        "Analysis",
    ),
    Key(
        "intervals",
        "i",
        "next_choice('intervals', 1)",
        "error bars: jackknife over images, seeds or subjects",
        "Analysis",
    ),
    Key(
        "curves",
        "d",
        "next_measure",
        "curves: excess over the null, ΔR, or both",
        "Display",
        "ΔR/excess",
    ),
    Key(
        "schemes-together",
        "t",
        "together",
        "curves: all label schemes together, or the selected one",
        "Display",
    ),
    Key(
        "pane-view",
        "w",
        "pane_view",
        "other views of the pane: over ε, spectrum, by layer, by step, …",
        "Display",
        "view",
    ),
    Key(
        "positions",
        "P",
        "positions",
        "lenses: tokens as they are, or minus the mean at their position",
        "Display",
    ),
    Key("axis-range", "A", "axis_range", "plot: type the range of its y axis", "Display"),
    Key("log-axis", "G", "log_axis", "plot: logarithmic or linear y axis", "Display"),
    Key("digits", "n", "digits", "matrix: digits in the cells, or colours only", "Display", "numbers"),
    Key("next-pane", "tab", "pane(1)", "next pane", "Panes", "pane", first=True),
    Key("previous-pane", "shift+tab", "pane(-1)", "previous pane", "Panes"),
    *PANE_KEYS,
    Key("copy", "y", "copy", "copy the pane as text (OSC 52, works over SSH)", "Panes"),
    Key("copy-numbers", "Y", "copy_numbers", "copy the pane's numbers as a table", "Panes"),
    Key(
        "export",
        "E",
        "export_pane",
        "export the pane: SVG, PNG, and its numbers as CSV, JSON, Parquet",
        "Panes",
    ),
    Key("zoom", "z", "maximise", "maximise or restore the pane", "Panes", "zoom"),
    Key("border-left", "ctrl+left,H", "move_border(-2, 0)", "move pane divider left", "Panes"),
    Key("border-right", "ctrl+right,L", "move_border(2, 0)", "move pane divider right", "Panes"),
    Key("border-up", "ctrl+up,K", "move_border(0, -1)", "move pane divider up", "Panes"),
    Key("border-down", "ctrl+down,J", "move_border(0, 1)", "move pane divider down", "Panes"),
    Key("reset-borders", "0", "reset_borders", "reset pane sizes", "Panes"),
    Key("back", "escape", "back", "back: from a maximised pane, then to the list of sessions", "Panes"),
    Key(
        "follow",
        "space",
        "follow",
        "follow the newest images, or stay at the current ones",
        "Images",
        "follow",
    ),
    Key("play", "v", "play", "play the recording back, one round of prompts at a time", "Images", "play"),
    Key("faster", "V", "faster", "playback speed: 1× to 8×, then 1× again", "Images"),
    Key("previous-image", "comma", "images(-1)", "one fewer image", "Images"),
    Key("next-image", "full_stop", "images(1)", "one more image", "Images"),
    Key("previous-round", "less_than_sign,shift+left", "rounds(-1)", "one fewer round of prompts", "Images"),
    Key("next-round", "greater_than_sign,shift+right", "rounds(1)", "one more round of prompts", "Images"),
    Key(
        "compare",
        "c",
        "compare",
        "compare with another branch, step, label scheme or session",
        "Display",
        "compare",
    ),
    Key("sweep", "m", "sweep", "map: one metric at every guidance scale and step", "Display", "map"),
    Key(
        "claims",
        "C",
        "claims",
        "claims: the article's, each with its verdict; the report",
        "Display",
        "claims",
    ),
    Key("steering", "T", "steering", "steering: the runs fitted to this session", "Display"),
    Key("gallery", "a", "gallery", "gallery: all images, by subject", "Images", "gallery"),
    Key("pause", "p", "pause_recording", "pause or resume the recording", "Recording", "pause"),
    Key("stop", "x", "stop_recording", "stop the recording (asks)", "Recording"),
    Key("sessions", "o", "sessions", "list of sessions", "Everywhere", "sessions"),
    Key("info", "N", "info", "session page: what was recorded, notes and tags", "Everywhere"),
)
