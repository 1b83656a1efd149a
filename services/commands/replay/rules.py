"""The family of rules that are asked, and how well each fits. One rule is a measure and a duration.

- what counts: real time; open time of an office from 9 to 5, of a desk from 7 to 7 (Monday to Friday), or of weekdays
  around the clock; all in the wall time of the log;
- whether waiting for others counts;
- what ends it: the resolution or the closing;
- how long: one duration of `HOURS` for all incidents, or one for each priority.

The choice is made on the same incidents that it is judged by, so the figure of the halves (`held_out`) stands beside
it: chosen on one half of the incidents, judged on the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import product
from typing import Final, Literal

from services.commands.replay.log import End, Incident, events_of
from services.crisis.domain.clocks import Business, ClockResult, Elapsed, Policy, ReopenMode, Target, fold
from shared.worktime import Calendar, parse_calendar, publish

HOURS: Final = (
    1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 36, 40, 48, 60, 72, 80, 96, 120, 144, 160, 168, 192, 240, 336, 480, 720,
)  # fmt: skip
Time = Literal["elapsed", "office", "desk", "weekdays"]
_WINDOWS: Final[dict[Time, str]] = {"office": "09:00-17:00", "desk": "07:00-19:00", "weekdays": "00:00-24:00"}
_HOUR: Final = 3_600_000_000
_NEVER_REACHED: Final = 5 * 365 * 8
"""Hours that no incident uses up, and that every calendar here holds within twenty years."""
TARGET: Final = "resolution"
Scope = Literal["all", "priority"]
ALL: Final = "all"
SCOPES: Final[tuple[Scope, ...]] = ("all", "priority")


@dataclass(frozen=True, slots=True)
class Measure:
    """What of an incident's life counts."""

    time: Time
    pauses: bool
    end: End

    @property
    def text(self) -> str:
        hours = {"elapsed": "real time", "weekdays": "weekdays around the clock"}
        counted = hours.get(self.time) or f"Mon-Fri {_WINDOWS[self.time]}"
        return f"{counted}, {'without' if self.pauses else 'with'} the waits, until it is {self.end}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A measure and its durations in hours, by priority; `all` for all of them."""

    measure: Measure
    hours: Mapping[str, int]

    def hours_of(self, incident: Incident) -> int:
        return self.hours[ALL] if ALL in self.hours else self.hours[incident.priority]


_TIMES: Final[tuple[Time, ...]] = ("elapsed", *_WINDOWS)
_ENDS: Final[tuple[End, ...]] = ("resolved", "closed")
MEASURES: Final = tuple(Measure(*parts) for parts in product(_TIMES, (True, False), _ENDS))
Used = Mapping[str, float]
"""Hours that counted until the end, by incident."""


@cache
def calendars() -> dict[str, Calendar]:
    """The calendars of the family."""
    days = ("mon", "tue", "wed", "thu", "fri")
    documents = ({"key": key, "zone": "UTC", "weekly": {day: [w] for day in days}} for key, w in _WINDOWS.items())
    return {str(document["key"]): Calendar(publish(parse_calendar(document))) for document in documents}


def clock_of(
    incident: Incident, measure: Measure, hours: float, *, until: datetime, reopen: ReopenMode = ReopenMode.RESUME
) -> tuple[ClockResult, ...]:
    """The engine's answer: one entry per cycle of the one target."""
    micros = round(hours * _HOUR)
    target = Target(Elapsed(micros)) if measure.time == "elapsed" else Target(Business(micros), calendar=measure.time)
    policy = Policy("incident-log", {TARGET: target}, reopen=reopen)
    events = events_of(incident, end=measure.end, pauses=measure.pauses)
    return fold(policy, events, calendars=calendars(), until=until)


def used_hours(incidents: Iterable[Incident], measure: Measure, *, until: datetime) -> Used:
    """What each incident used, from the engine: a target is met where it is not shorter than this.

    A target used up exactly, before a pause or at closing time, is due there: where the end came later, a microsecond
    more would have been needed, and is added.
    """
    used: dict[str, float] = {}
    for incident in incidents:
        hours = clock_of(incident, measure, _NEVER_REACHED, until=until)[-1].elapsed_seconds / 3600
        exactly = clock_of(incident, measure, hours, until=until)[-1] if hours else None
        is_short = exactly is not None and exactly.has_breached
        used[incident.number] = hours + 1 / _HOUR if is_short else hours
    return used


