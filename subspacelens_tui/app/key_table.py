"""The one table of keys: those of every screen, pane and slider."""

from subspacelens_tui.app.keys import Key
from subspacelens_tui.app.panes.registry import PANES
from subspacelens_tui.app.widgets.eps_slider import EpsSlider
from subspacelens_tui.app.widgets.scrubber import Scrubber

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

ANYWHERE: tuple[Key, ...] = (
    Key("help", "question_mark,f1", "app.help", "this help", "Everywhere", "help"),
    Key(
        "commands",
        "ctrl+p",
        "app.command_palette",
        "command palette: every action by its name",
        "Everywhere",
        "commands",
    ),
    Key("quit", "q,ctrl+q,ctrl+c", "leave", "quit (asks while a recording runs)", "Everywhere", "quit"),
)

SESSION: tuple[Key, ...] = (
    Key("previous-layer", "up,k", "layer(-1)", "layer before", "Layers"),
    Key("next-layer", "down,j", "layer(1)", "next layer", "Layers", "layer"),
    Key("first-layer", "home", "first_layer", "first layer", "Layers"),
    Key("last-layer", "end", "last_layer", "last layer", "Layers"),
    Key("labels", "l", "next_choice('labels', 1)", "labels: next scheme", "What is analysed", "labels"),
    Key("smaller-eps", "minus", "eps(-1)", "ε: one step down, ten steps a decade", "What is analysed", "ε"),
    Key("larger-eps", "plus,equals_sign", "eps(1)", "ε: one step up", "What is analysed"),
    Key("type-eps", "e", "type_eps", "ε: type a value, or slide", "What is analysed"),
    Key("iso-rate", "I", "iso_rate", "ε: one for all, or each layer's own for equal R", "What is analysed"),
    Key(
        "branch",
        "b",
        "next_choice('branch', 1)",
        "branch: cond, uncond, both, difference",
        "What is analysed",
        "branch",
    ),
    Key(
        "next-step",
        "s",
        "next_choice('step', 1)",
        "step: next captured denoising step",
        "What is analysed",
        "step",
    ),
    Key("previous-step", "S", "next_choice('step', -1)", "step: captured step before", "What is analysed"),
    Key(
        "next-features",
        "f",
        "next_choice('features', 1)",
        "features: raw, centred, class-centred, unit, trace",
        "What is analysed",
        "features",
    ),
    Key("previous-features", "F", "next_choice('features', -1)", "features: view before", "What is analysed"),
    Key("guidance", "g", "next_choice('guidance', 1)", "guidance: next recorded scale", "What is analysed"),
    Key("larger-rank", "r", "rank(1)", "rank of the class subspaces: one more", "What is analysed"),
    Key("smaller-rank", "R", "rank(-1)", "rank of the class subspaces: one less", "What is analysed"),
    Key(
        "null",
        "u",
        "next_choice('null', 1)",
        "null: what fits the labels, free, in seeds, fine in coarse, subjects",
        "What is analysed",
    ),
    Key(
        "intervals",
        "i",
        "next_choice('intervals', 1)",
        "intervals: jackknife error bars by image, seed or subject",
        "What is analysed",
    ),
    Key(
        "curves",
        "d",
        "next_measure",
        "curves: excess over the null, ΔR, or both",
        "What is shown",
        "ΔR/excess",
    ),
    Key(
        "schemes-together",
        "t",
        "together",
        "curves: all label schemes together or the chosen one",
        "What is shown",
    ),
    Key(
        "pane-view",
        "w",
        "pane_view",
        "other views: spectrum; overlap by layer, by step",
        "What is shown",
    ),
    Key("digits", "n", "digits", "matrix: numbers in its cells or colours only", "What is shown", "numbers"),
    Key("next-pane", "tab", "pane(1)", "next pane", "Panes", "pane", first=True),
    Key("previous-pane", "shift+tab", "pane(-1)", "pane before", "Panes"),
    *PANE_KEYS,
    Key("copy", "y", "copy", "copy the pane as text, over SSH too (OSC 52)", "Panes"),
    Key("copy-numbers", "Y", "copy_numbers", "copy the numbers behind the pane, for a spreadsheet", "Panes"),
    Key(
        "export",
        "E",
        "export_pane",
        "export the pane: SVG, PNG, and its numbers as CSV, JSON, Parquet",
        "Panes",
    ),
    Key("zoom", "z", "maximise", "the pane alone on the screen, and back", "Panes", "zoom"),
    Key("border-left", "ctrl+left,H", "move_border(-2, 0)", "border beside the pane: to the left", "Panes"),
    Key("border-right", "ctrl+right,L", "move_border(2, 0)", "border beside the pane: to the right", "Panes"),
    Key("border-up", "ctrl+up,K", "move_border(0, -1)", "border below the pane: up", "Panes"),
    Key("border-down", "ctrl+down,J", "move_border(0, 1)", "border below the pane: down", "Panes"),
    Key("reset-borders", "0", "reset_borders", "all panes back to their own sizes", "Panes"),
    Key("back", "escape", "back", "back: from a single pane, then to the list of sessions", "Panes"),
    Key("follow", "space", "follow", "follow the newest images, or stay at these", "Images", "follow"),
    Key("play", "v", "play", "play the recording again, round by round of prompts", "Images", "play"),
    Key("faster", "V", "faster", "play: faster, up to eight times, then slowly again", "Images"),
    Key("previous-image", "comma", "images(-1)", "one image less", "Images"),
    Key("next-image", "full_stop", "images(1)", "one image more", "Images"),
    Key("previous-round", "less_than_sign,shift+left", "rounds(-1)", "one round of prompts less", "Images"),
    Key("next-round", "greater_than_sign,shift+right", "rounds(1)", "one round of prompts more", "Images"),
    Key("compare", "c", "compare", "compare with another branch, step, scheme or session", "What is shown"),
    Key("sweep", "m", "sweep", "map: one figure over all guidance scales and steps", "What is shown"),
    Key("gallery", "a", "gallery", "gallery: all images, by subject", "Images", "gallery"),
    Key("pause", "p", "pause_recording", "pause the recording, or resume it", "Recording", "pause"),
    Key("stop", "x", "stop_recording", "stop the recording (asks)", "Recording"),
    Key("sessions", "o", "sessions", "list of sessions", "Everywhere", "sessions"),
)

