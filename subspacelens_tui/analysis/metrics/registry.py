"""What a metric is: one declaration, from which every output, column, plot and glossary entry follows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Literal

from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need
from subspacelens_tui.analysis.statistics.columns import Columns
from subspacelens_tui.geometry import GeometryError

Tail = Literal["greater", "smaller", "either"]


class Shape(Enum):
    """What the value of one layer is."""

    SCALAR = "a number"
    RECORD = "a few named numbers"
    CLASSES = "a matrix, classes × classes"
    SPECTRUM = "a curve over the index"
    CURVE = "a curve: a row for each point"
    STEPS = "a matrix, captured steps × captured steps"
    LAYERS = "a matrix, layers × layers"


ARRAYS = (Shape.CLASSES, Shape.SPECTRUM, Shape.CURVE, Shape.STEPS)
"""The shapes of one layer that are no number and no record."""


class Cost(Enum):
    """When a metric is computed."""

    FIRST = "immediately, with the first curves"
    SPECTRA = "next, with the eigenvalues"
    PAIRS = "always, from the eigenvectors of the block's input; in the app with the error bars"
    DEFERRED = "on request: `--metrics`, `--thorough`, or the layer selected in the app"


class Table(Enum):
    """What the table of the text report has of a metric."""

    NOTHING = "it is in JSON, tables on disk and on screens only"
    VALUE = "its value"
    EVIDENCE = "its value, null and error"


class Format(Enum):
    """How a value is written."""

    NUMBER = "number"
    SHARE = "share of 1"


@dataclass(frozen=True)
class Family:
    """Metrics that are documented together.

    Attributes:
        name: of the module.
        title: for the documentation.
        order: place among the families.
        evidence: under which name `missing` says why they have no error bars or no null.
    """

    name: str
    title: str
    order: int
    evidence: str


@dataclass(frozen=True)
class Metric:
    """One number, record, matrix or curve of a layer.

    Attributes:
        key: its name in JSON, in tables and in Python.
        label: in words.
        short: on screens and in the headings of tables.
        unit: "nats", "dimensions", …; "" for a share or an index.
        formula: its definition.
        source: where it comes from; "" if it is elementary.
        about: one sentence on what it says, for the glossary.
        compute: gives it, from `LayerStatistics`; from the values of the metrics in `of` if there are any;
            from `Columns`, image by image, if it is a mean over images.
        family: which it is declared with.
        needs: what it needs, in the order in which reasons are given.
        of: the metrics it is a function of, number by number or array by array.
        mean: whether it is a mean over images of what `compute` gives for each.
        shape: of its value.
        null: which tail of its null is evidence of structure; or why it has no null.
        null_by: what its null is made by.
        own_null: gives its null, where that is by something else than permuted labels.
        permuted: gives its values under permuted labels without going through them one by one.
        ties: the metric whose rounding is its own, for one that is a difference of large numbers.
        error: when its jackknife error is computed; or why it has none.
        cost: when it is computed.
        format: how it is written.
        table: what the table of the text report has of it.
        parts: of a record, its fields and what they are called there.
        remark: a few words that stand beside it on a screen.
        ceiling: whether min(N, d) bounds it.
        columns: of a curve, what its points consist of.
        relations: what it is called elsewhere, and how that is defined by it.
    """

    key: str
    label: str
    short: str
    unit: str
    formula: str
    source: str
    about: str
    compute: Callable[..., Any]
    family: Family
    needs: tuple[Need, ...] = ()
    of: tuple[str, ...] = ()
    mean: bool = False
    shape: Shape = Shape.SCALAR
    null: Tail | None = None
    null_by: str = "permuted labels"
    own_null: Callable[..., Any] | None = None
    permuted: Callable[..., Any] | None = None
    no_null: str = ""
    ties: str | None = None
    error: Cost | None = None
    no_error: str = ""
    cost: Cost = Cost.SPECTRA
    format: Format = Format.NUMBER
    table: Table = Table.VALUE
    parts: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""
    ceiling: bool = False
    columns: tuple[str, ...] = ()
    relations: str = ""

    def value(self, statistics: LayerStatistics) -> Any:
        """Its value of one layer.

        Raises:
            GeometryError: it cannot be had; the message says why.
        """
        for need in self.needs:
            if reason := statistics.why_not(need):
                raise GeometryError(reason)
        if self.of:
            return self.of_values({base.key: base.value(statistics) for base in self.bases})
        if self.mean:
            return statistics.column_mean(self.key)
        return self.compute(statistics)

    @property
    def family_members(self) -> list["Metric"]:
        """The metrics of its family, itself among them."""
        return METRICS.families()[self.family]

    @cached_property
    def depends_on(self) -> tuple[str, ...]:
        """The settings that its value depends on beside ε."""
        subspaces, random = Need.SUBSPACES in self.needs, {Need.HALVES, Need.VECTORS} & {*self.needs}
        return (*["subspace_dim"] * subspaces, *["seed"] * bool(random))

    @cached_property
    def depends_on_eps(self) -> bool:
        """Whether it does on ε."""
        return Need.RATES in self.needs

    @cached_property
    def bases(self) -> list["Metric"]:
        """What it is computed from: the metrics in `of`, or itself."""
        return [METRICS[key] for key in self.of] or [self]

    def of_values(self, values: Mapping[str, Any]) -> Any:
        """Its value, or array of values, from those of its bases."""
        return self.compute(*(values[key] for key in self.of)) if self.of else values[self.key]

    @property
    def words(self) -> str:
        """Label and unit, for an axis."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


