"""Short words for tests: a week in Shanghai without holidays, one target, and the events that befall it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.crisis.documents.simulation import simulate

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 11, 2)
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OFFICE = {
    "key": "office",
    "zone": "Asia/Shanghai",
    "weekly": {day: ["09:00-12:00", "13:00-18:00"] for day in DAYS[:5]},
}
CALENDAR = {"calendar": "office"}
LAW = {"statutory": {"regime": "law", "source": "§ 1"}}


def at(words):
    """`mon 10:00` of the first week, `tue+2 10:00:30` of the third, as an instant on the wire."""
    day, clock = words.split()
    name, _, weeks = day.partition("+")
    when = MONDAY + timedelta(DAYS.index(name) + 7 * int(weeks or 0))
    extra = timedelta(1) if clock == "24:00" else timedelta()
    civil = datetime.combine(when, time.fromisoformat("00:00" if extra else clock), SHANGHAI) + extra
    return civil.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"


def when(instant):
    """The same words for an instant of the answer; None stays None."""
    if instant is None:
        return None
    civil = datetime.fromisoformat(instant).astimezone(SHANGHAI)
    weeks, day = divmod((civil.date() - MONDAY).days, 7)
    clock = civil.time().isoformat().removesuffix(":00") if not civil.microsecond else civil.time().isoformat()
    return f"{DAYS[day]}{f'+{weeks}' if weeks else ''} {clock}"


def event(type_, words, **fields):
    return {"type": type_, "at": at(words), **fields}


def start(words):
    return event("start", words)


def pause(words, reason="waiting"):
    return event("pause", words, reason=reason)


def resume(words, reason=None):
    return event("resume", words, **({"reason": reason} if reason else {}))


def stop(words):
    return event("stop", words)


def cancel(words):
    return event("cancel", words)


def reopen(words, mode=None):
    return event("reopen", words, **({"mode": mode} if mode else {}))


def retarget(words, behaviour, target):
    return event("retarget", words, behaviour=behaviour, to=target, target="t")


def extend(words, **how):
    return event("extend", words, **how)


def elapsed(text, **more):
    return {"elapsed": text, **more}


def business(text, **more):
    return {"business": text, **CALENDAR, **more}


def business_days(count, **more):
    return {"business_days": count, **CALENDAR, **more}


def period(text, **more):
    return {"period": text, **CALENDAR, **more}


def request(target, *events, until="fri+9 00:00", calendars=(OFFICE,), policies=(), reopen_mode=None):
    policy = {"key": "p", "targets": {"t": target}}
    if reopen_mode:
        policy["reopen"] = reopen_mode
    return {
        "policy": policy,
        "policies": list(policies),
        "calendars": list(calendars),
        "events": list(events),
        "until": at(until),
    }


def cycles(target, *events, **more):
    """Every cycle of the target."""
    return simulate(request(target, *events, **more))["clocks"]


def clock(target, *events, **more):
    """The only cycle of the target."""
    (only,) = cycles(target, *events, **more)
    return only


def due(target, *events, **more):
    """When the only cycle is due, in words."""
    return when(clock(target, *events, **more)["due_at"])


def breach(found):
    """When and why a clock breached, in words; None where it did not."""
    assert found["has_breached"] == (found["breached_at"] is not None)
    return (when(found["breached_at"]), found["breach_cause"]) if found["has_breached"] else None


def warned(found):
    return [(one["threshold"], when(one["at"])) for one in found["warnings"]]


def states(found):
    """The segments in words, without their reasons."""
    return [(one["state"], when(one["from"]), when(one["to"])) for one in found["segments"]]
