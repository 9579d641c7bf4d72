"""The part of a session that is exported: which configurations, and which metrics of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.analysis.metrics import METRICS, Cost, Shape
from subspacelens_tui.analysis.quantities import names, quantity
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.sessions import Session, SessionError
from subspacelens_tui.sessions.format import Manifest

_ABOUT = ("null of ", "error of ")
# One table has both.
_MATRICES = {"overlap", "explained"}
LENSES = "lenses"
"""What stands among the metrics for the lenses on tokens."""
Places = tuple[Configuration, ...]


@dataclass(frozen=True)
class Part:
    """What is wanted of a session; None for all of a kind.

    Attributes:
        metrics: by key; `excess`, `KEY.z` and the like stand for their metric in tables, `lenses` for those
            on tokens, which come on request only.
        labels: label schemes.
        branches, steps, guidance: of the configurations.
    """

    metrics: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    branches: tuple[str, ...] | None = None
    steps: tuple[int, ...] | None = None
    guidance: tuple[float, ...] | None = None

    def of(self, session: Session) -> "Part":
        """The same by the names that the session has, each once.

        Raises:
            SettingsError: in one line, if there is no such metric, or the session lacks what is wanted.
        """
        for name in self.metrics or ():
            if name != LENSES and name not in METRICS and name not in names():
                raise SettingsError(f"there is no metric {name!r} to export: docs/metrics.md has their keys")
        for branch in self.branches or ():
            if branch not in session.manifest.branches:
                has = " and ".join(session.manifest.branches)
                raise SettingsError(f"there is no branch {branch!r}: {session.name} has {has}")
        try:
            return Part(
                None if self.metrics is None else tuple(dict.fromkeys(self.metrics)),
                _each(self.labels, session.resolve_scheme),
                self.branches,
                _each(self.steps, session.resolve_step),
                _each(self.guidance, session.resolve_guidance),
            )
        except SessionError as error:
            raise SettingsError(str(error)) from None

    def schemes(self, manifest: Manifest) -> list[str]:
        """The label schemes, in the order of the session."""
        return [scheme for scheme in manifest.label_schemes if _wanted(scheme, self.labels)]

    def configurations(self, session: Session) -> Places:
        """Those that have images, in the order of the session.

        Raises:
            SettingsError: if there is none at the branches and scales that are wanted.
        """
        found = tuple(_configurations(session))
        kept = tuple(
            at
            for at in found
            if _wanted(at.branch, self.branches)
            and _wanted(at.step, self.steps)
            and _wanted(at.guidance, self.guidance)
        )
        if found and not kept:
            raise SettingsError(
                "there is nothing to export: no image has that branch, step and guidance scale"
            )
        return kept

    @cached_property
    def keys(self) -> frozenset[str] | None:
        """The metrics that tables have."""
        if self.metrics is None:
            return None
        keys = {name if name in METRICS else quantity(name).metric.key for name in self._of_images}
        return frozenset(keys | _MATRICES if keys & _MATRICES else keys)

    @property
    def _of_images(self) -> tuple[str, ...]:
        """The metrics that were chosen, without the lenses."""
        return tuple(name for name in self.metrics or () if name != LENSES)

    @property
    def has_lenses(self) -> bool:
        """Whether the lenses on tokens are wanted."""
        return LENSES in (self.metrics or ())

    @property
    def has_metrics(self) -> bool:
        """Whether anything else is."""
        return self.metrics is None or bool(self._of_images)

    @property
    def deferred(self) -> tuple[str, ...]:
        """Those of the metrics that are computed on request only."""
        return tuple(sorted(key for key in self.keys or () if METRICS[key].cost is Cost.DEFERRED))

    def curves(self, default: tuple[str, ...]) -> tuple[str, ...]:
        """What is plotted over the layers or swept; default: unless metrics were chosen."""
        if self.metrics is None:
            return default
        return tuple(
            name for name in self._of_images if name not in METRICS or METRICS[name].shape is Shape.SCALAR
        )

    @property
    def has_matrices(self) -> bool:
        """Whether the overlap of the classes is wanted."""
        return self.keys is None or not self.keys.isdisjoint(_MATRICES)

    def of_shape(self, *shapes: Shape) -> list[str]:
        """The metrics of these shapes that are wanted."""
        return [metric.key for metric in METRICS.of_shape(*shapes) if _wanted(metric.key, self.metrics)]

    def result(self, result: Result) -> Result:
        """The same with nothing of other metrics."""
        keys = self.keys
        if keys is None:
            return result
        matrices = {key: matrix for key, matrix in result.matrices.items() if key in keys}
        return replace(result, layers=tuple(_layer(of, keys) for of in result.layers), matrices=matrices)

    def record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A row, or an object for JSON, without the places of other metrics."""
        others = METRICS.keys() - self.keys if self.keys is not None else frozenset()
        return {name: value for name, value in record.items() if name not in others}


def _each(values: Any, resolve: Any) -> Any:
    return None if values is None else tuple(dict.fromkeys(map(resolve, values)))


def _wanted(value: object, values: tuple[Any, ...] | None) -> bool:
    return values is None or value in values


def _configurations(session: Session) -> Iterator[Configuration]:
    manifest = session.manifest
    for guidance in manifest.guidance:
        if not session.images(guidance):
            continue
        for branch in manifest.branches_at(guidance):
            for step in manifest.capture_steps:
                yield Configuration(branch, step, guidance)


def _layer(layer: LayerResult, keys: frozenset[str]) -> LayerResult:
    def only(of: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in of.items() if (key := _metric(name)) is None or key in keys}

    return replace(
        layer,
        values=only(layer.values),
        arrays=only(layer.arrays),
        nulls=only(layer.nulls),
        errors=only(layer.errors),
        missing=only(layer.missing),
        rounding=only(layer.rounding),
    )


def _metric(name: str) -> str | None:
    """The metric that a value, a null, an error or a reason is of; None for those of all."""
    for words in _ABOUT:
        name = name.removeprefix(words)
    if name in METRICS:
        return name
    try:
        return quantity(name).metric.key
    except KeyError:
        return None
