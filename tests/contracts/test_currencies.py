import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import decimal_text, minor_units
from shared.contracts.currencies import MINOR_UNITS


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("1299.00", "CNY", 129900),
        ("1299.5", "CNY", 129950),
        ("0", "CNY", 0),
        ("1299", "JPY", 1299),
        ("1299.000", "JPY", 1299),
        ("1.234", "KWD", 1234),
        ("0.0001", "CLF", 1),
        ("9999999999999.99", "USD", 999999999999999),
    ],
)
def test_an_amount_is_a_whole_number_of_minor_units(amount, currency, units):
    assert minor_units(amount, currency) == units


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1.001", "CNY"), ("0.5", "JPY"), ("1.00", "RMB"), ("-1", "CNY"), ("", "CNY"), ("1²", "CNY")],
)
def test_what_is_no_exact_amount_is_a_value_error(amount, currency):
    with pytest.raises(ValueError, match=r"currency|amount|decimals"):
        minor_units(amount, currency)


@given(st.integers(0, 10**18), st.sampled_from(sorted(MINOR_UNITS)))
def test_minor_units_and_their_text_are_one_to_one(units, currency):
    assert minor_units(decimal_text(units, currency), currency) == units


def test_an_amount_below_zero_has_no_text():
    with pytest.raises(ValueError, match="never negative"):
        decimal_text(-1, "CNY")


def test_the_list_of_currencies_is_the_whole_of_iso_4217_money():
    by_decimals = {
        digits: sum(1 for each in MINOR_UNITS.values() if each == digits) for digits in set(MINOR_UNITS.values())
    }

    assert by_decimals == {0: 18, 2: 149, 3: 7, 4: 2}
    assert {"XXX", "XTS", "XAU", "RMB", "DEM"}.isdisjoint(MINOR_UNITS)
