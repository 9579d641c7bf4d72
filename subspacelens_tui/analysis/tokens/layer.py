"""The figures of the tokens of one layer: a value or a reason for each."""

import contextlib
import functools
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.nulls import rate_summaries
from subspacelens_tui.analysis.rounding import massive, rates_moved
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.tokens.columns import (
    Codes,
    TokenColumns,
    known_effective_rank,
    mean_hoyer,
    overlap_mean,
    subspaces,
    token_view,
    trace_factor,
    unbiased_participation_ratio,
)
from subspacelens_tui.analysis.tokens.jackknife import token_error_bars
from subspacelens_tui.analysis.tokens.parts import Parts, split
from subspacelens_tui.analysis.tokens.sample import TokenImages
from subspacelens_tui.geometry import (
    GeometryError,
    NullSummary,
    coding_rate_from_spectrum,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    iso_rate_eps,
    mean_off_diagonal,
    participation_ratio_from_spectrum,
    stable_rank_from_spectrum,
    summarize_null,
)
from subspacelens_tui.geometry.iso_rate import refined_eps
from subspacelens_tui.geometry.rounding import TIE, TOLERANCE, rates_lost

_RANKS: dict[str, Callable[[Float64Array], Any]] = {
    "effective_rank": effective_rank_from_spectrum,
    "eigenvalue_rank": eigenvalue_rank_from_spectrum,
    "participation_ratio": participation_ratio_from_spectrum,
    "stable_rank": stable_rank_from_spectrum,
}
_RATES = ("R", "Rc", "delta_R", "ratio")


@dataclass(frozen=True)
class Rates:
    """R, Rc, ΔR (nats) and Rc/R, None where one cannot be computed; and their nulls, if asked for."""

    R: float | None = None
    Rc: float | None = None
    delta_R: float | None = None
    ratio: float | None = None
    nulls: dict[str, NullSummary] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenLayer:
    """What there is to say of the tokens of one layer.

    Attributes:
        figures: of the tokens as columns.
        parts: of their second moment, within and between images.
        image_means: the rates of the images' means over all tokens, at the same ε in the same view, under the
            same permutations.
        overlap, explained: (classes, classes), as of `Figures`; None where missing.
    """

    figures: LayerFigures
    parts: Parts
    image_means: Rates
    overlap: Float64Array | None
    explained: Float64Array | None

    def to_json(self) -> dict[str, Any]:
        """What a layer of `analyze --tokens --json` has beside the keys of `LayerFigures.to_json`."""
        means = {rate: getattr(self.image_means, rate) for rate in _RATES}
        nulls = {figure: asdict(null) for figure, null in self.image_means.nulls.items()}
        return {**self.parts.to_json(), "image_means": {**means, "nulls": nulls}}


def token_layer(sample: TokenImages, index: int, name: str, settings: Settings) -> TokenLayer:
    """All figures of one layer; `settings` resolved, with a rank.

    Raises:
        GeometryError: if the feature view cannot be had.
        SessionError: if the tokens cannot be read.
    """
    tokens = sample.tokens(index)
    collected = _Collected(sample, settings, TokenColumns(tokens.astype(np.float64)))
    collected.rates()
    collected.ranks()
    collected.overlaps()
    collected.errors()
    collected.take("hoyer", functools.partial(mean_hoyer, tokens))
    parts, image_means = collected.against_means(sample.means(index))
    width = tokens.shape[2]
    figures = LayerFigures(
        layer=index,
        name=name,
        width=width,
        eps=collected.eps,
        rank_ceiling=min(tokens.shape[0] * tokens.shape[1], width),
        missing=collected.missing | parts.missing,
        rounding=collected.moved,
        massive=massive(collected.raw.flat.T) if collected.moved else "",
        **collected.values,
    )
    return TokenLayer(figures, parts, image_means, collected.overlap, collected.explained)


