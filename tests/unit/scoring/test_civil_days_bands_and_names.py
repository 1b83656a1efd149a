"""Local days, money by band, comparable names, and lines for people."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.bands import EDGES, band_of, edges_of
from services.scoring.domain.civil import day_of, days_before, start_of_day
from services.scoring.domain.names import comparable, grams
from services.scoring.domain.summaries import summary, tier_summary
from shared.contracts import registry
from shared.contracts.examples import payload_example


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Europe/London", "Pacific/Apia"]),
)
def test_an_instant_lies_between_the_beginning_of_its_day_and_of_the_next_that_exists(instant, zone):
    day = day_of(instant, zone)
    assert start_of_day(day, zone) <= instant < start_of_day(day + timedelta(days=1), zone)


def test_a_day_whose_midnight_is_skipped_begins_with_the_clock_change():
    # São Paulo put its clocks from 00:00 to 01:00 on 4 November 2018.
    assert start_of_day(date(2018, 11, 4), "America/Sao_Paulo") == datetime(2018, 11, 4, 3, 0, tzinfo=UTC)


def test_days_before_the_calendar_end_at_its_beginning():
    assert days_before(date(1, 1, 5), 10) == date.min


@given(st.integers(0, 10**15), st.sampled_from([0, 2, 3]))
def test_an_amount_lies_within_the_edges_of_its_band(units, digits):
    low, high = edges_of(band_of(units, digits))
    assert low * 10**digits <= units
    assert high is None or units < high * 10**digits


def test_bands_are_one_and_five_in_each_magnitude():
    assert EDGES[:6] == (0, 1000, 5000, 10_000, 50_000, 100_000)
    assert band_of(-1, 2) == 0
    assert edges_of(len(EDGES) - 1)[1] is None


def test_names_are_the_same_in_any_width_case_and_spacing():
    assert comparable("ＡＢＣ  泵业 ") == comparable("abc 泵业") == "abc 泵业"


@given(st.text(max_size=12), st.text(max_size=4), st.text(max_size=12))
def test_a_name_has_all_the_grams_of_every_piece_of_it(before, piece, after):
    assert grams(piece) <= grams(before + piece + after)


def test_every_fact_has_a_line_for_people():
    for entry in registry.of_topic("moat.facts.v1"):
        line = summary(entry.type, payload_example(entry))
        assert 0 < len(line) <= 160
        assert "None" not in line, f"{entry.type}: {line}"


def test_a_change_of_tier_is_told_in_one_line():
    assert tier_summary("m", None, "core", "initial") == "m: graded core"
    assert tier_summary("m", "core", "general", "downgrade") == "m: core → general (downgrade)"
    assert tier_summary("m", "core", None, "downgrade") == "m: not enough data for a tier"