GALLERY: tuple[Key, ...] = (
    Key("picture-left", "left", "move(-1, 0)", "image before", "Gallery", "move"),
    Key("picture-right", "right", "move(1, 0)", "next image", "Gallery"),
    Key("picture-above", "up,k", "move(0, -1)", "image above", "Gallery"),
    Key("picture-below", "down,j", "move(0, 1)", "image below", "Gallery"),
    Key("page-of-pictures-up", "pageup", "page(-1)", "a page back", "Gallery"),
    Key("page-of-pictures-down", "pagedown", "page(1)", "a page further", "Gallery"),
    Key("first-picture", "home", "choose_image(0)", "first image", "Gallery"),
    Key("last-picture", "end", "choose_image(1000000)", "last image", "Gallery"),
    Key("one-picture", "enter,z", "alone", "the image alone, and back", "Gallery", "alone"),
    Key("larger-pictures", "plus,equals_sign", "scale(1)", "larger pictures", "Gallery", "size"),
    Key("smaller-pictures", "minus", "scale(-1)", "smaller pictures", "Gallery"),
    Key("next-class", "c", "next_class(1)", "only the next class, after the last all", "Gallery", "class"),
    Key("previous-class", "C", "next_class(-1)", "only the class before", "Gallery"),
    Key("gallery-labels", "l", "next_scheme(1)", "labels: next scheme", "Gallery", "labels"),
    Key("other-class", "tab", "other_side", "of two classes: to the other", "Gallery", "other", True),
    Key("leave-gallery", "escape", "leave_gallery", "back to the figures", "Gallery", "back"),
)

SWEEP: tuple[Key, ...] = (
    Key("sweep-up", "up,k", "move(-1, 0)", "configuration above", "Sweep", "move"),
    Key("sweep-down", "down,j", "move(1, 0)", "configuration below", "Sweep"),
    Key("sweep-left", "left", "move(0, -1)", "layer before", "Sweep"),
    Key("sweep-right", "right", "move(0, 1)", "next layer", "Sweep"),
    Key("sweep-look", "enter", "look", "look at this configuration", "Sweep", "look"),
    Key(
        "sweep-figure", "d", "next_figure(1)", "next figure: excess, ΔR, Rc/R, R, ranks …", "Sweep", "figure"
    ),
    Key("sweep-figure-before", "D", "next_figure(-1)", "figure before", "Sweep"),
    Key("copy-sweep", "y", "copy", "copy the map as text, over SSH too (OSC 52)", "Sweep"),
    Key("copy-sweep-numbers", "Y", "copy_numbers", "copy the numbers of the map, for a spreadsheet", "Sweep"),
    Key("export-sweep", "E", "export_pane", "export the map: SVG, PNG, CSV, JSON, Parquet", "Sweep"),
    Key("leave-sweep", "escape", "leave_sweep", "back to the figures", "Sweep", "back"),
)

