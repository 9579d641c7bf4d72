"""The one table of keys: those of every screen, pane and slider."""

from subspacelens_tui.app.keys import Key
from subspacelens_tui.app.session_keys import PANE_SCOPES, SESSION
from subspacelens_tui.app.widgets.eps_slider import EpsSlider
from subspacelens_tui.app.widgets.scrubber import Scrubber

ANYWHERE: tuple[Key, ...] = (
    Key("help", "question_mark,f1", "app.help", "this help", "Everywhere", "all keys", pinned=True),
    Key(
        "commands",
        "ctrl+p",
        "app.command_palette",
        "command palette: every action by its name",
        "Everywhere",
        "commands",
    ),
    Key(
        "quit",
        "q,ctrl+q,ctrl+c",
        "leave",
        "quit (asks while a recording runs)",
        "Everywhere",
        "quit",
        pinned=True,
    ),
)

GALLERY: tuple[Key, ...] = (
    Key("picture-left", "left", "move(-1, 0)", "previous image", "Gallery", "move"),
    Key("picture-right", "right", "move(1, 0)", "next image", "Gallery"),
    Key("picture-above", "up,k", "move(0, -1)", "image above", "Gallery"),
    Key("picture-below", "down,j", "move(0, 1)", "image below", "Gallery"),
    Key("page-of-pictures-up", "pageup", "page(-1)", "previous page", "Gallery"),
    Key("page-of-pictures-down", "pagedown", "page(1)", "next page", "Gallery"),
    Key("first-picture", "home", "choose_image(0)", "first image", "Gallery"),
    Key("last-picture", "end", "choose_image(1000000)", "last image", "Gallery"),
    Key("one-picture", "enter,z", "alone", "maximise or restore the image", "Gallery", "alone"),
    Key("larger-pictures", "plus,equals_sign", "scale(1)", "larger pictures", "Gallery", "size"),
    Key("smaller-pictures", "minus", "scale(-1)", "smaller pictures", "Gallery"),
    Key(
        "next-class", "c", "next_class(1)", "show the next class only; all after the last", "Gallery", "class"
    ),
    Key("previous-class", "C", "next_class(-1)", "show the previous class only", "Gallery"),
    Key("gallery-labels", "l", "next_scheme(1)", "labels: next scheme", "Gallery", "labels"),
    Key("other-class", "tab", "other_side", "switch between the two classes", "Gallery", "other", True),
    Key("leave-gallery", "escape", "leave_gallery", "back to the session", "Gallery", "back", pinned=True),
)

SWEEP: tuple[Key, ...] = (
    Key("sweep-up", "up,k", "move(-1, 0)", "configuration above", "Sweep", "move"),
    Key("sweep-down", "down,j", "move(1, 0)", "configuration below", "Sweep"),
    Key("sweep-left", "left", "move(0, -1)", "previous layer", "Sweep"),
    Key("sweep-right", "right", "move(0, 1)", "next layer", "Sweep"),
    Key("sweep-look", "enter", "look", "open this configuration", "Sweep", "open"),
    Key(
        "sweep-figure", "d", "next_metric(1)", "next metric: excess, ΔR, Rc/R, R, ranks …", "Sweep", "metric"
    ),
    Key("sweep-figure-before", "D", "next_metric(-1)", "previous metric", "Sweep"),
    Key("copy-sweep", "y", "copy", "copy the map as text (OSC 52, works over SSH)", "Sweep"),
    Key("copy-sweep-numbers", "Y", "copy_numbers", "copy the map's numbers as a table", "Sweep"),
    Key("export-sweep", "E", "export_pane", "export the map: SVG, PNG, CSV, JSON, Parquet", "Sweep"),
    Key("leave-sweep", "escape", "leave_sweep", "back to the session", "Sweep", "back", pinned=True),
)


def _of_curves(screen: str, group: str) -> tuple[Key, ...]:
    """The keys for the axes of a screen with several plots over the layers."""
    return (
        Key(
            f"{screen}-plot",
            "w",
            "next_plot(1)",
            "select the next plot, for A and G",
            group,
            "plot",
        ),
        Key(f"{screen}-axis-range", "A", "axis_range", "plot: type the range of its y axis", group),
        Key(f"{screen}-log-axis", "G", "log_axis", "plot: logarithmic or linear y axis", group),
    )


