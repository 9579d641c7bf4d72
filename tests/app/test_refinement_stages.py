"""The order in which a view is computed."""

from subspacelens_tui.app.refinement_stages import FEW, FIRST, MANY, stages


def permutations(**wanted: object) -> list[int]:
    asked = {"slow": True, "affordable": True, "known": 0, "grown": False} | wanted
    return [stage.permutations for stage in stages(**asked)]  # type: ignore[arg-type]


def test_a_large_session_has_its_curves_first_and_a_null_line_next() -> None:
    order = list(stages(slow=True, affordable=True, known=0, grown=False))
    assert [stage.permutations for stage in order] == [0, FIRST, FIRST, FEW, FEW, MANY]
    assert [stage.quick for stage in order] == [True, True, False, False, False, False]
    assert [stage.errors for stage in order] == [False, False, False, False, True, True]
    assert [stage.last for stage in order] == [False] * 5 + [True]


def test_a_live_one_stops_at_what_it_can_afford() -> None:
    assert permutations(affordable=False)[-1] == FEW
    assert permutations(affordable=False, grown=True) == [FEW]
    assert permutations(grown=True) == [MANY]


def test_another_eps_begins_with_the_null_of_the_spectra_that_are_kept() -> None:
    assert permutations(known=40)[0] == 40
    assert 0 not in permutations(known=40)