COMPARE: tuple[Key, ...] = (
    Key("compared-layer-before", "up,k", "layer(-1)", "layer before", "Compare"),
    Key("compared-layer", "down,j", "layer(1)", "next layer", "Compare", "layer"),
    Key("compared-figure", "d", "next_compared(1)", "next figure", "Compare", "figure"),
    Key("compared-figure-before", "D", "next_compared(-1)", "figure before", "Compare"),
    Key("other-side", "tab", "other_side", "the keys below change the other side", "Compare", "side", True),
    Key("side-labels", "l", "side_choice('labels', 1)", "this side: next label scheme", "Compare", "labels"),
    Key("side-branch", "b", "side_branch", "this side: the other branch", "Compare", "branch"),
    Key("side-step", "s", "side_choice('step', 1)", "this side: next captured step", "Compare", "step"),
    Key("side-guidance", "g", "side_choice('guidance', 1)", "this side: next guidance scale", "Compare"),
    Key("side-features", "f", "side_choice('features', 1)", "this side: next feature view", "Compare"),
    Key("side-session", "o", "side_session", "this side: next session of the folder", "Compare", "session"),
    Key("copy-comparison", "y", "copy", "copy the curves as text, over SSH too (OSC 52)", "Compare"),
    Key("copy-comparison-numbers", "Y", "copy_numbers", "copy both sides and the difference", "Compare"),
    Key("export-comparison", "E", "export_pane", "export it: SVG, PNG, CSV, JSON, Parquet", "Compare"),
    Key("leave-comparison", "escape", "leave_comparison", "back", "Compare", "back"),
)

LIST: tuple[Key, ...] = (
    Key("previous-session", "up,k", "move(-1)", "session above", "Sessions", "move"),
    Key("next-session", "down,j", "move(1)", "session below", "Sessions"),
    Key("ten-up", "pageup", "move(-10)", "ten up", "Sessions"),
    Key("ten-down", "pagedown", "move(10)", "ten down", "Sessions"),
    Key("first-session", "home", "move(-1000000)", "first session", "Sessions"),
    Key("last-session", "end", "move(1000000)", "last session", "Sessions"),
    Key("open", "enter", "open", "open the session", "Sessions", "open"),
    Key("filter", "slash", "filter", "filter by name or model as you type", "Sessions", "filter"),
    Key("delete", "D,delete", "delete", "delete the session (asks)", "Sessions", "delete"),
    Key("new", "n", "new_run", "record something new", "Sessions", "new"),
    Key("compare-sessions", "c", "compare", "compare: mark a session, then another", "Sessions", "compare"),
    Key("rename", "f2,r", "rename", "rename the session", "Sessions", "rename"),
    Key("clear-filter", "escape", "clear_filter", "clear the filter", "Sessions"),
)


FORM: tuple[Key, ...] = (
    Key("start", "ctrl+s,f5", "start", "start the recording", "New recording", "start"),
    Key("field-below", "down", "next_field(1)", "next field", "New recording", "field", first=True),
    Key("field-above", "up", "next_field(-1)", "field before", "New recording", first=True),
    Key("enter-field", "enter", "enter_field", "next field; press a button", "New recording", first=True),
    Key("leave-form", "escape", "leave_form", "back to the list", "New recording", "leave"),
    Key("form-commands", "ctrl+p", "app.command_palette", "command palette", "New recording", "commands"),
    Key("form-help", "f1", "app.help", "this help", "New recording", "help"),
)

SCOPES: dict[str, tuple[Key, ...]] = {
    "a session": (*SESSION, *ANYWHERE),
    "the list of sessions": (*LIST, *ANYWHERE),
    "the form of a new recording": FORM,
    "the gallery": (*GALLERY, *ANYWHERE),
    "the sweep": (*SWEEP, *ANYWHERE),
    "the comparison": (*COMPARE, *ANYWHERE),
    **PANE_SCOPES,
    "the scrubber": Scrubber.keys,
    "the slider of ε": EpsSlider.keys,
}
"""Where a key has one meaning; what has the focus goes before its screen."""

EVERY_KEY: tuple[Key, ...] = (
    *SESSION,
    *(key for keys in PANE_SCOPES.values() for key in keys),
    *Scrubber.keys,
    *EpsSlider.keys,
    *GALLERY,
    *SWEEP,
    *COMPARE,
    *LIST,
    *FORM,
    *ANYWHERE,
)
