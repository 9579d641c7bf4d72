from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subspacelens_tui.app import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (0.0042, "0.004"),
        (4e-6, "4e-6"),
        (0.421, "0.42"),
        (4.234, "4.23"),
        (30.12, "30.1"),
        (99.97, "100"),
        (743.4, "743"),
        (12345.6, "12346"),
        (1.25e7, "1e7"),
        (-3.2, "-3.20"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert numbers.number(value) == text


@pytest.mark.parametrize("exponent", range(-9, 12))
def test_a_signed_number_fits_its_column(exponent: int) -> None:
    for mantissa in (1.0, 9.994, 9.996):
        assert len(numbers.number(-mantissa * 10.0**exponent, signed=True)) <= 7


def test_other_forms() -> None:
    assert numbers.number(4.2, signed=True) == "+4.20"
    assert numbers.fraction(0.672) == ".67"
    assert numbers.fraction(1.0) == "1.00"
    assert numbers.fraction(None) == "–"
    assert numbers.probability(0.005) == ".005"
    assert [numbers.duration(s) for s in (None, 7, 78, 7391)] == ["–", "0:07", "1:18", "2:03:11"]


@given(st.floats(-1e12, 1e12), st.floats(0, 1) | st.floats(0, 1e-12))
@example(0.5001, 0.0001)
@example(1.2e7, 1e-7)
@example(-5e-6, 1.0)
@example(6.103515625e-05, 7.434890835675948e-13)
def test_the_ends_of_a_scale_differ_where_their_values_do(low: float, more: float) -> None:
    high = low + more * (abs(low) or 1.0)
    first, last = numbers.ends(low, high)
    assert (first == last) == (low == high)
    assert [text.startswith("-") for text in (first, last)] == [low < 0, high < 0]
    for value, text in ((low, first), (high, last)):
        # Exactly: a double that lies halfway between two texts may be either.
        half_a_digit = Decimal(5).scaleb(int(Decimal(text).as_tuple().exponent) - 1)
        assert abs(Decimal(text) - Decimal(value)) <= half_a_digit
