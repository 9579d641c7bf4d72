"""A steering run in a line."""

from collections.abc import Sequence

from subspacelens_tui.analysis.steered_images import SteeredImages, percent
from subspacelens_tui.sessions.format import Steering
from subspacelens_tui.sessions.ranges import ranges

# Controls that should do nothing, as large as the method's change.
_MATCHED = ("rotation", "noise", "pattern", "class", "mixture")
_STEERS = "steers"


def verdict_of(rows: Sequence[SteeredImages], steering: Steering) -> str:
    """The run in a line: the method at strength 1 or next to it, then controls of equal energy."""
    own = [row for row in rows if row.control is None and row.strength != 0]
    if not own:
        return f"{steering.source} → {steering.target}: the method's own images are not there yet"
    if len({row.layers for row in own}) > 1:
        return _over_layers(own, [row for row in rows if row.control in _MATCHED])
    main = min(own, key=lambda row: abs(row.strength - 1))
    third = "" if main.by_classifier is None else f"; {percent(main.by_classifier.value)} by the classifier"
    parts = [
        f"{percent(main.target.value)} {steering.target} "
        f"(95 % CI {percent(main.target.low)} to {percent(main.target.high)}, {main.seeds} seeds{third})"
    ]
    if main.latent_ratio is not None:
        parts.append(f"latent NN {main.latent_ratio:.2f}")
    matched = [row for row in rows if row.control in _MATCHED]
    parts += [f"{row.control} of equal energy {percent(row.target.value)}" for row in matched]
    return f"{_word(main, matched)}: {', '.join(parts)}"


def _word(main: SteeredImages, matched: Sequence[SteeredImages]) -> str:
    if main.off_manifold:  # a judge that must name a class names one of what is no image, too
        return "off the manifold, so shares mean little"
    if main.disputed:
        return "undecided, the judges differ"
    if not matched:
        return "no control of equal energy"
    return _STEERS if main.target.low > max(row.target.high for row in matched) else "not shown to steer"


def _over_layers(own: Sequence[SteeredImages], matched: Sequence[SteeredImages]) -> str:
    """At which layers the method steers, and where it does so best."""

    def steers(row: SteeredImages) -> bool:
        return _word(row, [of for of in matched if of.layers == row.layers]) == _STEERS

    best = max(
        filter(steers, own), key=lambda row: (row.target.value, -(row.latent_ratio or 0)), default=None
    )
    of = ranges(layer for row in own for layer in row.layers)
    most = max((row.target.value for row in matched), default=None)
    controls = "" if most is None else f"; controls of equal energy {percent(most)} at most"
    if best is None:
        best = max(own, key=lambda row: row.target.value)
        return f"not shown to steer at any of layers {of}: {_at(best)} at most{controls}"
    at = ranges(layer for row in own if steers(row) for layer in row.layers)
    return f"{_STEERS} at layers {at} of {of}: most at {_at(best)}{controls}"


def _at(row: SteeredImages) -> str:
    distance = "" if row.latent_ratio is None else f", latent NN {row.latent_ratio:.2f}"
    return (
        f"layer {', '.join(map(str, row.layers))}, {percent(row.target.value)} "
        f"(95 % CI {percent(row.target.low)} to {percent(row.target.high)}, {row.target.seeds} seeds){distance}"
    )
