"""Documents and events in, an explanation out: as the service does it, with nothing stored."""

from datetime import timedelta
from itertools import groupby

from services.crisis.documents.simulation_request import understand
from services.crisis.domain.clocks import fold
from services.crisis.domain.sla.records import Record
from services.crisis.explain import About, Explanation, explain_clock
from shared.worktime.zones import zone

WEEK = ("mon", "tue", "wed", "thu", "fri")
CHINA = {
    "key": "cn-office",
    "zone": "Asia/Shanghai",
    "weekly": {day: ["09:00-12:00", "13:00-18:00"] for day in WEEK},
    "holidays": {"country": "CN", "make_up_workdays": True, "make_up_as": "mon"},
}
LONDON = {"key": "uk-shift", "zone": "Europe/London", "weekly": {day: ["00:00-24:00"] for day in (*WEEK, "sat", "sun")}}
NEW_YORK = {"key": "us-office", "zone": "America/New_York", "weekly": {day: ["09:00-17:00"] for day in WEEK}}
CALENDARS = [CHINA, LONDON, NEW_YORK]


def request(targets, *events, until, policies=(), reopen="new_cycle"):
    return {
        "policy": {"key": "key", "targets": targets, "reopen": reopen},
        "policies": list(policies),
        "calendars": CALENDARS,
        "events": [
            dict(zip(("at", "type"), one[:2], strict=True)) | (one[2] if len(one) > 2 else {}) for one in events
        ],
        "until": until,
    }


def explain(body, *, zone_name="UTC", late=timedelta()):
    """The explanation of a simulate request; events were recorded `late` after they took effect, by E-1042."""
    asked = understand(body, calendars={}, policies={})
    results = fold(
        asked.policy,
        asked.events,
        calendars=asked.calendars,
        policies=asked.policies,
        until=asked.until,
        segments=True,
        lines=True,
    )
    records = tuple(
        Record(number, event, event.at + late, "E-1042", cause="tier_changed" if "Retarget" in repr(event) else None)
        for number, event in enumerate(asked.events, 1)
    )
    clocks = []
    for target, cycles in groupby(results, key=lambda result: result.target):
        about = About(
            clock_id=f"clock-{target}",
            case_id="case-1",
            matter_id=None,
            policy="key",
            zones={key: calendar.zone.key for key, calendar in asked.calendars.items()},
            worked={key: calendar.version.make_up_days for key, calendar in asked.calendars.items()},
            records=tuple(r for r in records if r.event.target in {None, target}),
        )
        clocks += explain_clock(tuple(cycles), at=asked.until, calendars=asked.calendars, about=about)
    return Explanation("case-1", "CR-2026-000117", asked.until, zone(zone_name), tuple(clocks))


def spring_festival():
    """Eight working hours from Friday 13 February 2026: the Saturday after is worked, the week after is not."""
    return explain(
        request(
            {
                "first_response": {"business": "PT8H", "calendar": "cn-office", "warn": ["50%", "90%"]},
                "resolution": {"business_days": 3, "calendar": "cn-office", "warn_before": ["PT24H"]},
            },
            ("2026-02-13T08:00:00Z", "start"),
            until="2026-02-14T06:30:00Z",
        ),
        zone_name="Asia/Shanghai",
    )


def clock_change():
    """Thirty hours around the clock, across the night in which London's clocks go forward."""
    return explain(
        request(
            {"plan": {"business": "PT30H", "calendar": "uk-shift", "warn": ["50%"], "warn_before": ["PT2H"]}},
            ("2026-03-28T12:00:00Z", "start"),
            ("2026-03-28T20:00:00Z", "pause", {"reason": "waiting_for_customer"}),
            ("2026-03-29T02:00:00Z", "resume"),
            until="2026-03-29T10:00:00Z",
        ),
        zone_name="Europe/London",
    )


def nested_pauses():
    """Waiting for the customer, and meanwhile also for the vendor; the office closes in between."""
    return explain(
        request(
            {"first_response": {"business": "PT8H", "calendar": "cn-office", "warn": ["50%"]}},
            ("2026-03-02T02:00:00Z", "start"),
            ("2026-03-02T03:00:00Z", "pause", {"reason": "waiting_for_customer"}),
            ("2026-03-02T06:00:00Z", "pause", {"reason": "waiting_for_vendor"}),
            ("2026-03-02T08:00:00Z", "resume", {"reason": "waiting_for_customer"}),
            ("2026-03-03T02:00:00Z", "resume", {"reason": "waiting_for_vendor"}),
            ("2026-03-03T03:00:00Z", "pause", {"reason": "waiting_for_customer"}),
            until="2026-03-03T04:30:00Z",
        ),
        zone_name="Asia/Shanghai",
    )


def two_lines():
    """A better tier tightens the running promise: the old line stays beside the new one."""
    return explain(
        request(
            {"initial_resolution": {"elapsed": "PT24H", "warn": ["50%"]}},
            ("2026-03-02T02:00:00Z", "start"),
            ("2026-03-02T05:00:00Z", "retarget", {"policy": "strategic", "behaviour": "tighten_only"}),
            until="2026-03-02T06:00:00Z",
            policies=[{"key": "strategic", "targets": {"initial_resolution": {"elapsed": "PT8H", "warn": ["90%"]}}}],
        ),
    )


def breached():
    """Not answered within four hours; answered late, reopened, and answered again."""
    return explain(
        request(
            {"first_response": {"elapsed": "PT4H", "warn": ["50%", "90%"]}},
            ("2026-10-31T20:00:00Z", "start"),
            ("2026-11-01T02:00:00Z", "stop"),
            ("2026-11-01T05:00:00Z", "reopen", {"mode": "new_cycle"}),
            until="2026-11-01T12:00:00Z",
        ),
        zone_name="America/New_York",
        late=timedelta(minutes=3),
    )


def half_a_year():
    """A long wait: 900 working hours, of which hundreds of stretches have passed."""
    return explain(
        request(
            {"resolution": {"business": "PT900H", "calendar": "cn-office", "warn": ["50%", "75%"]}},
            ("2026-01-05T01:00:00Z", "start"),
            ("2026-03-02T02:00:00Z", "pause", {"reason": "waiting_for_customer"}),
            ("2026-04-01T02:00:00Z", "resume"),
            until="2026-05-20T02:00:00Z",
        ),
        zone_name="Asia/Shanghai",
    )


def worked_example():
    """Four working hours from a Friday afternoon: the Saturday after is worked instead of a day of the holiday."""
    return explain(
        request(
            {"first_response": {"business": "PT4H", "calendar": "cn-office", "warn": ["50%", "90%"]}},
            ("2026-02-13T08:00:00Z", "start"),
            until="2026-02-14T02:00:00Z",
        ),
        zone_name="Asia/Shanghai",
    )
