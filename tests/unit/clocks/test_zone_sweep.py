"""Every clock change of every zone from 2020 to 2030: open time and due instants across it, minute by minute."""

from datetime import UTC, datetime
from random import Random
from zoneinfo import available_timezones

import pytest

from services.crisis.documents.simulation import simulate
from shared.worktime import Calendar, parse_calendar, publish
from shared.worktime.zones import is_zone, zone
from tests.unit.clocks.zone_minutes import MINUTE, WEEKDAYS, Minutes, Week, behaviour, changes, offset, shown

SAMPLE = (
    *("Europe/London", "America/New_York", "Europe/Athens", "Africa/Cairo", "America/Havana", "America/Nuuk"),
    *("Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Easter", "Asia/Gaza", "Africa/Casablanca"),
    *("Antarctica/Troll", "Antarctica/Casey", "Antarctica/Vostok"),
)
"""Zones that together show every kind of clock change: from which wall time to which."""


def of_each_kind(names, seen):
    """The changes of these zones that are not of a kind seen before."""
    for name in names:
        for change in changes(zone(name)):
            kind = behaviour(zone(name), change)
            if kind not in seen:
                seen.add(kind)
                yield name, change


def weeks(name, change):
    """Calendars whose windows begin, end and lie in what the change skips or repeats, or run across it.

    Before them a wall time in the middle of that.
    """
    low, high = sorted((shown(zone(name), change - 1) + MINUTE, shown(zone(name), change)))
    quarter, middle, late = (clock(low + (high - low) * part / 4) for part in (1, 2, 3))
    every = {
        "night": ["22:00-06:00"],
        "into": [f"20:00-{middle}", "10:00-11:00"],
        "out of": [f"{middle}-05:00", "23:30-24:00"],
        "inside": [f"{quarter}-{late}", "12:00-12:30"],
        "union": [f"{quarter}-04:00", f"{middle}-04:30", f"19:00-{quarter}"],
    }
    found = {key: dict.fromkeys(WEEKDAYS, windows) for key, windows in every.items()}
    whole = {WEEKDAYS[(high.weekday() + days) % 7]: ["00:00-24:00"] for days in (0, 2, 5)}
    return middle, found | {"whole dates": whole}


def clock(wall):
    return wall.strftime("%H:%M")


def targets(key, middle):
    on = {"calendar": key}
    yield from ({"business": f"PT{minutes}M", **on} for minutes in (1, 29, 90, 271))
    yield from ({"business_days": days, **more, **on} for days in (1, 2) for more in ({}, {"day_zero": "next_open"}))
    yield {"business_days": 1, "at": middle, **on}
    yield from ({"period": f"P{days}D", "until": "same_time", **on} for days in (1, 2))
    yield from ({"period": "P1D", "roll": roll, **on} for roll in ("none", "forward", "backward"))
    yield {"elapsed": "PT1500M"}


def written(minute):
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sweep(name, change):
    """Hold one clock change against the minutes."""
    minutes, source = Minutes(zone(name), change), Random(change)
    middle, plans = weeks(name, change)
    looked = {key: Week(minutes, weekly) for key, weekly in plans.items()}
    compiled = {
        key: Calendar(publish(parse_calendar({"key": key, "zone": name, "weekly": weekly})))
        for key, weekly in plans.items()
    }
    near = [change + source.randint(-4, 4) * 15 for _ in range(6)]
    instants = sorted({change - 1800, change - 1440, *near, *(change + source.randint(-1800, 2880) for _ in range(20))})
    for key, week in looked.items():
        for end in instants[1:]:
            found = compiled[key].open_time_between(instants[0] * 60_000_000, end * 60_000_000)
            assert found == week.open_between(instants[0], end) * 60_000_000, (name, plans[key], written(end))
    promised = {f"{key} {n}": target for key in plans for n, target in enumerate(targets(key, middle))}
    for origin in (change - 1500, change - 75, change, source.choice(near)):
        expected = {
            which: written(looked[target.get("calendar", "night")].due(target, origin))
            for which, target in promised.items()
        }
        start = {"type": "start", "at": written(origin)}
        asked = {"policy": {"key": "p", "targets": promised}, "events": [start], "until": start["at"]}
        told = simulate(asked, calendars=compiled)["clocks"]
        assert {one["target"]: one["due_at"] for one in told} == expected, (name, start, plans)


def test_open_time_and_due_instants_across_clock_changes_of_each_kind():
    for name, change in of_each_kind(SAMPLE, set()):
        sweep(name, change)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_open_time_and_due_instants_across_every_clock_change_of_every_zone():
    """Zones whose clocks show the same all the while are swept once."""
    names, swept = sorted(filter(is_zone, available_timezones())), set()
    for name in names:
        rules = zone(name)
        changed = tuple((change, offset(rules, change - 1), offset(rules, change)) for change in changes(rules))
        if changed not in swept:
            swept.add(changed)
            for change, _, _ in changed:
                sweep(name, change)
    assert sum(map(len, swept)) > 500

    seen = set()
    assert list(of_each_kind(SAMPLE, seen))
    assert list(of_each_kind(names, seen)) == [], "the sample has every kind of change"
