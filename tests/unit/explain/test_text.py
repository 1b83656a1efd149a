"""The explanation as people read it: the clock's life in words, in both languages."""

from pathlib import Path

import pytest

from services.crisis.api.explain_example import EXAMPLE, EXAMPLE_TEXT
from services.crisis.explain import as_json, as_text
from tests.unit.explain.explained_story import (
    breached,
    clock_change,
    explain,
    half_a_year,
    nested_pauses,
    request,
    spring_festival,
    two_lines,
    worked_example,
)


def told(explanation, language="en"):
    """The lines without their padding."""
    return [" ".join(line.split()) for line in as_text(explanation, language).splitlines()]


def test_a_make_up_saturday_counts_and_the_spring_festival_is_named():
    lines = told(spring_festival())

    assert "Due 2026-02-14 16:00:00 +08:00 Sat (provisional)" not in lines
    assert "Due 2026-02-14 16:00:00 +08:00 Sat" in lines
    assert (
        "8 h of open time in calendar cn-office (Asia/Shanghai), counted from 2026-02-13 16:00:00 +08:00 Fri."
        " In force since the start, by policy key." in lines
    )
    assert "2026-02-13 18:00:00 +08:00 Fri → 2026-02-14 09:00:00 +08:00 Sat closed 15 h outside hours" in lines
    assert "2026-02-14 13:00:00 +08:00 Sat → 2026-02-14 14:30:00 +08:00 Sat counted 1 h 30 min" in lines
    assert "counted 6 h 30 min + closed 16 h = real time 22 h 30 min (exact to the microsecond)" in lines
    assert "50% 2026-02-14 11:00:00 +08:00 Sat fired" in lines
    assert "90% 2026-02-14 15:12:00 +08:00 Sat planned" in lines


def test_working_days_skip_the_festival_and_say_so():
    explanation = spring_festival()
    resolution = as_json(explanation)["clocks"][1]

    assert resolution["due_at"] == "2026-02-25T10:00:00Z"
    assert resolution["local"]["due_at"] == "2026-02-25T18:00:00+08:00"
    (line,) = resolution["lines"]
    assert line["why"]["en"].startswith(
        "Working day 3 of calendar cn-office (Asia/Shanghai) after 2026-02-13, at the end of its last window."
    )
    assert line["why"]["zh-CN"].startswith("2026-02-13之后日历 cn-office（Asia/Shanghai）的第 3 个工作日")


def test_days_off_and_make_up_workdays_on_the_way_are_named():
    resolution = as_json(spring_festival())["clocks"][1]
    lines = told(spring_festival())

    assert resolution["make_up_workdays"] == ["2026-02-14"]
    assert {one["reason"] for one in resolution["days_off"]} >= {"holiday: Chinese New Year's Eve", "weekend"}
    assert "Days off until the due instant, in calendar cn-office" in lines
    assert "2026-02-14 Sat: make-up workday, worked as an ordinary day" in lines
    assert "2026-02-16 00:00:00 +08:00 Mon → 2026-02-17 00:00:00 +08:00 Tue holiday: Chinese New Year's Eve" in lines
    assert not [line for line in told(clock_change()) if line.startswith("Days off")]


def test_holidays_have_their_chinese_names():
    long = explain(
        request(
            {"plan": {"business": "PT20H", "calendar": "cn-office"}},
            ("2026-02-13T08:00:00Z", "start"),
            until="2026-02-24T03:00:00Z",
        ),
        zone_name="Asia/Shanghai",
    )
    text = as_text(long, "zh-CN")

    assert "节假日：除夕" in text
    assert "节假日：春节" in text
    assert "节假日：调休（2026-02-14 上班）" in text
    assert "holiday: day off (worked on 2026-02-14 instead)" in as_text(long, "en")


def test_across_a_clock_change_both_offsets_are_shown_and_real_time_is_counted():
    lines = told(clock_change())

    assert "Due 2026-03-30 01:00:00 +01:00 Mon" in lines
    assert "2026-03-28 20:00:00 +00:00 Sat → 2026-03-29 03:00:00 +01:00 Sun paused 6 h waiting for customer" in lines
    assert "counted 16 h + paused 6 h = real time 22 h (exact to the microsecond)" in lines
    assert any(
        "has moved it from 2026-03-29 19:00:00 +01:00 Sun to 2026-03-30 01:00:00 +01:00 Mon." in line for line in lines
    )


def test_nested_reasons_are_named_together_and_closed_hours_are_no_pause():
    lines = told(nested_pauses())

    assert (
        "2026-03-02 14:00:00 +08:00 Mon → 2026-03-02 16:00:00 +08:00 Mon paused 2 h"
        " waiting for customer, waiting for vendor" in lines
    )
    assert "2026-03-02 18:00:00 +08:00 Mon → 2026-03-03 09:00:00 +08:00 Tue closed 15 h outside hours" in lines
    assert any(line.startswith("Due unknown while paused; resumed now: 2026-03-04 10:00:00") for line in lines)
    assert "等待客户、等待供应商" in as_text(nested_pauses(), "zh-CN")


