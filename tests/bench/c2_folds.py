"""C2: a simulation of ten events. C3, C4: folds of a short and of a long history."""

from datetime import UTC, datetime, timedelta
from functools import partial

from services.crisis.documents.clock_events import parse_clock_event, to_clock_event
from services.crisis.documents.simulation import simulate
from services.crisis.documents.targets import parse_policy
from services.crisis.domain.clocks import fold
from shared.worktime import Calendar, parse_calendar, publish
from tests.bench.bench import Bench, best_rate
from tests.bench.c1_calendar import OFFICE
from tests.bench.table import Ratio, Row
from tests.unit.clocks.stories import long_story

OPENED = datetime(2026, 9, 25, 9, 13, tzinfo=UTC)
TARGET = {"business": "PT40H", "calendar": "cn-office", "warn": ["50%", "90%"], "warn_before": ["PT1H"]}
HISTORY = [
    ("start", 0, {}),
    ("pause", 1, {"reason": "customer"}),
    ("resume", 20, {}),
    ("retarget", 30, {"behaviour": "tighten_only", "policy": "p"}),
    ("pause", 40, {"reason": "customer"}),
    ("pause", 41, {"reason": "supplier"}),
    ("resume", 60, {"reason": "customer"}),
    ("resume", 70, {"reason": "supplier"}),
    ("stop", 90, {}),
    ("reopen", 100, {"mode": "resume"}),
]
BODY = {
    "policy": {"key": "p", "targets": {"resolution": TARGET}},
    "calendars": [OFFICE],
    "events": [
        {"type": kind, "at": (OPENED + timedelta(hours=hours)).isoformat(), **more} for kind, hours, more in HISTORY
    ],
    "until": (OPENED + timedelta(hours=120)).isoformat(),
}


async def run(_: Bench) -> list[Row]:
    """The best of several rounds each; the calendar is compiled before."""
    calendar = Calendar(publish(parse_calendar(OFFICE)))
    policy = parse_policy(BODY["policy"]).to_policy()
    events = [to_clock_event(parse_clock_event(event)) for event in BODY["events"]]
    until = OPENED + timedelta(hours=120)
    whole = best_rate(lambda: simulate(BODY), 100)
    live = best_rate(lambda: fold(policy, events, calendars={"cn-office": calendar}, until=until), 200)
    return [
        Row(id="C2", what="simulate ten events, one target", ours=1000 / whole, unit="ms", goal=1, less=True),
        Row(id="C3", what="fold of the same ten events, no segments", ours=live, unit="folds/s"),
        _long_histories(calendar),
    ]


def _long_histories(calendar: Calendar) -> Row:
    """Near-linear: an event costs no more on a clock with ten thousand of them than on one with a thousand."""
    seconds = {}
    for length in (1_000, 10_000):
        told = long_story(length)
        known = [parse_policy(document).to_policy() for document in (told["policy"], *told["policies"])]
        events = [to_clock_event(parse_clock_event(event)) for event in told["events"]]
        until = datetime.fromisoformat(told["until"])
        whole = partial(
            fold, known[0], events, calendars={"cn": calendar}, until=until, policies={one.key: one for one in known}
        )
        seconds[length] = 1 / best_rate(whole, 10_000 // length)
    return Row(
        id="C4",
        what="fold of 10,000 events on one clock, pauses, stops, reopens and retargets",
        ours=1e6 * seconds[10_000] / 10_000,
        unit="µs an event",
        beside={"1,000 events": 1e6 * seconds[1_000] / 1_000},
        ratios=(Ratio("1,000 events", 10 * seconds[1_000] / seconds[10_000], 0.7),),
    )
