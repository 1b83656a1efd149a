"""A zone around a clock change, minute by minute: promises computed by looking at what the zone's clocks show.

Shares nothing with the engine but the zone's rules, and reads those one way only, from instants to wall times: a wall
time becomes an instant by finding the first minute that shows it. Instants are minutes since the epoch.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate

MINUTE = timedelta(minutes=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BEGIN, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) // 60 for year in (2020, 2031))


def shown(zone, minute):
    return datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None, fold=0)


def offset(zone, minute):
    """Minutes that the zone is ahead of UTC."""
    return (shown(zone, minute) - shown(UTC, minute)) // MINUTE


def changes(zone):
    """The first minute of each new offset, 2020 to 2030."""
    before = offset(zone, BEGIN)
    for day in range(BEGIN + 1440, END + 1, 1440):
        after = offset(zone, day)
        if after != before:
            low, high = day - 1440, day
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            yield high
            before = after


def behaviour(zone, change):
    """What makes one clock change different from another: from which wall time to which."""
    before, after = shown(zone, change - 1) + MINUTE, shown(zone, change)
    return before.strftime("%H:%M"), after.strftime("%H:%M")


class Minutes:
    """The wall clock of a zone for five days before a clock change and ten after it."""

    def __init__(self, zone, change):
        self.begin, self.count = change - 5 * 1440, 15 * 1440
        self.shown = [shown(zone, self.begin + number) for number in range(self.count)]
        self._first = {}
        for number, wall in enumerate(self.shown):
            self._first.setdefault(wall, number)

    def instant(self, wall):
        """The first minute that shows the wall time; where none does, the one that would but for the jump."""
        number = self._first.get(wall)
        if number is None:
            last = next(n for n in range(self.count) if self.shown[n] < wall < self.shown[n + 1])
            number = self._first[wall] = last + (wall - self.shown[last]) // MINUTE
        return self.begin + number

    def day(self, minute):
        return self.shown[minute - self.begin].date()


class Week:
    """A calendar without holidays, by looking at each minute."""

    def __init__(self, minutes, weekly):
        self.minutes, self.weekly = minutes, weekly
        is_open = bytearray(minutes.count)
        first, last = minutes.shown[0].date() + timedelta(1), minutes.shown[-1].date() - timedelta(1)
        for number in range((last - first).days):
            for begin, end in self.windows(first + timedelta(number)):
                for minute in range(begin, end):
                    is_open[minute - minutes.begin] = 1
        self.used = [0, *accumulate(is_open)]
        """Open minutes before each minute."""

    def windows(self, day):
        for text in self.weekly.get(WEEKDAYS[day.weekday()], ()):
            begin, end = text.split("-")
            last = day if end > begin else day + timedelta(1)
            yield self.at(day, begin), self.at(last, end)

    def at(self, day, clock):
        if clock == "24:00":
            day, clock = day + timedelta(1), "00:00"
        return self.minutes.instant(datetime.combine(day, time.fromisoformat(clock)))

    def open_between(self, begin, end):
        return self.used[end - self.minutes.begin] - self.used[begin - self.minutes.begin]

    def due(self, target, origin):
        """When a started clock is due that nothing befalls."""
        day = self.minutes.day(origin)
        if "elapsed" in target:
            return origin + _minutes(target["elapsed"])
        if "business" in target:
            want = self.used[origin - self.minutes.begin] + _minutes(target["business"])
            return self.minutes.begin + self.used.index(want)
        if "business_days" in target:
            if target.get("day_zero") == "next_open" and not any(end > origin for _, end in self.windows(day)):
                day = self._next(day)
            for _ in range(target["business_days"]):
                day = self._next(day)
            return self.at(day, target["at"]) if "at" in target else max(end for _, end in self.windows(day))
        day += timedelta(int(target["period"][1:-1]))
        step = {"forward": 1, "backward": -1}.get(target.get("roll"))
        if step and not list(self.windows(day)):
            day = self._next(day, step)
        if target.get("until") == "same_time":
            return self.minutes.instant(datetime.combine(day, self.minutes.shown[origin - self.minutes.begin].time()))
        return self.at(day, "24:00")

    def _next(self, day: date, step=1):
        while True:
            day += timedelta(step)
            if list(self.windows(day)):
                return day


def _minutes(duration):
    return int(duration.removeprefix("PT").removesuffix("M"))