class _Collected:
    """The figures of one layer while they are computed."""

    def __init__(self, sample: TokenImages, settings: Settings, raw: TokenColumns) -> None:
        self._sample, self._settings, self.raw = sample, settings, raw
        self._view = settings.features
        self._viewed = token_view(raw, self._view, sample.codes)
        self._spectrum = self._viewed.spectrum()
        self.eps = settings.eps
        self.overlap: Float64Array | None = None
        self.explained: Float64Array | None = None
        self.values: dict[str, Any] = {"nulls": {}, "errors": {}}
        self.missing: dict[str, str] = {}
        self.moved: dict[str, float] = {}
        self._massive = False

    def rates(self) -> None:
        if self._too_few_images(*_RATES):
            return
        try:
            self.eps = self._eps()
            found, moved, self._massive = self._rates_of(self.raw, self._viewed, self._spectrum)
        except GeometryError as error:
            self._miss(str(error), *_RATES)
            return
        self.moved |= moved
        self.values |= {rate: getattr(found, rate) for rate in _RATES}
        self.values["nulls"] |= found.nulls
        if not self._too_few_classes("Rc", "delta_R", "ratio") and found.ratio is None:
            self._miss("R is 0: all features are zero", "ratio")
        if self._sample.no_null is not None:
            self._miss(self._sample.no_null, "nulls")

    def _eps(self) -> float:
        """ε, or the one at which R is as asked."""
        iso, viewed, spectrum = self._settings.iso_rate, self._viewed, self._spectrum
        if iso is None:
            return self._settings.eps
        eps = float(iso_rate_eps(spectrum, viewed.width, viewed.count, iso))
        if not rates_lost(iso, iso, viewed.moved(spectrum, eps)):
            return eps
        rate_at = replace(viewed, massive=True).coding_rate
        return refined_eps(eps, spectrum, viewed.width, viewed.count, iso, rate_at)

    def ranks(self) -> None:
        if self._too_few_images(*_RANKS, "participation_ratio_unbiased"):
            return
        for figure, rank in _RANKS.items():
            self.take(figure, functools.partial(_number, rank, self._spectrum))
        if "effective_rank" in self.values:
            rank_of = known_effective_rank(self._viewed.flat, self._spectrum)
            self.values["effective_rank"], moved = rank_of
            if moved > TOLERANCE * rank_of[0]:
                self.moved["effective_rank"] = moved
        if "centred" in self._view:
            self._miss("of centred tokens there is no unbiased one", "participation_ratio_unbiased")
            return
        unbiased = functools.partial(unbiased_participation_ratio, self._viewed, self._spectrum)
        self.take("participation_ratio_unbiased", unbiased)

    def overlaps(self) -> None:
        rank = self._settings.rank
        assert rank is not None
        if self._too_few_classes("overlap_mean", "explained_mean"):
            return
        raw, viewed = self.raw, self._viewed
        try:
            self.overlap, self.explained, moved = subspaces(viewed, self._sample.codes, rank)
        except GeometryError:
            moved = math.inf  # what seems flat may not be so
        if moved > TOLERANCE:
            raw, viewed = replace(raw, massive=True), replace(viewed, massive=True)
            try:
                self.overlap, self.explained, moved = subspaces(viewed, self._sample.codes, rank)
            except GeometryError as error:
                self.overlap, self.explained = None, None
                self._miss(str(error), "overlap_mean", "explained_mean")
                return
            if moved > TOLERANCE:
                self.moved |= dict.fromkeys(("overlap_mean", "explained_mean"), moved)
        assert self.overlap is not None
        observed = float(mean_off_diagonal(self.overlap))
        self.values |= {"overlap_mean": observed, "explained_mean": float(mean_off_diagonal(self.explained))}
        if self._sample.labelings is not None:
            labelings = self._sample.labelings[: self._settings.overlap_permutations]
            if len(labelings) > 1:
                self._overlap_null(observed, labelings, rank, raw, viewed)

    def _overlap_null(
        self, observed: float, labelings: Codes, rank: int, raw: TokenColumns, viewed: TokenColumns
    ) -> None:
        try:
            values = [overlap_mean(self._under(labels, raw, viewed), labels, rank) for labels in labelings]
        except GeometryError as error:
            self._miss(str(error), "null of overlap_mean")
            return
        null = summarize_null(observed, np.asarray(values), "smaller", TIE)
        self.values["nulls"]["overlap_mean"] = null

    def errors(self) -> None:
        if self._settings.errors is None or self.values.get("delta_R") is None:
            return
        codes, left_out = self._sample.codes, self._sample.groups_left_out()
        raw = replace(self.raw, massive=self._massive)
        self.take("errors", lambda: token_error_bars(raw, self._view, codes, self.eps, left_out))

    def against_means(self, means: npt.NDArray[np.float32]) -> tuple[Parts, Rates]:
        """The parts within and between images, and the rates of the images' means (N, 1, d)."""
        raw = TokenColumns(means.astype(np.float64))
        viewed = token_view(raw, self._view, self._sample.codes)
        between: Float64Array | None = viewed.rows[:, 0]
        if self._view == "unit":
            between = None
        elif self._view == "trace":
            # By the factor of the tokens, whose parts these are.
            between = raw.rows[:, 0] * trace_factor(self.raw)
        parts = split(self._viewed, between, self._sample.counts, self.eps)
        self.moved |= {f"{what} R": amount for what, amount in parts.moved.items()}
        if self.values.get("R") is None:
            return parts, Rates()
        try:
            rates, moved, _ = self._rates_of(raw, viewed, viewed.spectrum())
        except GeometryError:
            return parts, Rates()
        self.moved |= {f"image means' {figure}": amount for figure, amount in moved.items()}
        return parts, rates

    def _rates_of(
        self, raw: TokenColumns, viewed: TokenColumns, spectrum: Float64Array
    ) -> tuple[Rates, dict[str, float], bool]:
        """The rates, how far rounding may have moved them if that matters, and whether tokens are massive."""
        codes, eps, several = self._sample.codes, self.eps, len(self._sample.classes) > 1
        R = float(coding_rate_from_spectrum(spectrum, viewed.width, viewed.count, eps))
        Rc, massive = R, True
        with contextlib.suppress(GeometryError):  # too large for factors of Gram matrices
            Rc = viewed.class_rate(codes, eps) if several else R
            massive = bool(rates_lost(R, Rc, viewed.moved(spectrum, eps)))
        moved: dict[str, float] = {}
        if massive:
            raw, viewed = replace(raw, massive=True), replace(viewed, massive=True)
            R, Rc = viewed.coding_rate(eps), viewed.class_rate(codes, eps)
            moved = rates_moved(R, Rc, *viewed.rates_rounding(codes, eps))
        if not several:
            return Rates(R), {figure: by for figure, by in moved.items() if figure == "R"}, massive
        nulls = {} if self._sample.labelings is None else self._nulls(raw, viewed, R, Rc)
        return Rates(R, Rc, R - Rc, Rc / R if R > 0 else None, nulls), moved, massive

    def _nulls(self, raw: TokenColumns, viewed: TokenColumns, R: float, Rc: float) -> dict[str, NullSummary]:
        assert self._sample.labelings is not None
        null_R, null_Rc = [], []
        for labels in self._sample.labelings:
            columns = self._under(labels, raw, viewed)
            # R depends on the labels in the class-centred view only.
            null_R.append(R if columns is viewed else columns.coding_rate(self.eps))
            null_Rc.append(columns.class_rate(labels, self.eps))
        return rate_summaries(R, Rc, np.asarray(null_R), np.asarray(null_Rc))

    def _under(self, labels: Codes, raw: TokenColumns, viewed: TokenColumns) -> TokenColumns:
        """The view of the tokens if the images had these labels."""
        # Centred by the true classes, permuted ones would show an excess out of nothing.
        return token_view(raw, self._view, labels) if self._view == "class-centred" else viewed

    def take(self, figure: str, compute: Callable[[], Any]) -> None:
        try:
            self.values[figure] = compute()
        except GeometryError as error:
            self.missing[figure] = str(error)

    def _miss(self, reason: str, *figures: str) -> None:
        self.missing |= dict.fromkeys(figures, reason)

    def _too_few_images(self, *figures: str) -> bool:
        if len(self._sample) > 1:
            return False
        self._miss("one image has no geometry yet", *figures)
        return True

    def _too_few_classes(self, *figures: str) -> bool:
        if len(self._sample.classes) > 1:
            return False
        self._miss(f"there is one class only ({self._sample.classes[0]})", *figures)
        return True


def _number(figure: Callable[[Float64Array], Any], of: Float64Array) -> float:
    return float(figure(of))
