"""The real incident log through the clock engine: what must hold whatever rule fits best, and what was really seen."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.commands.replay import lines_of, replay
from services.commands.replay.log import WAITING, end_of, events_of, read_log
from services.commands.replay.rules import MEASURES, Measure, Rule, best_rule, clock_of, used_hours
from services.crisis.domain.clocks import Pause, Reopen, ReopenMode, Result, Resume, Start, Stop

LOG = Path(__file__).parents[3] / "data" / "incident_event_log_1.csv.gz"
PLAIN = Measure("elapsed", pauses=True, end="resolved")


@pytest.fixture(scope="module")
def incidents():
    return read_log(LOG)


@pytest.fixture(scope="module")
def figures():
    return replay(LOG)


def test_each_incident_starts_once_and_its_pauses_are_those_states_of_the_log(incidents):
    for incident in incidents:
        events = events_of(incident)
        assert [type(e) for e in events].count(Start) == 1
        assert [e.at for e in events] == sorted(e.at for e in events), incident.number
        states = [state for _, state in incident.changes]
        entered = sum(b in WAITING and a != b for a, b in zip(["New", *states], states, strict=False))
        assert sum(isinstance(e, Pause) for e in events) == entered
        assert sum(isinstance(e, Resume) for e in events) == entered, "every wait of this log ends in it"
        stops, reopens = (sum(isinstance(e, kind) for e in events) for kind in (Stop, Reopen))
        assert stops == reopens + 1, "every incident of this log is closed in the end"


def test_elapsed_paused_and_closed_add_up_to_the_real_time_by_every_measure(incidents):
    until = end_of(incidents)
    for measure in MEASURES:
        for incident in incidents:
            for clock in clock_of(incident, measure, 24, until=until):
                real = ((clock.stopped_at or until) - clock.started_at) / timedelta(seconds=1)
                sums = clock.elapsed_seconds + clock.paused_seconds + clock.closed_seconds
                assert sums == pytest.approx(real, abs=1e-6), incident.number
                if not measure.pauses:
                    reopened = any(isinstance(e, Reopen) for e in events_of(incident, end=measure.end))
                    assert clock.paused_seconds == 0 or reopened


def test_there_is_one_entry_per_cycle_whatever_a_reopening_does(incidents):
    until = end_of(incidents)
    for incident in incidents:
        reopens = sum(isinstance(e, Reopen) for e in events_of(incident))
        one = clock_of(incident, PLAIN, 24, until=until)
        fresh = clock_of(incident, PLAIN, 24, until=until, reopen=ReopenMode.NEW_CYCLE)
        assert [clock.cycle for clock in one] == [1]
        assert [clock.cycle for clock in fresh] == list(range(1, reopens + 2))


def test_what_was_used_decides_as_the_fold_does(incidents):
    until = end_of(incidents)
    for measure in MEASURES:
        used = used_hours(incidents, measure, until=until)
        for incident in incidents[::7]:
            for hours in (8, 72):
                (clock,) = clock_of(incident, measure, hours, until=until)
                assert (clock.result is Result.MET) == (used[incident.number] <= hours)


def test_the_search_finds_the_rule_that_made_the_flags(incidents):
    until = end_of(incidents)
    used = {measure: used_hours(incidents, measure, until=until) for measure in MEASURES}
    hidden = Rule(MEASURES[5], {"all": 40})
    told = [replace(one, made_sla=used[hidden.measure][one.number] <= 40) for one in incidents]

    found = best_rule(told, used)

    assert found == hidden


def test_the_report_counts_every_incident_once(figures):
    total = figures["by_priority"]["all"]
    assert total["clocks"] == figures["clocks"] == figures["incidents"] == 445
    assert total["met"] + total["missed"] + total["open"] == 445
    for name in ("clocks", "met", "missed", "open"):
        assert total[name] == sum(row[name] for key, row in figures["by_priority"].items() if key != "all")
    fit = figures["fit"]
    assert sum(fit["confusion"].values()) == 445
    assert fit["agrees"] == sum(n for words, n in fit["confusion"].items() if words.count("made") != 1)
    assert figures["unexplained"]["by_the_best_rule"] == 445 - fit["agrees"]
    assert figures["unexplained"]["by_any_duration_per_priority"] <= figures["unexplained"]["by_the_best_rule"]
    waited = figures["by_priority_pausing"]["all"]
    assert (waited["clocks"], waited["met"] + waited["missed"] + waited["open"]) == (445, 445)
    assert waited["paused_hours"] > 0 == figures["by_priority"]["all"]["paused_hours"]
    assert sum(f"{row['met']:4} met" in line for line in lines_of(figures) for row in (total, waited)) >= 2


def test_what_was_seen_of_the_fit_a_flag_that_knows_no_waits(figures):
    """Seen, not wanted: the flag follows weekdays until the closing, waits included, but for one incident.

    All were opened within two days and most were closed five days after their resolution, so that other measures come
    close, and the durations of the two gravest priorities are hardly bounded from below.
    """
    fit = figures["fit"]
    assert figures["best_rule"]["measure"] == "weekdays around the clock, with the waits, until it is closed"
    assert figures["best_rule"]["hours"]["3 - Moderate"] == figures["best_rule"]["hours"]["4 - Low"] == 160
    assert (fit["agrees"], figures["unexplained"]["by_the_best_rule"]) == (444, 1)
    assert fit["confusion"]["log made, rule missed"] == 1
    assert fit["base_rate"] < figures["best_that_pauses"] / 445 < fit["held_out_accuracy"] < fit["accuracy"]
    for name, (low, high) in figures["best_rule"]["same_verdicts_between_hours"].items():
        hours = figures["best_rule"]["hours"][name]
        assert (low is None or low <= hours) and (high is None or hours < high)