COMPARE: tuple[Key, ...] = (
    Key("compared-layer-before", "up,k", "layer(-1)", "previous layer", "Compare"),
    Key("compared-layer", "down,j", "layer(1)", "next layer", "Compare", "layer"),
    Key("compared-figure", "d", "next_compared(1)", "next metric", "Compare", "metric"),
    Key("compared-figure-before", "D", "next_compared(-1)", "previous metric", "Compare"),
    Key(
        "other-side",
        "tab",
        "other_side",
        "switch sides: the keys below change the other one",
        "Compare",
        "side",
        True,
    ),
    Key("side-labels", "l", "side_choice('labels', 1)", "this side: next label scheme", "Compare", "labels"),
    Key("side-branch", "b", "side_branch", "this side: the other branch", "Compare", "branch"),
    Key("side-step", "s", "side_choice('step', 1)", "this side: next captured step", "Compare", "step"),
    Key("side-guidance", "g", "side_choice('guidance', 1)", "this side: next guidance scale", "Compare"),
    Key("side-features", "f", "side_choice('features', 1)", "this side: next feature transform", "Compare"),
    Key("side-session", "o", "side_session", "this side: next session in the folder", "Compare", "session"),
    *_of_curves("compared", "Compare"),
    Key("copy-comparison", "y", "copy", "copy the curves as text (OSC 52, works over SSH)", "Compare"),
    Key(
        "copy-comparison-numbers",
        "Y",
        "copy_numbers",
        "copy the numbers behind the curves as a table",
        "Compare",
    ),
    Key(
        "export-comparison",
        "E",
        "export_pane",
        "export the comparison: SVG, PNG, CSV, JSON, Parquet",
        "Compare",
    ),
    Key("leave-comparison", "escape", "leave_comparison", "back", "Compare", "back", pinned=True),
)

OVERLAID: tuple[Key, ...] = (
    *(
        key
        for key in COMPARE
        if key.action.startswith(
            ("layer", "next_compared", "axis", "log", "copy", "export_pane", "leave_comparison")
        )
    ),
    Key(
        "overlaid-features",
        "f",
        "overlaid_features(1)",
        "next feature transform, of all sessions",
        "Sessions overlaid",
        "features",
    ),
    Key(
        "overlaid-iso-rate",
        "I",
        "overlaid_iso_rate",
        "ε: the same everywhere, or chosen per layer for equal R",
        "Sessions overlaid",
        "equal R",
    ),
)
"""Of several sessions over each other: what does not change a side."""

PAIR: tuple[Key, ...] = (
    Key("pair-layer-before", "up,k", "layer(-1)", "previous layer", "Pair of classes"),
    Key("pair-layer", "down,j", "layer(1)", "next layer", "Pair of classes", "layer"),
    Key(
        "pair-pictures",
        "enter",
        "pair_pictures",
        "images of both classes side by side",
        "Pair of classes",
        "images",
    ),
    *_of_curves("pair", "Pair of classes"),
    Key("copy-pair", "y", "copy", "copy the curves as text (OSC 52, works over SSH)", "Pair of classes"),
    Key("copy-pair-numbers", "Y", "copy_numbers", "copy the numbers as a table", "Pair of classes"),
    Key(
        "export-pair", "E", "export_pane", "export the pair: SVG, PNG, CSV, JSON, Parquet", "Pair of classes"
    ),
    Key("leave-pair", "escape", "leave_pair", "back to the matrix", "Pair of classes", "back", pinned=True),
)

STEERING: tuple[Key, ...] = (
    Key("steered-left", "left", "move(-1, 0)", "previous image", "Steering", "move"),
    Key("steered-right", "right", "move(1, 0)", "next image", "Steering"),
    Key("steered-above", "up,k", "move(0, -1)", "strength or control above", "Steering"),
    Key("steered-below", "down,j", "move(0, 1)", "strength or control below", "Steering"),
    Key("steered-page-up", "pageup", "page(-1)", "previous page", "Steering"),
    Key("steered-page-down", "pagedown", "page(1)", "next page", "Steering"),
    Key("first-steered", "home", "choose_image(0)", "first image", "Steering"),
    Key("last-steered", "end", "choose_image(1000000)", "last image", "Steering"),
    Key("twins", "enter", "twins", "the image beside its unsteered twin, and back", "Steering", "twin"),
    Key("larger-steered", "plus,equals_sign", "scale(1)", "larger pictures", "Steering", "size"),
    Key("smaller-steered", "minus", "scale(-1)", "smaller pictures", "Steering"),
    Key("steered-curves", "w", "curves", "curves over strength, or images alone", "Steering", "curves"),
    Key("next-run", "r", "next_run(1)", "next run", "Steering", "run"),
    Key("previous-run", "R", "next_run(-1)", "previous run", "Steering"),
    Key("copy-steering", "y", "copy", "copy verdict and table as text (OSC 52, works over SSH)", "Steering"),
    Key("stop-run", "x", "stop_run", "stop the recording of this run (asks)", "Steering"),
    Key("leave-steering", "escape", "leave_steering", "back", "Steering", "back", pinned=True),
    Key("new-steering", "n", "new_steering", "start a new run", "Steering", "new"),
)

