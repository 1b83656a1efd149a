"""Random requests whose every instant lies on a quarter of an hour, also after a prorate and a share."""

from datetime import datetime, timedelta

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
CALENDARS = [
    {
        "key": "cn",
        "zone": "Asia/Shanghai",
        "weekly": {day: ["09:00-12:00", "13:00-18:00"] for day in WEEKDAYS},
        "holidays": {"country": "CN", "make_up_workdays": True, "make_up_as": "mon"},
        "exceptions": [
            {"date": "2026-09-28", "windows": ["09:00-12:00"], "note": "half day"},
            {"from": "2026-10-12", "to": "2026-10-13", "windows": []},
        ],
    },
    {
        "key": "ny",
        "zone": "America/New_York",
        "weekly": {**{day: ["22:00-06:00"] for day in WEEKDAYS}, "sun": ["01:00-05:00"]},
        "holidays": {"country": "US"},
    },
    {
        "key": "ld",
        "zone": "Europe/London",
        "weekly": {
            **{day: ["09:00-17:00"] for day in WEEKDAYS},
            "sat": ["20:00-24:00"],
            "sun": ["00:00-04:00", "01:30-02:30"],
        },
        "holidays": {"country": "GB", "subdivision": "ENG"},
    },
]
OPENINGS = ("2026-09-26", "2026-10-23", "2026-03-06", "2026-03-27", "2026-10-30")
"""Before the National Day holiday, and before clock changes in London and New York."""
EVENTS = (
    "pause",
    "pause",
    "resume",
    "resume",
    "stop",
    "stop",
    "cancel",
    *["retarget"] * 3,
    "reopen",
    "reopen",
    "extend",
)
BEHAVIOURS = ("keep", "retarget_from_start", "restart_now", "prorate", "prorate", "tighten_only", "tighten_only")
MODES = ("resume", "resume", "resume_including_closed", "new_cycle", "invalidate_previous", None)


def story(source):
    """One request; `source` is a random.Random."""
    opening = datetime.fromisoformat(source.choice(OPENINGS) + "T00:00:00")
    hours = source.choice((12, 24, 72, 120))
    events = [event(source, opening, hours) for _ in range(source.randint(2, source.choice((9, 9, 9, 40))))]
    events.append({"type": "start", "at": instant(opening, source.randint(0, 8))})
    source.shuffle(events)
    if source.random() < 0.3:
        together = source.choice(events)["at"]
        for one in events:
            if source.random() < 0.4:
                one["at"] = together
    return {
        "policy": {
            "key": "p",
            "reopen": source.choice(("resume", "new_cycle")),
            "targets": {"t": target(source, statutory=source.random() < 0.15)},
        },
        "policies": [{"key": "q", "targets": {"t": target(source)}}],
        "calendars": CALENDARS,
        "events": events,
        "until": instant(opening, hours + source.choice((0, 10, 100))),
    }


def event(source, opening, hours):
    kind = source.choice(EVENTS)
    one = {"type": kind, "at": instant(opening, source.randint(0, hours))}
    if source.random() < 0.5:
        one["target"] = "t"
    if kind == "pause" or (kind == "resume" and source.random() < 0.6):
        one["reason"] = source.choice("ab")
    if kind == "retarget":
        one["behaviour"] = source.choice(BEHAVIOURS)
        one |= {"policy": "q"} if source.random() < 0.5 else {"target": "t", "to": target(source)}
    mode = source.choice(MODES)
    if kind == "reopen" and mode is not None:
        one["mode"] = mode
    if kind == "extend":
        one |= (
            {"by": source.choice(("P1D", "P2D", "P1W"))}
            if source.random() < 0.5
            else {"until": instant(opening, source.randint(0, hours + 60))}
        )
    return one


def target(source, *, statutory=False):
    kind = source.choice(("elapsed", "business", "business", "business_days", "period"))
    made = {} if kind == "elapsed" else {"calendar": source.choice(("cn", "ny", "ld"))}
    if kind in {"elapsed", "business"}:
        made[kind] = source.choice(("PT4H", "PT8H"))
    else:
        made["under_pause"] = source.choice(("fixed", "shift"))
    if kind == "business_days":
        made |= {kind: source.choice((1, 2)), "day_zero": source.choice(("date", "next_open"))}
        if source.random() < 0.4:
            made["at"] = source.choice(("12:00", "18:00"))
    if kind == "period":
        made |= {kind: source.choice(("P1D", "P2D", "P1W")), "roll": source.choice(("none", "forward", "backward"))}
        made["until"] = source.choice(("end_of_day", "same_time"))
    if source.random() < 0.7:
        made["warn"] = source.sample(("25%", "50%", "75%", "100%", "120%"), source.randint(1, 3))
    if source.random() < 0.6:
        made["warn_before"] = source.sample(("PT1H", "PT2H", "PT6H", "PT20H"), source.randint(1, 2))
    return made | ({"statutory": {"regime": "law", "source": "§ 1"}} if statutory else {})


def instant(opening, hours):
    return (opening + timedelta(hours=hours)).isoformat() + "Z"


_LONG = (
    {"type": "pause", "reason": "a"},
    {"type": "pause", "reason": "b"},
    {"type": "resume", "reason": "a"},
    {"type": "retarget", "policy": "q", "behaviour": "tighten_only"},
    {"type": "resume"},
    {"type": "retarget", "policy": "q", "behaviour": "retarget_from_start"},
    {"type": "stop"},
    {"type": "pause", "reason": "a"},
    {"type": "reopen", "mode": "resume_including_closed"},
    {"type": "resume"},
    {"type": "retarget", "policy": "p", "behaviour": "prorate"},
    {"type": "stop"},
    {"type": "reopen", "mode": "resume"},
    {"type": "retarget", "policy": "p", "behaviour": "retarget_from_start"},
)


def long_story(length):
    """So many events on one clock, a minute apart; none of them ends it."""
    opening = datetime.fromisoformat("2026-11-02T00:00:00")
    events = [{"type": "start", "at": instant(opening, 0)}]
    for number in range(length - 1):
        events.append({**_LONG[number % len(_LONG)], "at": instant(opening, (number + 1) / 60)})
    promise = {"business": "PT400H", "calendar": "cn", "warn": ["50%", "90%"]}
    return {
        "policy": {"key": "p", "targets": {"t": promise}},
        "policies": [{"key": "q", "targets": {"t": {**promise, "business": "PT300H"}}}],
        "calendars": CALENDARS,
        "events": events,
        "until": instant(opening, length / 60),
    }