class Registry(Mapping[str, Metric]):
    """All metrics by key, family by family, in each in the order of declaration."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def add(self, metric: Metric) -> None:
        """Take in a metric whose key is new."""
        if metric.key in self._metrics:
            raise ValueError(f"the metric {metric.key!r} is declared twice")
        if not (metric.null or metric.no_null) or not (metric.error or metric.no_error):
            raise ValueError(f"the metric {metric.key!r} does not say why it has no null or no error")
        self._metrics[metric.key] = metric
        self._metrics = dict(sorted(self._metrics.items(), key=lambda item: item[1].family.order))

    def __getitem__(self, key: str) -> Metric:
        return self._metrics[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def of_shape(self, *shapes: Shape) -> list[Metric]:
        """Those whose values are of these shapes."""
        return [metric for metric in self.values() if metric.shape in shapes]

    @property
    def scalars(self) -> list[Metric]:
        """Those that are numbers."""
        return self.of_shape(Shape.SCALAR)

    @property
    def means(self) -> list[Metric]:
        """Those that are means over images."""
        return [metric for metric in self.values() if metric.mean]

    def families(self) -> dict[Family, list[Metric]]:
        """The metrics of each family."""
        found: dict[Family, list[Metric]] = {}
        for metric in self.values():
            found.setdefault(metric.family, []).append(metric)
        return found


METRICS = Registry()


def metric(family: Family, **fields: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the decorated function of `LayerStatistics` as a metric; fields as of `Metric`.

    With `of`, it is a function of the values of those metrics, which may be arrays: its null and its error
    follow from theirs.
    """

    def declare(compute: Callable[..., Any]) -> Callable[..., Any]:
        METRICS.add(Metric(compute=compute, family=family, **fields))
        return compute

    return declare


def mean_over_images(
    family: Family, **fields: Any
) -> Callable[[Callable[[Columns], Any]], Callable[[Columns], Any]]:
    """Declare the mean over images of what the function gives for each of `Columns`, as a metric.

    NaN stands for an image that has no value; then the mean has none. Its error bar and its sum over a
    session of any size come with it.
    """

    def declare(compute: Callable[[Columns], Any]) -> Callable[[Columns], Any]:
        METRICS.add(Metric(compute=compute, family=family, mean=True, **fields))
        return compute

    return declare