REPORT: tuple[Key, ...] = (
    Key("verdicts-up", "up,k", "scroll_verdicts(-1)", "scroll up", "Claims", "scroll"),
    Key("verdicts-down", "down,j", "scroll_verdicts(1)", "scroll down", "Claims"),
    Key("verdicts-page-up", "pageup", "scroll_verdicts(-10)", "scroll ten rows up", "Claims"),
    Key("verdicts-page-down", "pagedown", "scroll_verdicts(10)", "scroll ten rows down", "Claims"),
    Key("copy-verdicts", "y", "copy", "copy the verdicts as text (OSC 52, works over SSH)", "Claims"),
    Key("write-report", "E", "write_report", "write the report as HTML, with the figures", "Claims", "write"),
    Key("leave-report", "escape", "leave_report", "back to the session", "Claims", "back", pinned=True),
)

LIST: tuple[Key, ...] = (
    Key("previous-session", "up,k", "move(-1)", "session above", "Sessions", "move"),
    Key("next-session", "down,j", "move(1)", "session below", "Sessions"),
    Key("ten-up", "pageup", "move(-10)", "ten sessions up", "Sessions"),
    Key("ten-down", "pagedown", "move(10)", "ten sessions down", "Sessions"),
    Key("first-session", "home", "move(-1000000)", "first session", "Sessions"),
    Key("last-session", "end", "move(1000000)", "last session", "Sessions"),
    Key("open", "enter", "open", "open the session", "Sessions", "open"),
    Key("filter", "slash", "filter", "filter by words of any column, tags and notes", "Sessions", "filter"),
    Key("sort-sessions", "s", "sort(1)", "sort by the next column: the title says which", "Sessions", "sort"),
    Key("sort-sessions-before", "S", "sort(-1)", "sort by the previous column", "Sessions"),
    Key(
        "session-info",
        "N",
        "info",
        "session page: what was recorded, notes and tags",
        "Sessions",
        "page",
    ),
    Key("session-steering", "T", "steering", "steering: the runs fitted to the session", "Sessions"),
    Key("delete", "D,delete", "delete", "delete the session (asks)", "Sessions"),
    Key("new", "n", "new_run", "start a new recording", "Sessions", "new"),
    Key("mark", "space", "mark", "mark or unmark, for c: two are compared, more overlaid", "Sessions"),
    Key(
        "compare-sessions",
        "c",
        "compare",
        "compare: what is marked, or this session and the next one",
        "Sessions",
        "compare",
    ),
    Key("rename", "f2,r", "rename", "rename the session", "Sessions"),
    Key("clear-filter", "escape", "clear_filter", "clear the filter and the marks", "Sessions"),
)

INFO: tuple[Key, ...] = (
    Key("facts-up", "up,k", "scroll_facts(-1)", "scroll up", "Session page", "scroll"),
    Key("facts-down", "down,j", "scroll_facts(1)", "scroll down", "Session page"),
    Key("facts-page-up", "pageup", "scroll_facts(-10)", "scroll ten lines up", "Session page"),
    Key("facts-page-down", "pagedown", "scroll_facts(10)", "scroll ten lines down", "Session page"),
    Key(
        "edit-notes",
        "enter",
        "edit",
        "edit tags and notes: tab to the next field, esc when done",
        "Session page",
        "edit",
    ),
    Key("save-notes", "ctrl+s", "save", "save tags and notes", "Session page", "save"),
    Key("leave-info", "escape", "leave_info", "save and go back", "Session page", "back", pinned=True),
)

FORM: tuple[Key, ...] = (
    Key("start", "ctrl+s,f5", "start", "start recording", "Form", "start"),
    Key("field-below", "down", "next_field(1)", "next field", "Form", "field", first=True),
    Key("field-above", "up", "next_field(-1)", "previous field", "Form", first=True),
    Key("enter-field", "enter", "enter_field", "next field; press a button", "Form", first=True),
    Key("leave-form", "escape", "leave_form", "back; nothing is started", "Form", "leave"),
    Key("form-commands", "ctrl+p", "app.command_palette", "command palette", "Form", "commands"),
    Key("form-help", "f1", "app.help", "this help", "Form", "help"),
)

SCOPES: dict[str, tuple[Key, ...]] = {
    "a session": (*SESSION, *ANYWHERE),
    "the list of sessions": (*LIST, *ANYWHERE),
    "a session's page": (*INFO, *ANYWHERE),
    "a form": FORM,
    "the gallery": (*GALLERY, *ANYWHERE),
    "the sweep": (*SWEEP, *ANYWHERE),
    "the comparison": (*COMPARE, *ANYWHERE),
    "sessions overlaid": (*OVERLAID, *ANYWHERE),
    "a pair of classes": (*PAIR, *ANYWHERE),
    "the claims": (*REPORT, *ANYWHERE),
    "a steering run": (*STEERING, *ANYWHERE),
    **PANE_SCOPES,
    "the scrubber": Scrubber.keys,
    "the ε slider": EpsSlider.keys,
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
    *(key for key in OVERLAID if key not in COMPARE),
    *PAIR,
    *REPORT,
    *STEERING,
    *LIST,
    *INFO,
    *FORM,
    *ANYWHERE,
)
