import math

import pytest

from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.app.selection import (
    CHOICES,
    Selection,
    first_selection,
    parse_eps,
    stepped_eps,
    with_eps,
)
from tests.conftest import PlantedSessionFactory


@pytest.fixture
def manifest(planted: PlantedSessionFactory):
    return planted(guidance=(1.0, 4.5)).manifest


def test_eps_steps_evenly_and_comes_back() -> None:
    eps = 0.5
    for _ in range(10):
        eps = stepped_eps(eps, 1)
    assert eps == pytest.approx(5.0)
    for _ in range(10):
        eps = stepped_eps(eps, -1)
    assert eps == pytest.approx(0.5)


@pytest.mark.parametrize("eps", [1e-8, 0.0123, 0.97, 1.0, 3.3, 99.9, 1e7])
def test_an_eps_between_the_steps_goes_to_the_next(eps: float) -> None:
    assert stepped_eps(eps, -1) < eps < stepped_eps(eps, 1)
    assert math.log10(stepped_eps(eps, 1) / stepped_eps(eps, -1)) < 0.25


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "", "a lot"])
def test_eps_must_be_positive(text: str) -> None:
    with pytest.raises(SettingsError, match="ε must be a positive number"):
        parse_eps(text)


def test_eps_as_people_type_it() -> None:
    assert parse_eps(" 0,25 ") == 0.25
    assert parse_eps("1e-2") == 0.01


def test_the_first_view_is_the_session_s_defaults(manifest) -> None:
    selection, complaints = first_selection(Settings(), manifest)
    assert (selection.main, selection.settings.step, selection.settings.guidance) == (
        ("coarse", "cond"),
        19,
        1.0,
    )
    assert complaints == []


def test_what_the_session_lacks_is_complained_about(manifest) -> None:
    selection, complaints = first_selection(Settings(labels="colour", step=3), manifest)
    assert (selection.main[0], selection.settings.step) == ("coarse", 19)
    assert complaints == [
        "the session has no labels colour: it has coarse, fine",
        "the session has no step 3: it has 5, 19",
    ]


def test_without_guidance_there_is_no_uncond_branch(manifest) -> None:
    selection, _ = first_selection(Settings(guidance=4.5, branch="uncond"), manifest)
    assert selection.branches == ("uncond",)
    selection = CHOICES["guidance"].moved(selection, manifest, 1)
    assert (selection.settings.guidance, selection.branches) == (1.0, ("cond",))
    assert CHOICES["branch"].values(manifest, selection) == ("cond",)


def test_each_choice_comes_round(manifest) -> None:
    selection, _ = first_selection(Settings(guidance=4.5), manifest)
    for choice in CHOICES.values():
        turned = selection
        for _ in choice.values(manifest, selection):
            turned = choice.moved(turned, manifest, 1)
        assert choice.current(turned) == choice.current(selection), choice.name


def test_the_view_says_which_analyses_it_needs(manifest) -> None:
    selection, _ = first_selection(Settings(guidance=4.5, labels="fine"), manifest)
    assert list(selection.wanted(manifest)) == [("fine", "cond"), ("coarse", "cond")]
    both = CHOICES["branch"].choose(selection, manifest, 2)
    assert next(iter(both.wanted(manifest))) == ("fine", "cond")
    assert len(both.wanted(manifest)) == 4
    alone = Selection(selection.settings, together=False)
    assert list(alone.wanted(manifest)) == [("fine", "cond")]


def test_a_bad_eps_changes_nothing(manifest) -> None:
    selection, _ = first_selection(Settings(), manifest)
    with pytest.raises(SettingsError):
        with_eps(selection, -1.0)
    assert selection.settings.eps == 0.5
