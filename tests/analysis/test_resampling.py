"""Closed forms of nulls and jackknives against going through every member, of all kinds of statistics."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.metrics import METRICS, Need
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.statistics.base import Labelings, LayerStatistics, Resampled
from subspacelens_tui.analysis.statistics.image_stream import ImageStream
from subspacelens_tui.analysis.statistics.scatter import ImageGroups, ScatterLayer
from subspacelens_tui.analysis.statistics.token_columns import TokenColumns
from subspacelens_tui.analysis.statistics.token_images import TokenImages
from subspacelens_tui.analysis.statistics.tokens import TokenLayer
from subspacelens_tui.geometry import VIEWS, GeometryError, View, permuted_labels
from subspacelens_tui.sessions import open_session
from tests.analysis.token_sessions import IMAGES, codes, plant
from tests.conftest import PlantedSession

WATCH = Watch()
UPDATES = {metric.key for metric in METRICS.scalars if Need.UPDATE in metric.needs}
BASES = [metric for metric in METRICS.scalars if not metric.of and (metric.null or metric.error)]


def gram(path: Path, features: View) -> LayerStatistics:
    analyzer = Analyzer(open_session(path))
    return analyzer.layers_of(analyzer.result(Settings(features=features, subspace_dim=2)))[1]


def scatters(path: Path, settings: Settings) -> ScatterLayer:
    session = open_session(path)
    settings = settings.resolve(session)
    stream = ImageStream(session, settings, WATCH)
    classes = tuple(dict.fromkeys(stream.groups))
    groups = ImageGroups(classes, [classes.index(name) for name in stream.groups], stream.by_subject)
    return ScatterLayer(1, list(stream.layers())[1], groups, settings)


def checked(resampled: Resampled, but: Collection[str] = ()) -> set[str]:
    """The metrics that have a closed form, each found to be what the members give."""
    found = set()
    for metric in BASES:
        if metric.key in but:
            continue
        closed = resampled.closed_form(metric)
        if closed is not None:
            members = [metric.value(member) for member in resampled.members()]
            np.testing.assert_allclose(closed, members, rtol=1e-7, atol=1e-9, err_msg=metric.key)
            assert np.std(members) > 0 or metric.key == "R"
            found.add(metric.key)
    return found


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resampling") / "s"
    return PlantedSession(path, seeds=3, layers=2, width=16).start().record().path


@pytest.fixture(scope="module", params=["plain", "massive"])
def of_images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def alter(layer: int, features: np.ndarray, images: list[int]) -> np.ndarray:
        if request.param == "massive":
            features[..., 5] = 1e6 * (1 + 0.05 * features[..., 5])
        return features

    path = tmp_path_factory.mktemp(request.param) / "s"
    return PlantedSession(path, seeds=3, layers=2, width=16, alter=alter).start().record().path


def labelings(layer: LayerStatistics) -> Labelings:
    found = permuted_labels(np.asarray(layer.labels), "free", 4, 0)
    return Labelings(np.asarray(found), "free")


@pytest.mark.parametrize("features", VIEWS)
def test_gram_matrices_under_permuted_labels(of_images: Path, features: View) -> None:
    layer = gram(of_images, features)
    [permuted] = type(layer).relabelled([layer], labelings(layer), WATCH)
    expected = {"R", "Rc", "overlap_mean", "explained_mean", "label_part", "knn_accuracy"}
    assert checked(permuted) == expected


@pytest.mark.parametrize("by", ["image", "seed", "subject"])
@pytest.mark.parametrize("features", VIEWS)
def test_gram_matrices_without_each(of_images: Path, features: View, by: str) -> None:
    layer = gram(of_images, features)
    ranks = {metric.key for metric in METRICS.scalars if metric.family.name == "ranks"}
    means = {metric.key for metric in METRICS.means}
    without = layer.left_out(by, WATCH)
    if features == "class-centred" and by == "image":
        unbiased = METRICS["participation_ratio_unbiased"]
        with pytest.raises(GeometryError, match="without one of the images"):
            without.closed_form(unbiased)
        assert checked(without, {unbiased.key, *UPDATES}) == {"R", "Rc", *ranks, *means} - {unbiased.key}
        return
    but = UPDATES if by == "image" else set()
    assert checked(without, but) == {"R", "Rc", *means, *(ranks if by == "image" else ())}


def test_single_images_are_too_many_to_leave_out_of_an_update(session: Path) -> None:
    without = gram(session, "raw").left_out("image", WATCH)
    for key in UPDATES:
        with pytest.raises(GeometryError, match="leave out seeds and subjects"):
            without.closed_form(METRICS[key])


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    means = rng.standard_normal((IMAGES, 1, 12))
    path = tmp_path_factory.mktemp("tokens") / "s"
    plant(path, [rng.standard_normal((IMAGES, 20, 12)) + means], kept=4)
    return path


def token_layer(path: Path, features: View) -> TokenLayer:
    session = open_session(path)
    settings = Settings(features=features, subspace_dim=2).resolve(session)
    of = TokenImages(session, settings)
    columns = TokenColumns(of.tokens(0).astype(np.float64))
    return TokenLayer(0, columns, of.codes, of.images, of.classes, settings)


@pytest.mark.parametrize("features", VIEWS)
def test_tokens_under_permuted_labels(tokens: Path, features: View) -> None:
    layer = token_layer(tokens, features)
    under = Labelings(np.asarray(permuted_labels(codes(), "free", 4, 0)), "free")
    [permuted] = TokenLayer.relabelled([layer], under, WATCH)
    of_labels = {"R"} if features != "class-centred" else set()
    assert checked(permuted) == {*of_labels, "overlap_mean", "explained_mean"}


@pytest.mark.parametrize("by", ["image", "seed", "subject"])
@pytest.mark.parametrize("features", [view for view in VIEWS if view != "trace"])
def test_tokens_without_each(tokens: Path, features: View, by: str) -> None:
    without = token_layer(tokens, features).left_out(by, WATCH)
    means = {metric.key for metric in METRICS.means}
    assert checked(without) == {*means, *({"R", "Rc"} if by == "image" else ())}


@pytest.mark.parametrize("features", VIEWS)
def test_scatters_are_gram_matrices_under_permuted_subjects_and_without_them(
    session: Path, features: View
) -> None:
    """No closed forms here but of means: so the members are held against those of Gram matrices."""
    settings = Settings(
        features=features, subspace_dim=2, errors="subject", design="subjects", permutations=4
    )
    scatter = scatters(session, settings)
    layer = gram(session, features)
    rates = [METRICS["R"], METRICS["Rc"]]

    def agree(of_scatter: Resampled, of_gram: Resampled) -> None:
        one, other = of_scatter.values(rates), of_gram.values(rates)
        for key, values in one.items():
            np.testing.assert_allclose(values, other[key], rtol=1e-8)

    agree(scatter.left_out("subject", WATCH), layer.left_out("subject", WATCH))
    of_subjects = np.asarray(
        permuted_labels(np.asarray(scatter.groups.codes), "subjects", 4, 0, groups=range(9))
    )
    subjects = np.asarray(layer.sample.images.prompts)  # type: ignore[attr-defined]
    agree(
        type(scatter).relabelled([scatter], Labelings(of_subjects, "subjects"), WATCH)[0],
        type(layer).relabelled([layer], Labelings(of_subjects[:, subjects], "subjects"), WATCH)[0],
    )
    for metric in METRICS.means:
        one, other = (of.left_out("subject", WATCH).values([metric]) for of in (scatter, layer))
        np.testing.assert_allclose(one[metric.key], other[metric.key], rtol=1e-9)


def test_a_metric_without_a_closed_form_has_its_null_and_its_error_all_the_same(session: Path) -> None:
    """Any metric does: here the stable rank of the class-centred transform, which the labels enter."""
    layer, metric = gram(session, "class-centred"), METRICS["stable_rank"]
    [permuted] = type(layer).relabelled([layer], labelings(layer), WATCH)
    values = permuted.values([metric])[metric.key]
    assert len(values) == 4
    assert np.std(values) > 0
    assert len(layer.left_out("seed", WATCH).values([metric])[metric.key]) == 3
    assert Need.SPECTRUM in metric.needs


RATES = [METRICS[key] for key in ("Rc", "delta_R", "ratio")]


def of_members(layer: LayerStatistics, by: str, under: Labelings) -> dict[str, np.ndarray]:
    """The means under permuted labels without each group, through the members."""
    found = LayerStatistics.null_left_out(layer, RATES, by, under, WATCH)
    assert not any(isinstance(mean, GeometryError) for mean in found.values())
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("by", ["image", "seed", "subject"])
@pytest.mark.parametrize("features", VIEWS)
def test_nulls_without_each_of_gram_matrices(session: Path, features: View, by: str) -> None:
    layer = gram(session, features)
    found = layer.null_left_out(RATES, by, labelings(layer), WATCH)
    for key, means in of_members(layer, by, labelings(layer)).items():
        np.testing.assert_allclose(found[key], means, rtol=1e-8, err_msg=key)  # type: ignore[arg-type]
        assert np.std(means) > 0


def test_nulls_without_each_subject_of_scatters_and_of_tokens(session: Path, tokens: Path) -> None:
    settings = Settings(
        features="centred", subspace_dim=2, errors="subject", design="subjects", permutations=4
    )
    scatter, layer = scatters(session, settings), gram(session, "centred")
    of_subjects = np.asarray(
        permuted_labels(np.asarray(scatter.groups.codes), "subjects", 4, 0, groups=range(9))
    )
    subjects = np.asarray(layer.sample.images.prompts)  # type: ignore[attr-defined]
    one = of_members(scatter, "subject", Labelings(of_subjects, "subjects"))
    other = of_members(layer, "subject", Labelings(of_subjects[:, subjects], "subjects"))
    for key, means in one.items():
        np.testing.assert_allclose(means, other[key], rtol=1e-8)
    for features in ("raw", "class-centred"):
        layer = token_layer(tokens, features)
        under = Labelings(np.asarray(permuted_labels(codes(), "free", 3, 0)), "free")
        closed = layer.null_left_out(RATES, "image", under, WATCH)
        for key, means in closed.items():
            rows = []
            for labels in under.codes:
                members = list(layer.left_out("image", WATCH, labels).members())
                rows.append([METRICS[key].value(member) for member in members])
            np.testing.assert_allclose(means, np.mean(rows, axis=0), rtol=1e-7)  # type: ignore[arg-type]
