"""The promise once more, slowly: quarter of an hour by quarter of an hour, straight from its definitions.

Shares no code with the engine. Everything lies on quarters of an hour ("ticks" since the epoch), and every question is
answered by counting ticks from the origin again.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import holidays

TICK = 900
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FAR = 10**9


def tick(text):
    seconds = datetime.fromisoformat(text).timestamp()
    assert seconds % TICK == 0, text
    return int(seconds) // TICK


def text(ticks):
    exact = Fraction(ticks) * TICK
    assert exact.denominator == 1, "off the grid"
    return datetime.fromtimestamp(int(exact), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hours(duration):
    assert duration.startswith("PT")
    assert duration.endswith("H")
    return int(duration[2:-1]) * 4


class Cal:
    def __init__(self, doc):
        self.zone = ZoneInfo(doc["zone"])
        self.doc = doc
        rule = doc.get("holidays")
        self.off = holidays.country_holidays(rule["country"], subdiv=rule.get("subdivision")) if rule else {}
        self.memo, self.seen = {}, {}

    def listed(self, day):
        for one in self.doc.get("exceptions", ()):
            first, last = one.get("date") or one["from"], one.get("date") or one["to"]
            if first <= day.isoformat() <= last:
                return one["windows"]
        rule = self.doc.get("holidays")
        if rule and day in self.off:
            return []
        if rule and rule.get("make_up_workdays") and day in self.off.weekend_workdays:
            return self.doc["weekly"].get(rule["make_up_as"], [])
        return self.doc["weekly"].get(DAYS[day.weekday()], [])

    def wall(self, day, clock):
        if clock == "24:00":
            day, clock = day + timedelta(1), "00:00"
        at = datetime.combine(day, time.fromisoformat(clock), self.zone)
        return int(at.astimezone(UTC).timestamp()) // TICK

    def windows(self, day):
        if day not in self.memo:
            found = []
            for window in self.listed(day):
                begin, end = window.split("-")
                last = day if end > begin else day + timedelta(1)
                found.append((self.wall(day, begin), self.wall(last, end)))
            self.memo[day] = found
        return self.memo[day]

    def day(self, at):
        return datetime.fromtimestamp(at * TICK, UTC).astimezone(self.zone).date()

    def is_open(self, at):
        if at not in self.seen:
            day = self.day(at)
            near = (day - timedelta(1), day, day + timedelta(1))
            self.seen[at] = any(begin <= at < end for each in near for begin, end in self.windows(each))
        return self.seen[at]

    def next_day(self, day, step=1):
        while True:
            day += timedelta(step)
            if self.windows(day):
                return day


@cache
def calendar(document):
    """The calendar of a JSON document; it remembers the days and ticks that were asked for."""
    return Cal(json.loads(document))


class Line:
    def __init__(self, doc, cal, base, budget=None):
        self.doc, self.cal, self.base = doc, cal, base
        self.kind = next(kind for kind in ("elapsed", "business", "business_days", "period") if doc.get(kind))
        self.runs = self.kind in {"elapsed", "business"}
        self.whole = hours(doc[self.kind]) if self.runs else None
        self.budget = self.whole if budget is None else budget
        self.extended = None

    def used_of(self, clock, to):
        return sum(1 for at in range(self.base, to) if self.counts(at))

    def counts(self, at):
        return self.kind == "elapsed" or self.cal.is_open(at)

    def used(self, clock, to):
        return sum(1 for at in range(self.base, to) if clock.ran(at) and self.counts(at))

    def due(self, clock, now, used=None):
        """As if it ran from `now` on, and where it does not run at `now`."""
        if self.extended is not None and used is None:
            return self.extended
        if not self.runs:
            return self.day_due(clock, now)
        need, at = (self.budget if used is None else used), self.base
        if need <= 0:
            return self.base
        while True:
            if (at >= now or clock.ran(at)) and self.counts(at):
                need -= 1
            at += 1
            if need <= 0:
                assert need == 0, "off the grid"
                return at

    def day_due(self, clock, now):
        due = self.rule(self.base)
        if self.doc.get("under_pause") == "shift":
            shifted = 0
            for begin, end in clock.halts(self.base, now):
                if begin < due:
                    shifted += end - begin
                    due = self.rule(self.base + shifted)
        return due

    def rule(self, origin):
        doc, cal = self.doc, self.cal
        day = cal.day(origin)
        if self.kind == "business_days":
            if doc.get("day_zero") == "next_open":
                ends = [end for _, end in cal.windows(day)]
                if not ends or origin >= max(ends):
                    day = cal.next_day(day)
            for _ in range(doc["business_days"]):
                day = cal.next_day(day)
            return cal.wall(day, doc["at"]) if doc.get("at") else max(end for _, end in cal.windows(day))
        wall = datetime.fromtimestamp(origin * TICK, UTC).astimezone(cal.zone).strftime("%H:%M")
        day = later(day, doc["period"])
        if doc.get("roll") in {"forward", "backward"} and not cal.windows(day):
            day = cal.next_day(day, 1 if doc["roll"] == "forward" else -1)
        return cal.wall(day, wall if doc.get("until") == "same_time" else "24:00")

    def moved(self, clock, now):
        """Whether the pause that lasts at `now` moves it."""
        if not clock.paused:
            return False
        if self.runs:
            return self.used(clock, now) < self.budget
        since = clock.halts(self.base, now)[-1][0]
        return self.doc.get("under_pause") == "shift" and since < self.day_due(clock, since)


def later(day, period):
    unit, count = period[-1], int(period[1:-1])
    if unit in "DW":
        return day + timedelta(count * (7 if unit == "W" else 1))
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, min(last, day.day))
        except ValueError:
            continue
    raise AssertionError