def test_a_tightened_promise_shows_both_lines_and_which_governs():
    lines = told(two_lines())

    assert "1. 2026-03-03 02:00:00 +00:00 Tue" in lines
    assert "2. 2026-03-02 10:00:00 +00:00 Mon ← gives the due instant" in lines
    assert any("Added at 2026-03-02 05:00:00 +00:00 Mon by policy strategic (tighten_only)" in line for line in lines)
    assert any(line.endswith("Another line is due earlier.") for line in lines)
    assert any("retarget by E-1042 tighten only · cause tier_changed" in line for line in lines)


def test_a_breach_says_when_and_why_and_a_late_record_says_when_it_was_made():
    lines = told(breached())

    assert "first_response · cycle 1 · completed · missed" in lines
    assert "Breached 2026-10-31 20:00:00 -04:00 Sat · the due instant passed" in lines
    assert "first_response · cycle 2 · in progress · overdue" in lines
    assert "#2 2026-10-31 22:00:00 -04:00 Sat stop by E-1042 recorded at 2026-10-31 22:03:00 -04:00 Sat" in lines


def test_an_event_is_told_in_the_cycle_in_which_it_took_effect():
    first, second = as_json(breached())["clocks"]

    assert [event["type"] for event in first["events"]] == ["start", "stop"]
    assert [(event["type"], event["retroactive"]) for event in second["events"]] == [("reopen", True)]


@pytest.mark.parametrize("story", [spring_festival, clock_change, nested_pauses, two_lines, breached, half_a_year])
def test_chinese_text_holds_no_english_words_of_ours(story):
    """Names, keys and reasons of people stay; the words between them are Chinese."""
    text = as_text(story(), "zh-CN")

    for word in ("counted", "closed", "paused", "Lines", "Sums", "policy ", "calendar ", "outside", "real time"):
        assert word not in text


def test_an_explanation_without_clocks_says_so():
    empty = explain(request({"t": {"elapsed": "PT1H"}}, until="2026-03-02T02:00:00Z"))

    assert told(empty)[-1] == "There is no such clock."


def test_every_behaviour_says_what_it_did():
    def why(behaviour):
        body = request(
            {"t": {"elapsed": "PT24H"}},
            ("2026-03-02T02:00:00Z", "start"),
            ("2026-03-02T14:00:00Z", "retarget", {"policy": "q", "behaviour": behaviour}),
            until="2026-03-02T15:00:00Z",
            policies=[{"key": "q", "targets": {"t": {"elapsed": "PT48H"}}}],
        )
        return as_json(explain(body))["clocks"][-1]["lines"][-1]["why"]["en"]

    assert "In force since the start, by policy key." in why("keep")
    assert "Replaced what was promised before" in why("retarget_from_start")
    assert "ended the cycle before and began this one" in why("restart_now")
    assert "left 24 h of 48 h" in why("prorate")
    assert "beside what was promised before" in why("tighten_only")


def test_an_approved_extension_and_a_reopening_are_told():
    law = {"statutory": {"regime": "law", "source": "§ 1"}}
    body = request(
        {"final_answer": {"period": "P15D", "calendar": "cn-office", **law}, "respond": {"elapsed": "PT4H"}},
        ("2026-03-02T02:00:00Z", "start"),
        ("2026-03-05T02:00:00Z", "extend", {"by": "P30D"}),
        ("2026-03-02T03:00:00Z", "stop", {"target": "respond"}),
        ("2026-03-02T05:00:00Z", "reopen", {"target": "respond"}),
        until="2026-03-06T02:00:00Z",
    )
    statute, _, again = as_json(explain(body))["clocks"]

    assert "The extension approved at 2026-03-05 02:00:00 +00:00 Thu moved it to" in statute["lines"][0]["why"]["en"]
    assert statute["lines"][0]["extensions"][0]["due_at"] == statute["due_at"]
    assert "The reopening at 2026-03-02 05:00:00 +00:00 Mon began this cycle" in again["lines"][0]["why"]["en"]


def test_the_example_in_the_api_is_what_the_engine_answers():
    assert as_json(worked_example()) == EXAMPLE
    assert as_text(worked_example(), "zh-CN") == EXAMPLE_TEXT


def test_the_example_on_the_page_is_what_the_engine_answers():
    page = Path(__file__).parents[3] / "docs" / "explaining-clocks.md"

    assert as_text(worked_example(), "en") in page.read_text()