def best_of(measure: Measure, scope: Scope, incidents: Sequence[Incident], used: Used) -> tuple[int, Rule]:
    """The durations that agree with the log most often, the shortest of equals, and how often they do."""
    hours: dict[str, int] = {}
    right = 0
    for name, ones in _groups(incidents, scope).items():
        agreeing = {one: _agreeing(ones, used, one) for one in HOURS}
        hours[name] = max(HOURS, key=agreeing.__getitem__)
        right += agreeing[hours[name]]
    return right, Rule(measure, hours)


def best_rule(
    incidents: Sequence[Incident], used: Mapping[Measure, Used], measures: Sequence[Measure] = MEASURES
) -> Rule:
    """The rule that agrees with the log most often; of equals the one with fewer durations, then the first."""
    found = [best_of(measure, scope, incidents, used[measure]) for measure, scope in product(measures, SCOPES)]
    return max(found, key=lambda one: (one[0], -len(one[1].hours)))[1]


def same_verdicts(
    rule: Rule, incidents: Iterable[Incident], used: Used
) -> dict[str, tuple[float | None, float | None]]:
    """Between which hours a duration may lie (included, excluded) with no verdict changed; None does not bound."""
    spans: dict[str, tuple[float | None, float | None]] = {}
    for name, ones in _groups(incidents, ALL if ALL in rule.hours else "priority").items():
        hours = [used[one.number] for one in ones]
        below = max((h for h in hours if h <= rule.hours[name]), default=None)
        above = min((h for h in hours if h > rule.hours[name]), default=None)
        spans[name] = (below, above)
    return spans


def most_explained(incidents: Sequence[Incident], used: Mapping[Measure, Used]) -> int:
    """How many incidents the best measure explains with any durations at all, one for each priority."""
    return max(
        sum(_best_cut(ones, used[measure]) for ones in _groups(incidents, "priority").values()) for measure in MEASURES
    )


def held_out(incidents: Sequence[Incident], used: Mapping[Measure, Used]) -> float:
    """Share explained by a rule that was chosen on the other half of the incidents (every second one), both ways."""
    halves = incidents[::2], incidents[1::2]
    right = 0
    for chosen_on, judged_on in (halves, halves[::-1]):
        rule = best_rule(chosen_on, used)
        fallback = max(rule.hours.values())
        right += sum(
            (used[rule.measure][one.number] <= rule.hours.get(ALL, rule.hours.get(one.priority, fallback)))
            == one.made_sla
            for one in judged_on
        )
    return right / len(incidents)


def confusion(incidents: Iterable[Incident], verdicts: Mapping[str, bool]) -> dict[str, int]:
    """How often the log says this and the rule that, as `log made, rule missed`."""
    words = {True: "made", False: "missed"}
    counted = Counter(f"log {words[one.made_sla]}, rule {words[verdicts[one.number]]}" for one in incidents)
    return {f"log {a}, rule {b}": counted[f"log {a}, rule {b}"] for a, b in product(words.values(), repeat=2)}


def _groups(incidents: Iterable[Incident], scope: Scope) -> dict[str, list[Incident]]:
    groups: dict[str, list[Incident]] = defaultdict(list)
    for incident in incidents:
        groups[ALL if scope == ALL else incident.priority].append(incident)
    return dict(sorted(groups.items()))


def _agreeing(incidents: Iterable[Incident], used: Used, hours: float) -> int:
    return sum((used[one.number] <= hours) == one.made_sla for one in incidents)


def _best_cut(incidents: Sequence[Incident], used: Used) -> int:
    """The most incidents that one threshold can explain: made below it, missed above it."""
    cuts = [-1.0, *{used[one.number] for one in incidents}]
    return max(_agreeing(incidents, used, cut) for cut in cuts)
