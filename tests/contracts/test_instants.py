from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import format_instant, parse_instant

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1900, 1, 3), datetime(9999, 12, 29), timezones=zones))
def test_an_instant_survives_its_text(instant):
    text = format_instant(instant)

    assert text.endswith("Z")
    assert parse_instant(text) == instant
    assert parse_instant(instant.isoformat()) == instant


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 5, 8, tzinfo=UTC), "2026-03-05T08:00:00Z"),
        (datetime(2026, 3, 5, 8, 0, 10, 120000, tzinfo=UTC), "2026-03-05T08:00:10.12Z"),
        (datetime(2026, 3, 5, 8, 0, 0, 1, tzinfo=UTC), "2026-03-05T08:00:00.000001Z"),
        (datetime(2026, 3, 5, 8, tzinfo=timezone(timedelta(hours=8))), "2026-03-05T00:00:00Z"),
    ],
)
def test_text_is_utc_with_trailing_zeros_dropped(instant, text):
    assert format_instant(instant) == text


def test_digits_after_the_microsecond_are_cut_off():
    assert parse_instant("2026-03-05T08:00:00.123456789Z").microsecond == 123456


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-05",
        "2026-03-05T08:00:00",
        "2026-03-05 08:00:00Z",
        "2026-03-05T08:00Z",
        "20260305T080000Z",
        "2026-W10-4T08:00:00Z",
        "2026-03-05T08:00:60Z",
        "2026-03-05T25:00:00Z",
        "2026-13-05T08:00:00Z",
        "2026-03-05T08:00:00+0800",
        "2026-03-05T08:00:00+08:00:30",
        "２０２６-03-05T08:00:00Z",
        "2026-03-05T08:00:00Z\n",
        "9999-12-31T23:59:59-14:00",
        "1899-12-31T23:59:59Z",
    ],
)
def test_anything_else_is_no_instant(text):
    with pytest.raises(ValueError):
        parse_instant(text)


def test_a_naive_instant_has_no_text():
    with pytest.raises(ValueError, match="offset"):
        format_instant(datetime(2026, 3, 5, 8))
