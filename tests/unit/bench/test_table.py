"""The arithmetic of benchmark rows: medians, ratios, verdicts, and what is printed and written."""

import json

import pytest

from tests.bench.table import Ratio, Row, median, text, write_json


@pytest.mark.parametrize(("value", "verdict"), [(60.0, "reached"), (59.99, "NOT reached"), (61.0, "reached")])
def test_a_ratio_reaches_its_goal_from_the_goal_on(value, verdict):
    assert Ratio("peer", value, 60).verdict == verdict


def test_a_ratio_without_a_goal_has_no_verdict():
    assert Ratio("peer", 0.1).verdict == ""


@pytest.mark.parametrize(
    ("ours", "less", "verdict"),
    [
        (25_000, False, "reached"),
        (24_999, False, "NOT reached"),
        (25_000, True, "reached"),
        (25_001, True, "NOT reached"),
    ],
)
def test_an_absolute_goal_is_met_on_its_own_side(ours, less, verdict):
    assert Row("X1", "something", ours, "facts/s", goal=25_000, less=less).verdict == verdict


def test_a_latency_that_was_never_reached_is_not_within_any_goal():
    assert Row("L1", "p99", float("inf"), "ms", goal=150, less=True).verdict == "NOT reached"


def test_the_median_of_an_odd_number_of_runs_is_a_run_and_is_not_moved_by_one_bad_neighbour():
    assert median([4418.0, 6597.0, 12.0]) == 4418.0


def test_the_median_of_an_even_number_of_runs_lies_between_the_middle_two():
    assert median([10.0, 40.0, 20.0, 30.0]) == 25.0


def test_the_table_shows_figures_peers_ratios_and_says_what_is_not_reached():
    row = Row(
        id="M1",
        what="facts",
        ours=20_000,
        unit="facts/s",
        beside={"ORM handler": 250.0},
        ratios=(Ratio("ORM handler", 80.0, 60),),
        goal=25_000,
        note="two lanes",
    )
    printed = text([row])
    assert "20,000.0 facts/s  (goal ≥ 25,000: NOT reached)" in printed
    assert "ORM handler" in printed
    assert "250.0" in printed
    assert "80.00 × ORM handler  (goal ≥ 60: reached)" in printed
    assert "two lanes" in printed


def test_a_goal_below_one_is_printed_as_it_is():
    assert "(goal ≥ 0.5: reached)" in text([Row("H1", "door", 2, "facts/s", ratios=(Ratio("bare route", 0.5, 0.5),))])


def test_what_is_written_can_be_read_again_with_all_runs(tmp_path):
    row = Row("T1", "timers", 3.0, "timers/s", ratios=(Ratio("bare", 0.9, 0.8),), runs=(1.0, 3.0, 5.0))
    write_json(tmp_path / "var" / "bench.json", [row], {"cores": "2"})
    found = json.loads((tmp_path / "var" / "bench.json").read_text())
    assert found["machine"] == {"cores": "2"}
    assert found["rows"][0]["runs"] == [1.0, 3.0, 5.0]
    assert found["rows"][0]["ratios"] == [{"to": "bare", "value": 0.9, "goal": 0.8}]


def test_a_figure_that_json_does_not_know_is_written_as_null(tmp_path):
    write_json(tmp_path / "bench.json", [Row("L1", "p99", float("inf"), "ms")], {})
    assert json.loads((tmp_path / "bench.json").read_text())["rows"][0]["ours"] is None
